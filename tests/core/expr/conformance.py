#!/usr/bin/env python3
"""Expressions here and in a PostgreSQL 15 that this test starts.

usage: conformance.py EXPRESSION_TOOL [--only cases|random] [--count N] [--seed S] [--report FILE]

1. Every line of cases/*.txt (not additions_*) is what PostgreSQL answers; of departures.txt both sides are checked.
2. N (20,000) random well-typed expressions over columns of every type, evaluated on both sides and compared row by
   row: values as text, errors by SQLSTATE and message. A difference is explained by code (explain.py) that finds the
   reason in the expression, or is a fault: the expression is then shrunk and printed with its row.
The seed is printed; SR_SEED or --seed replays it. Exit code 77 (skipped) only where PostgreSQL 15 is not installed.
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

import explain
from expression_values import ORDINARY, ROWS, column_sql, fill_columns
from postgres import Postgres
from random_expressions import Expr, Generator, literal

SKIPPED = 77
CASES = pathlib.Path(__file__).parent / "cases"
CHUNK = 500
MAX_REASONS = 6  # that one difference may have

# Signatures of functions and operators that are written in SQL, as the function table has them.
IN_SQL = """
SELECT p.proname || '(', coalesce((SELECT string_agg(format_type(a, NULL), ', ' ORDER BY i)
  FROM unnest(p.proargtypes) WITH ORDINALITY u(a, i)), ''), ')', '', '' FROM pg_proc p WHERE p.prolang = 14
UNION ALL SELECT '', format_type(o.oprleft, NULL), ' ' || o.oprname || ' ', format_type(o.oprright, NULL), ''
  FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE p.prolang = 14;
