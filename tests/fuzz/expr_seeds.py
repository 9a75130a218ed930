#!/usr/bin/env python3
"""Seeds and a dictionary for fuzz_expr, from the expressions of tests/core/expr/cases.

usage: expr_seeds.py SEEDS DICTIONARY

SEEDS is a directory for one file an expression, at most 80 of each case file and spread over it, so that a run of
seconds still gets past them; DICTIONARY gets the names of functions and types and the operators that they use.
"""
import pathlib
import re
import sys

EACH = 80
OPERATORS = ["::", "->", "->>", "#>", "#>>", "@>", "<@", "@?", "@@", "||", "~*", "!~", "<<", ">>", "<<=", "&&", "^", "#", " IN (",
             " BETWEEN ", " LIKE ", " ILIKE ", " SIMILAR TO ", " ESCAPE ", " IS DISTINCT FROM ", " AT TIME ZONE ", " ANY (",
             " ALL (", "CASE WHEN ", " THEN ", " ELSE ", " END", "ARRAY[", "CAST(", " AS ", " FROM ", " FOR ", "ROW(", "NULL"]


def main():
    seeds, dictionary = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    seeds.mkdir(parents=True, exist_ok=True)
    words = set(OPERATORS)
    cases = pathlib.Path(__file__).parent.parent / "core/expr/cases"
    for path in sorted(cases.glob("*.txt")):
        lines = [line for line in path.read_text().split("\n") if " -->" in line and not line.startswith("#")]
        expressions = [line.partition(" --pg-->")[0].rpartition(" -->")[0] for line in lines]
        for expression in expressions:
            words.update(re.findall(r"\b[a-z_][a-z_0-9]*\(", expression))
            words.update(re.findall(r"::[a-z]+(?:\[\])?", expression))
        step = max(1, -(-len(expressions) // EACH))
        for number, expression in enumerate(expressions[::step]):
            (seeds / f"{path.stem}_{number}").write_text(expression)
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"') for word in sorted(words))
    dictionary.write_text("".join(f'"{word}"\n' for word in escaped if len(word) < 60))


if __name__ == "__main__":
    main()
