"""A pipeline is stopped, its file is changed, and it goes on: what becomes of its state (docs/guide_delivery.md, "Changing
a pipeline that has state"; scenarios 20 and 21 of docs/reliability.md)."""
import json

from family import Case, eventually

BASE = """pipeline: evolving
settings:
  on_error: drop
  stop_deadline: 20s
  checkpoint: {{interval: 100ms}}
{settings}
sources:
  {source}
operators:
{operators}
sinks:
  out: {{connector: file, input: x, path: out.jsonl, format: json{sink}}}
"""

SOURCE = "rows: {connector: file, path: in.jsonl, follow: true, format: json, schema: {k: text, v: bigint}}"
TIMED = ("rows: {connector: file, path: in.jsonl, follow: true, format: json, schema: {k: text, v: bigint, at: timestamp}, "
         "event_time: {column: at}}")
CHANGES = ", changes: op_column"


def pipeline(operators, source=SOURCE, settings="", sink=CHANGES):
    return BASE.format(operators=operators, source=source, settings=settings, sink=sink)


def totals(select, more="group_by: [k]", name="x", renamed=""):
    return f"  {name}: {{operator: aggregate, input: rows, max_state: 1GiB, {more}, select: {{{select}}}{renamed}}}"


ROWS = [("a", 1), ("b", 2), ("a", 3)]
MORE = [("a", 10), ("c", 5)]

# before, after, what the second run gives for MORE (columns sorted; the old row of an update is left out), what its log says
GOES_ON = {
    "nothing changed": (
        pipeline(totals('n: "count(*)", s: "sum(v)"')), pipeline(totals('n: "count(*)", s: "sum(v)"')),
        [{"k": "a", "n": 3, "s": 14}, {"k": "c", "n": 1, "s": 5}], []),
    "an added aggregate has seen no rows": (
        pipeline(totals('n: "count(*)"')), pipeline(totals('m: "max(v)", n: "count(*)", c: "count(v)"')),
        [{"k": "a", "m": 10, "n": 3, "c": 1}, {"k": "c", "m": 5, "n": 1, "c": 1}],
        ["'max(v)' is new: it has seen none of the rows before", "'count(v)' is new"]),
    "a removed aggregate is dropped with a warning": (
        pipeline(totals('n: "count(*)", s: "sum(v)"')), pipeline(totals('s: "sum(v)"')),
        [{"k": "a", "s": 14}, {"k": "c", "s": 5}], ["what was kept of 'count(*)' is dropped"]),
    "aggregates in another order, spelled and named otherwise": (
        pipeline(totals('n: "count(*)", s: "sum(v)", c: "count(v) filter (where v > 1)"')),
        pipeline(totals('big: "COUNT(v) FILTER (WHERE v>1)", total: "SUM( V )", rows: "count(*)"')),
        [{"k": "a", "big": 2, "total": 14, "rows": 3}, {"k": "c", "big": 1, "total": 5, "rows": 1}], []),
    "a key with another name": (
        pipeline(totals('n: "count(*)"', "group_by: [{g: upper(k)}]")),
        pipeline(totals('n: "count(*)"', "group_by: [{who: UPPER(k)}]")),
        [{"who": "A", "n": 3}, {"who": "C", "n": 1}], []),
    "a renamed operator": (
        pipeline(totals('n: "count(*)"', name="old") + "\n  x: {operator: filter, input: old, where: n > 0}"),
        pipeline(totals('n: "count(*)"', name="new", renamed=", renamed_from: old") + "\n  x: {operator: filter, input: new, where: n > 0}"),
        [{"k": "a", "n": 3}, {"k": "c", "n": 1}], ["node 'new' goes on as 'old' did"]),
    "a renamed source reads on": (
        pipeline(totals('n: "count(*)"')),
        pipeline(totals('n: "count(*)"').replace("input: rows", "input: lines"),
                 source=SOURCE.replace("rows:", "lines:", 1).replace("follow", "renamed_from: rows, follow")),
        [{"k": "a", "n": 3}, {"k": "c", "n": 1}], ["node 'lines' goes on as 'rows' did"]),
    "reset where the key changed": (
        pipeline(totals('n: "count(*)"')), pipeline(totals('n: "count(*)"', "state: reset, group_by: [{k: upper(k)}]")),
        [{"k": "A", "n": 1}, {"k": "C", "n": 1}],
        ["the state of node 'x' begins anew (state: reset): group_by was k, now it is upper(k)"]),
    "reset where nothing changed keeps the state": (
        pipeline(totals('n: "count(*)"')), pipeline(totals('n: "count(*)"', "state: reset, group_by: [k]")),
        [{"k": "a", "n": 3}, {"k": "c", "n": 1}], []),
    "state of a removed operator that may go": (
        pipeline(totals('n: "count(*)"', name="old") + "\n  x: {operator: filter, input: old, where: n > 0}"),
        pipeline(totals('n: "count(*)"'), settings="  drop_state: [old]"),
        [{"k": "a", "n": 1}, {"k": "c", "n": 1}],
        ["node 'old' is not in the pipeline any more: what was saved of it is dropped"]),
    "another parallelism at the same time": (
        pipeline(totals('n: "count(*)", s: "sum(v)"')),
        pipeline(totals('s: "sum(v)", c: "count(v)"'), settings="  parallelism: 3"),
        [{"k": "a", "s": 14, "c": 1}, {"k": "c", "s": 5, "c": 1}], []),
    "kept rows get a new column as NULL and lose one": (
        pipeline("  x: {operator: top, input: rows, max_state: 1GiB, per: [k], order_by: v desc, limit: 2}",
                 source=SOURCE.replace("v: bigint", "v: bigint, gone: text")),
        pipeline("  x: {operator: top, input: rows, max_state: 1GiB, per: [k], order_by: v desc, limit: 2, rank: r}",
                 source=SOURCE.replace("v: bigint", "v: bigint, more: text")),
        [{"k": "a", "v": 10, "more": None, "r": 1}, {"k": "a", "v": 3, "more": None, "r": 2},
         {"k": "c", "v": 5, "more": None, "r": 1}],
        ["'more' is new: it is NULL in what was kept", "what was kept of 'gone' is dropped"]),
}