"""


def signatures_in_sql(server):
    found = set()
    for line in server.run(IN_SQL).split("\n"):
        found.add("".join(", ".join(explain.type_name(name) for name in field.split(", ")) if field.strip() and i in (1, 3)
                          else field for i, field in enumerate(line.split("|"))))
    return found


class Tool:
    """expression_tool, one process for the whole run; started again should an expression kill it."""

    def __init__(self, path, columns=None):
        self.command = [path, "evaluate"] + ([columns] if columns else [])
        self.lock = threading.Lock()
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def evaluate(self, expressions):
        with self.lock:
            return self._evaluate(expressions)

    def _evaluate(self, expressions):
        answers = []
        while len(answers) < len(expressions):
            if self.process is None:
                self.start()
            rest = expressions[len(answers):]
            writer = threading.Thread(target=self._write, args=(self.process.stdin, rest))
            writer.start()
            for _ in rest:
                line = self.process.stdout.readline()
                if not line:
                    break
                answers.append(json.loads(line))
            else:
                writer.join()
                break
            writer.join()
            died = {"code": "crash", "message": f"expression_tool ended with {self.process.wait()}"}
            answers.append({"problem": died})
            self.process = None
        return answers

    @staticmethod
    def _write(pipe, expressions):
        try:
            pipe.write("".join(e + "\n" for e in expressions))
            pipe.flush()
        except BrokenPipeError:
            pass

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


# --- 1. The case files


def read_cases():
    """[(file:line, expression, PostgreSQL's answer)]"""
    cases = []
    for path in sorted(CASES.glob("*.txt")):
        if path.name.startswith("additions_"):
            continue
        for number, line in enumerate(path.read_text().split("\n"), 1):
            if not line.strip() or line.startswith("#"):
                continue
            expression, _, answer = line.rpartition(" -->")
            if path.name == "departures.txt":
                line, _, answer = line.rpartition(" --pg-->")
                expression = line.rpartition(" -->")[0]
            cases.append((f"{path.name}:{number}", expression, answer.strip()))
    return cases


def as_case(value):
    """A value in the form of the case files."""
    if value is None:
        return "NULL"
    return "error: " + value["message"] if explain.is_error(value) else value.strip()


def in_case_form(answer):
    """`error at N:` checks the place on our side only."""
    return "error: " + answer.split(": ", 1)[1] if answer.startswith("error at ") else answer


def check_cases(server):
    cases = read_cases()
    server.run("DROP TABLE IF EXISTS one; CREATE TABLE one AS SELECT 1 AS k;")
    chunks = [cases[i:i + CHUNK] for i in range(0, len(cases), CHUNK)]
    wrong = 0
    for chunk in chunks:
        answers = server.evaluate([expression for _, expression, _ in chunk], 1, "SELECT * FROM one")
        for (where, expression, recorded), answer in zip(chunk, answers):
            theirs = as_case(answer[1][0]) if answer else "no answer in time"
            wanted = in_case_form(recorded)
            if wanted.startswith("error: syntax error") and theirs != wanted:
                theirs = "error: " + server.refusal(expression)
            if theirs.replace("\n", "\\n") != wanted:
                wrong += 1
                print(f"{where}: {expression}\n  recorded   {recorded}\n  PostgreSQL {theirs}")
    print(f"cases: {len(cases)} checked against PostgreSQL, {wrong} differ")
    return wrong == 0


# --- 2. Random expressions


def with_nulls(expression, answers):
    """`answers`: PostgreSQL's, by text. Every part that reads no column and is NULL in PostgreSQL written as that NULL."""
    answer = answers.get(expression.sql())
    columns = any(part.label == "column" for part in expression.parts())
    kind = explain.type_name(answer[0]) if answer else None
    if expression.children and not columns and kind and all(value is None for value in answer[1]):
        return literal(None, kind)
    children = [with_nulls(child, answers) for child in expression.children]
    return Expr(expression.template, children, expression.type, expression.literal, expression.label)


def replaced(expression, part, by):
    if expression is part:
        return by
    children = [replaced(child, part, by) for child in expression.children]
    return Expr(expression.template, children, expression.type, expression.literal, expression.label)


class Answers:
    """What both sides say to expressions, PostgreSQL also when its planner sees no constant, or none but NULLs."""

    def __init__(self, comparison):
        self.comparison = comparison
        self.ours, self.plain, self.sides = {}, {}, {}

    def learn(self, expressions):
        new = list({e.sql(): e for e in expressions if e.sql() not in self.ours}.values())
        if not new:
            return
        differing = []
        for e, (ours, theirs) in zip(new, self.comparison.both(new)):
            text = e.sql()
            self.ours[text], self.plain[text], self.sides[text] = ours, theirs, [theirs] if theirs else []
            if theirs is None or explain.differing_rows(ours, theirs):
                differing.append(e)
        for nulls in (True, False):
            for e, side in zip(differing, self.comparison.unfolded(differing, nulls)):
                self.sides[e.sql()] += [side] if side else []

    def differs(self, expression, row):
        text = expression.sql()
        return not any(row not in explain.differing_rows(self.ours[text], side) or
                       row in explain.same_without_folding(self.ours[text], side) for side in self.sides[text])

    def innermost(self, expression, row):
        """A part that differs in the row while its arguments do not; None when nothing differs."""
        for part in expression.parts():
            if part.children and self.differs(part, max(row, 0)):
                return part
        return None

    def ours_at(self, expression, row):
        return explain.ours_at(self.ours[expression.sql()], row)

    def theirs_at(self, expression, row):
        """PostgreSQL's answers in the row, (type, value) each, first what it says with constants kept from its planner."""
        sides = self.sides[expression.sql()]
        return [(side[0], side[1][max(row, 0)]) for side in sides[1:] + sides[:1]] or [(None, None)]

    def agreed(self, expression, row):
        """The value of a part that does not differ."""
        mine = self.ours_at(expression, row)
        same = (value for _, value in self.theirs_at(expression, row)
                if value == mine or explain.is_error(mine) and explain.message_of(value) == mine["message"])
        return next(same, mine)


class Comparison:
    def __init__(self, server, tool, columns, additions):
        """`additions`: names that have an overload which PostgreSQL has not."""
        self.sql_functions = signatures_in_sql(server)
        self.additions = additions
        self.server, self.tool = server, tool
        self.values_of_row = lambda row: {c["name"]: c["values"][row] for c in columns}
        self.explained = collections.Counter()
        self.examples = {}
        self.compared = 0
        self.slow = []

    def both(self, expressions):
        """[(ours, theirs)] of Exprs."""
        texts = [e.sql() for e in expressions]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            ours = pool.submit(self.tool.evaluate, texts)
            theirs = self.server.evaluate(texts, ROWS)
            return list(zip(ours.result(), theirs))

    def unfolded(self, expressions, nulls):
        """PostgreSQL's answers when its planner sees no constant (but NULLs, unless `nulls`): literals come as
        columns. A strict function of a NULL that it sees becomes NULL with whatever its other arguments are."""
        texts, sources = [], []
        for expression in expressions:
            lifted = []
            texts.append(expression.sql(lifted, nulls))
            extra = "".join(f", {text} AS _l{i}" for i, text in enumerate(lifted))
            sources.append(f"SELECT *{extra} FROM t OFFSET 0")
        return self.server.evaluate(texts, ROWS, lambda number: sources[number])

    def differences(self, expressions, count=False):
        """[(expression, ours, theirs, unfolded, rows)] where something differs and folded constants are not why."""
        found, late = [], []
        for expression, (ours, theirs) in zip(expressions, self.both(expressions)):
            if theirs is None:
                late.append(expression)
                continue
            if count:
                self.compared += ROWS
            rows = explain.differing_rows(ours, theirs)
            if rows:
                found.append((expression, ours, theirs, rows))
        if count:
            self.slow += late
        kept = []
        sides = [self.unfolded([f[0] for f in found], nulls) for nulls in (True, False)]
        for (expression, ours, theirs, rows), *unfolded in zip(found, *sides):
            alike = set().union(*(explain.same_without_folding(ours, side) for side in unfolded if side))
            left = [row for row in rows if row not in alike]
            if left and explain.wants_types(theirs):
                if not self.differences([expression.typed()]):  # types that only PostgreSQL has take part there
                    left = []
                    self.note("an untyped literal that is ambiguous in PostgreSQL", expression, count)
            elif left and self.additions & {part.label.partition("(")[0] for part in expression.parts()}:
                if expression.typed().sql() != expression.sql():
                    # What differs with typed literals too has to have a reason of its own.
                    left = []
                    kept += self.differences([expression.typed()])
                    self.note("an untyped literal that an addition takes as another type", expression, count)
            elif left and explain.fails_at_once(theirs) and expression.typed().sql() != expression.sql():
                # As a column an untyped literal has a type, perhaps not the one that it has in its place.
                if not self.differences([expression.typed()]):
                    left = []
                    self.note("constants that fail or vanish in PostgreSQL's planner", expression, count)
            elif not left:
                self.note("constants that fail or vanish in PostgreSQL's planner", expression, count)
            if left:
                kept.append((expression, ours, theirs, unfolded[0] or theirs, left))
        return kept

    def note(self, reason, expression, count):
        if not count:
            return
        self.explained[reason] += 1
        self.examples.setdefault(reason, expression.sql())

    def unexplained(self, cases, count=False):
        """Those for which no departure is the reason: [(expression, ours, theirs, row)]."""
        left = []
        for (expression, ours, theirs, _, _), found in zip(cases, self.accounts(cases)):
            if None in found.values() and self.refused_constant(expression, ours):
                found = {0: "a constant argument that no value fits, refused before the first row"}
            wrong = [row for row, reason in found.items() if reason is None]
            if wrong:
                left.append((expression, ours, theirs, wrong[0]))
            else:
                self.note(", ".join(sorted(set(found.values()))), expression, count)
        return left

    def accounts(self, cases):
        """Per case {row: reasons in words, None where there is none}.

        A part that differs for a reason is replaced by its value, the same for both sides, and what is left must then
        agree, or differ for a reason again."""
        answers = Answers(self)
        answers.learn([part for case in cases for part in case[0].parts()])
        short = self.unfolded([with_nulls(case[0], answers.plain) for case in cases], False)
        found, pending = [{} for _ in cases], []
        for number, (case, nulls) in enumerate(zip(cases, short)):
            alike = explain.same_without_folding(case[1], nulls) if nulls else set()
            for row in case[4]:
                if row in alike:
                    found[number][row] = ("a constant NULL that makes a strict function NULL before its other "
                                          "arguments are evaluated")
                else:
                    pending.append((number, row, case[0], ()))
        for _ in range(MAX_REASONS):
            answers.learn([part for _, _, expression, _ in pending for part in expression.parts()])
            again = []
            for number, row, expression, reasons in pending:
                rest, reason = self.step(answers, expression, row)
                if reason and rest is not None:
                    again.append((number, row, rest, (*reasons, reason)))
                else:
                    done = (*reasons, reason) if reason else reasons
                    agrees = reason is not None or rest is not None
                    found[number][row] = ", ".join(sorted(set(done))) if agrees and done else None
            pending = again
        for number, row, _, _ in pending:
            found[number][row] = None
        return found

    def step(self, answers, expression, row):
        """(what is left to compare, reason): (None, reason) when the reason explains all, (None, None) when nothing
        explains the difference, (expression, None) when there is no difference."""
        part = answers.innermost(expression, row)
        if part is None:
            return expression, None
        ours = answers.ours_at(part, row)
        given = [answers.agreed(child, row) for child in part.children]
        failing = [{answers.ours_at(inner, row)["message"] for inner in child.parts()
                    if explain.is_error(answers.ours_at(inner, row)) and explain.is_error(answers.agreed(inner, row))
                    and not answers.differs(inner, max(row, 0))} for child in part.children]
        for kind, theirs in answers.theirs_at(part, row):
            facts = explain.Facts(part, kind, ours, theirs, given, failing, self.sql_functions)
            reason = explain.reason_for(facts)
            if reason:
                break
        if reason is None or part is expression:
            return None, reason
        known = explain.type_name(kind) or part.type
        if not explain.is_error(ours):
            return replaced(expression, part, literal(ours, known)), reason
        if not explain.is_error(theirs) and reason not in explain.UNREADABLE:
            return replaced(expression, part, literal(theirs, known)), reason
        whole = explain.message_of(answers.ours_at(expression, row))
        others = [explain.message_of(value) for _, value in answers.theirs_at(expression, row)]
        if whole == ours["message"] and (not explain.is_error(theirs) or theirs["message"] in others):
            return None, reason  # both sides fail, or one does, with what this part gives
        return replaced(expression, part, literal(None, known)), reason

    def refused_constant(self, expression, ours):
        """The smallest part refused here is a call with a constant (a pattern, a zone) that PostgreSQL refuses too as
        soon as the other arguments are ordinary values: not null, not infinite."""
        if "problem" not in ours or ours["problem"]["code"] in ("crash", "expr.type"):
            return False
        parts = [part for part in expression.parts() if part.children]
        refused = [part for part, answer in zip(parts, self.tool.evaluate([part.sql() for part in parts]))
                   if answer.get("problem") == ours["problem"]]
        if not refused:
            return False
        call = min(refused, key=lambda part: len(part.sql()))
        tries = []
        for kept in itertools.chain(*(itertools.combinations(range(len(call.children)), n) for n in (1, 2))):
            others = [[None] if i in kept else ORDINARY.get(child.type, [None]) for i, child in enumerate(call.children)]
            for values in itertools.islice(itertools.product(*others), 8):
                children = [child if value is None else literal(value, child.type, child.type == "jsonpath")
                            for child, value in zip(call.children, values)]
                tries.append(Expr(call.template, children, call.type).sql())
        message = ours["problem"]["message"]
        return any(answer and all(explain.is_error(v) and message == v["message"] for v in answer[1])
                   for answer in self.server.evaluate(tries, ROWS))

    def shrink(self, case):
        """The smallest part that still differs without a reason, its arguments replaced by their values."""
        expression, ours, theirs, row = case
        candidates = [part for part in expression.parts() if part is not expression and part.children]
        failing = self.unexplained(self.differences(candidates)) if candidates else []
        if failing:
            case = min(failing, key=lambda f: len(f[0].sql()))
            expression, ours, theirs, row = case
        answers = self.server.evaluate([child.sql() for child in expression.children], ROWS)
        children = []
        for child, answer in zip(expression.children, answers):
            value = answer[1][max(row, 0)] if answer else {}
            known = explain.type_name(answer[0]) if answer else None
            replace = known and not explain.is_error(value) and child.label != "literal"
            children.append(literal(value, known) if replace else child)
        smaller = Expr(expression.template, children, expression.type, label=expression.label)
        failing = self.unexplained(self.differences([smaller])) if expression.children else []
        return failing[0] if failing else case


def show(case, values):
    expression, ours, theirs, row = case
    at = max(row, 0)
    used = {part.template for part in expression.parts() if part.label == "column"}
    mine, other = explain.ours_at(ours, row), theirs[1][at]
    if row == -1:
        mine, other = ours["type"], theirs[0]
    lines = [f"  {expression.sql()}"]
    if used:
        lines.append("    row        " + ", ".join(f"{name} = {values(at)[name]!r}" for name in sorted(used)))
    describe = lambda v: f"error {v['code']}: {v['message']}" if explain.is_error(v) else "NULL" if v is None else repr(v)
    return "\n".join(lines + [f"    here       {describe(mine)}", f"    PostgreSQL {describe(other)}"])


def check_random(server, arguments, seed):
    chance = random.Random(seed)
    table = json.loads(subprocess.run([arguments.tool, "functions"], capture_output=True, text=True, check=True).stdout)
    columns = fill_columns(chance)
    server.run("DROP TABLE IF EXISTS t;" + column_sql(columns))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(columns, file)
        file.flush()
        tool = Tool(arguments.tool, file.name)
        names = server.run("SELECT proname FROM pg_proc UNION SELECT oprname FROM pg_operator;").split("\n")
        generator = Generator(table, chance, set(names))
        comparison = Comparison(server, tool, columns, {entry["name"] for entry in table if entry["addition"]})
        expressions = generator.expressions(arguments.count)
        faults = []

        def one(chunk):
            return comparison.unexplained(comparison.differences(chunk, True), True)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            chunks = [expressions[i:i + CHUNK] for i in range(0, len(expressions), CHUNK)]
            for found in pool.map(one, chunks):
                faults += found
        return report(comparison, generator, faults, arguments, len(expressions), tool)


def report(comparison, generator, faults, arguments, count, tool):
    groups = collections.defaultdict(list)
    for case in faults:
        groups[case[0].label].append(case)
    shrunk = collections.defaultdict(list)
    for cases in groups.values():
        for case in cases[:arguments.examples]:
            small = comparison.shrink(case)
            shrunk[small[0].label].append(small)
    tool.close()
    families = {entry["signature"]: entry["family"] for entry in generator.entries}
    record = []
    for label, cases in sorted(shrunk.items(), key=lambda item: (families.get(item[0], "Grammar"), item[0])):
        seen = set()
        for case in cases:
            text = show(case, comparison.values_of_row)
            if text not in seen and len(seen) < arguments.examples:
                seen.add(text)
                print(f"{families.get(label, 'Grammar')}: {label}\n{text}")
                record.append({"family": families.get(label, "Grammar"), "label": label, "text": text})
    if arguments.report:
        pathlib.Path(arguments.report).write_text(json.dumps(record))
    for why, names in generator.left_out.items():
        print(f"not generated, {why}: {len(names)}" + (f" ({', '.join(names)})" if names else ""))
    print(f"random: {count} expressions, {comparison.compared} values compared")
    for reason, number in comparison.explained.most_common():
        print(f"  explained: {reason}: {number} expressions, for example {comparison.examples[reason]}")
    if comparison.slow:
        print(f"  without an answer of PostgreSQL in time: {len(comparison.slow)}, for example {comparison.slow[0].sql()}")
    print(f"  unexplained: {len(faults)}")
    return not faults and len(comparison.slow) * 1000 <= count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--only", choices=["cases", "random"])
    parser.add_argument("--count", type=int, default=20000)
    # A change must not fail for what another seed would have found long ago: new seeds are for the long run.
    fresh = time.time_ns() % 1000000 if os.environ.get("STREAMRUN_TEST_LONG") == "1" else 110
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SR_SEED") or fresh))
    parser.add_argument("--examples", type=int, default=2, help="faults to show of one kind")
    parser.add_argument("--report", help="also write the faults as JSON")
    arguments = parser.parse_args()
    if not Postgres.available():
        print("skipped: there is no PostgreSQL 15 (package postgresql-15)")
        sys.exit(SKIPPED)
    fine = True
    with Postgres() as server:
        if arguments.only != "random":
            fine = check_cases(server) and fine
        if arguments.only != "cases":
            print(f"seed {arguments.seed} (SR_SEED={arguments.seed} replays it)", flush=True)
            began = time.monotonic()
            fine = check_random(server, arguments, arguments.seed) and fine
            print(f"random: {time.monotonic() - began:.0f} s")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