# before, after, what the refusal says
REFUSED = {
    "another key": (
        pipeline(totals('n: "count(*)"')), pipeline(totals('n: "count(*)"', "group_by: [{k: upper(k)}]")),
        ["node 'x': group_by was k, now it is upper(k)", "`state: reset`"]),
    "another window": (
        pipeline(totals('n: "count(*)"', "window: {tumbling: 1h}, group_by: [k]"), source=TIMED),
        pipeline(totals('n: "count(*)"', "window: {tumbling: 2h}, group_by: [k]"), source=TIMED),
        ["node 'x': window was tumbling 1h, now it is tumbling 2h"]),
    "another type": (
        pipeline(totals('s: "sum(v)"')),
        pipeline(totals('s: "sum(v)"'), source=SOURCE.replace("v: bigint", "v: double precision")),
        ["arguments of sum(v) was bigint, now it is double precision"]),
    "state of a removed operator": (
        pipeline(totals('n: "count(*)"', name="old") + "\n  x: {operator: filter, input: old, where: n > 0}"),
        pipeline("  x: {operator: filter, input: rows, where: v > 0}", sink=""),
        ["node 'old' is not in the pipeline any more, and state of it is saved", "drop_state: [old]", "renamed_from: old"]),
    "scenario 20: another max_parallelism": (
        pipeline(totals('n: "count(*)"')), pipeline(totals('n: "count(*)"'), settings="  max_parallelism: 64"),
        ["dealt in 128 key groups, settings.max_parallelism is 64 now; write max_parallelism: 128"]),
    "scenario 21: a renamed operator that does not say so": (
        pipeline(totals('n: "count(*)"', name="old") + "\n  x: {operator: filter, input: old, where: n > 0}"),
        pipeline(totals('n: "count(*)"', name="new") + "\n  x: {operator: filter, input: new, where: n > 0}"),
        ["node 'old' is not in the pipeline any more", "renamed_from: old"]),
}


class Evolution(Case):
    def feed(self, rows):
        with open(self.path("in.jsonl"), "a") as f:
            for number, (k, v) in enumerate(rows):
                f.write(json.dumps({"k": k, "v": v, "at": f"2026-01-01 00:00:{number:02}", "gone": "g"}) + "\n")

    def given(self):
        """Rows that stand now, by line: old rows of updates and deleted ones are left out."""
        lines = [json.loads(line) for line in self.read("out.jsonl").splitlines()]
        return [{c: v for c, v in row.items() if c != "op"} for row in lines
                if row.get("op", "insert") not in ("update_before", "delete")]

    def taken(self):
        status = self.status()
        if not status or status["phase"] != "running":
            return 0
        return sum(n["rows_out"] for n in status["nodes"] if n["name"] in ("rows", "lines"))

    def stop(self, process):
        self.assertEqual(self.run_command("stop", "--state-dir", "state").returncode, 0, self.log())
        self.assertEqual(self.wait(process, 30), 0, self.log())

    def first_run(self, yaml):
        self.feed(ROWS)
        process = self.start(yaml)
        self.assertTrue(eventually(20, lambda: self.taken() >= len(ROWS)), self.log())
        self.stop(process)

    def second_run(self, yaml, expected, said):
        before = len(self.given())
        self.feed(MORE)
        self.write("log", "")
        process = self.start(yaml)
        self.assertTrue(eventually(20, lambda: len(self.given()) - before >= len(expected)), self.log())
        self.stop(process)
        key = lambda row: json.dumps(row, sort_keys=True)
        self.assertEqual(sorted(self.given()[before:], key=key), sorted(expected, key=key), self.log())
        for text in said:
            self.assertIn(text, self.log())
        # Rows that an operator took in before it was another one are not accounted for by what it is now.
        if "not in the pipeline any more" not in self.log():
            self.assertIn("ledger balances", self.log())

    def checked(self, yaml):
        self.write("p.yaml", yaml)
        return self.run_command("validate", "p.yaml", "--against-state", "--state-dir", "state")

    def test_a_changed_pipeline_goes_on(self):
        for name, (before, after, expected, said) in GOES_ON.items():
            with self.subTest(name):
                self.tearDown()
                self.setUp()
                self.first_run(before)
                answer = self.checked(after)
                self.assertEqual(answer.returncode, 0, answer.stderr)
                for text in said:
                    self.assertIn(text, answer.stdout)
                self.second_run(after, expected, said)
                # The third start has nothing to tell any more.
                answer = self.checked(after)
                self.assertEqual(answer.returncode, 0, answer.stderr)
                self.assertNotIn("\n  ", answer.stdout, name)

    def test_what_does_not_belong_together_is_refused_and_nothing_changes(self):
        for name, (before, after, said) in REFUSED.items():
            with self.subTest(name):
                self.tearDown()
                self.setUp()
                self.first_run(before)
                current = self.read("state/CURRENT")
                for answer in (self.checked(after), self.run_pipeline(after)):
                    self.assertEqual(answer.returncode, 4, answer.stderr)
                    for text in said:
                        self.assertIn(text, answer.stderr)
                self.assertEqual(self.read("state/CURRENT"), current)
                # Undone, it goes on.
                process = self.start(before)
                self.assertTrue(eventually(20, self.running), self.log())
                self.stop(process)

    def test_scenario_21_a_renamed_sink_goes_on_with_its_file(self):
        before = pipeline("  x: {operator: filter, input: rows, where: v > 0}", sink="")
        after = before.replace("  out:", "  result:").replace("path: out.jsonl", "path: out.jsonl, renamed_from: out")
        self.first_run(before)
        self.assertEqual(len(self.given()), len(ROWS))
        self.second_run(after, [{"k": k, "v": v} for k, v in MORE], ["node 'result' goes on as 'out' did"])
        self.assertEqual(len(self.given()), len(ROWS) + len(MORE))
