#!/usr/bin/env python3
"""streamrun eval and describe functions, as a shell sees them. usage: eval_test.py STREAMRUN"""
import json
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv.pop(1)
ROWS = '{"a": 6, "b": 2, "t": "x"}\n{"a": 1, "b": 0}\n{"a": }\n{"a": null, "b": 1}\n'


def run(*arguments, text=""):
    done = subprocess.run([BINARY, *arguments], input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class Eval(unittest.TestCase):
    def test_a_value_prints_as_postgresql_prints_it(self):
        self.assertEqual(run("eval", "1 + 1"), (0, "2\n", ""))
        self.assertEqual(run("eval", "1 = 1"), (0, "t\n", ""))
        self.assertEqual(run("eval", "array['a b', null]"), (0, '{"a b",NULL}\n', ""))

    def test_null_is_NULL_and_a_text_of_that_name_is_told_apart_in_json(self):
        self.assertEqual(run("eval", "null"), (0, "NULL\n", ""))
        self.assertEqual(run("eval", "null", "--json"), (0, '{"type":"text","value":null}\n', ""))
        self.assertEqual(run("eval", "'NULL'", "--json"), (0, '{"type":"text","value":"NULL"}\n', ""))

    def test_type_comes_first(self):
        self.assertEqual(run("eval", "2 * 2.5::numeric", "--type"), (0, "numeric\n5.0\n", ""))

    def test_an_error_exits_1_with_message_and_caret(self):
        code, out, err = run("eval", "1 +\n  lowr('A')")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("expression:2:3: error: function lowr", err)
        self.assertIn("\n    2 |   lowr('A')\n      |   ^~~~\n", err)
        self.assertIn("lower", err)

    def test_the_caret_counts_characters(self):
        _, _, err = run("eval", "'\u00e9\u00e9' || nothing")
        self.assertIn("expression:1:9: error: ", err)

    def test_a_constant_that_fails_is_an_error_too(self):
        code, out, err = run("eval", "1 / 0")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("division by zero", err)
        code, out, _ = run("eval", "1 / 0", "--json")
        self.assertEqual(code, 1)
        self.assertEqual(json.loads(out)[0]["message"], "division by zero")

    def test_a_constant_argument_that_no_row_could_use_is_found_before_the_first_row(self):
        code, out, err = run("eval", "extract(yeer from s::date)", "--input", "-", text='{"s": "2024-02-29"}\n')
        self.assertEqual((code, out), (1, ""))
        self.assertIn('expression:1:9: error: unit "yeer" not recognized for type date', err)
        self.assertIn("\n      |         ^~~~\n", err)
        self.assertIn('did you mean "year"?', err)

    def test_arguments_by_name(self):
        self.assertEqual(run("eval", "make_interval(days => 10, secs => 1.5)"), (0, "10 days 00:00:01.5\n", ""))
        _, _, err = run("eval", "make_interval(dayz => 10)")
        self.assertIn("its arguments are years, months, weeks, days, hours, mins, secs", err)

    def test_a_failure_that_only_evaluation_finds(self):
        code, out, err = run("eval", "1 / (random() * 0)::int")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("error: division by zero [22012]", err)

    def test_a_minus_stands_behind_two_dashes(self):
        self.assertEqual(run("eval", "--", "-7 % 3"), (0, "-1\n", ""))

    def test_rows_of_standard_input(self):
        code, out, err = run("eval", "a / b", "--input", "-", text=ROWS)
        self.assertEqual((code, out), (1, "3\nNULL\n"))
        self.assertIn("line 2: division by zero [22012]\n", err)
        self.assertIn("line 3: ", err)
        self.assertTrue(err.endswith("streamrun: 2 rows failed\n"), err)

    def test_rows_as_json(self):
        code, out, _ = run("eval", "a / b", "--input", "-", "--json", text='{"a": 6, "b": 2}\n{"a": 1, "b": 0}\n')
        self.assertEqual(code, 1)
        self.assertEqual([json.loads(line) for line in out.splitlines()],
                         [{"line": 1, "value": "3"}, {"line": 2, "code": "22012", "message": "division by zero"}])

    def test_a_value_with_a_line_break_keeps_its_row_on_one_line(self):
        self.assertEqual(run("eval", "t", "--input", "-", text='{"t": "a\\nb"}\n'), (0, "a\\nb\n", ""))

    def test_csv_and_a_schema_of_ones_own(self):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write("a,b\n007,x\n")
            file.flush()
            self.assertEqual(run("eval", "a || b", "--input", file.name), (0, "007x\n", ""))
            self.assertEqual(run("eval", "a + 1", "--input", file.name, "--schema", "a: bigint, b: text"), (0, "8\n", ""))

    def test_an_unknown_column_is_shown_once_before_any_row(self):
        code, out, err = run("eval", "c + 1", "--input", "-", text=ROWS)
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err.count('column "c" does not exist'), 1)

    def test_what_cannot_be_read(self):
        code, _, err = run("eval", "1", "--input", "/nothing/here.jsonl")
        self.assertEqual(code, 1)
        self.assertIn("/nothing/here.jsonl", err)
        self.assertEqual(run("eval", "1", "--input", "-", "--schema", "a")[0], 2)


class Functions(unittest.TestCase):
    def test_the_list_has_one_line_an_entry(self):
        code, out, _ = run("describe", "functions")
        self.assertEqual(code, 0)
        self.assertIn("\n  lower(text) ", out)

    def test_one_function_with_meaning_and_example(self):
        code, out, _ = run("describe", "functions", "split_part")
        self.assertEqual(code, 0)
        self.assertIn("split_part(text, text, integer) returns text\n", out)
        self.assertIn("  example: split_part('a-b-c', '-', 2)\n  gives:   b\n", out)

    def test_a_mistyped_name_gets_a_suggestion(self):
        code, _, err = run("describe", "functions", "lowr")
        self.assertEqual(code, 2)
        self.assertIn("did you mean 'lower'?", err)

    def test_json(self):
        code, out, _ = run("describe", "functions", "lower", "--json")
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)[0]["signature"], "lower(text)")
        self.assertGreater(len(json.loads(run("describe", "functions", "--json")[1])), 200)

    def test_options_of_functions_are_refused_elsewhere(self):
        self.assertEqual(run("describe", "filter", "--json")[0], 2)

    def test_every_example_evaluates_to_what_it_says(self):
        entries = [e for e in json.loads(run("describe", "functions", "--json")[1]) if "example" in e]
        entries = [e for e in entries if not e["family"].startswith("Aggregates")]  # of rows, not of one expression
        for entry in entries[:: max(1, len(entries) // 25)]:
            example = entry["example"]
            code, out, err = run("eval", "--", example["expression"])
            self.assertEqual((code, out.rstrip("\n")), (0, example["result"]), f"{example} {err}")


if __name__ == "__main__":
    unittest.main()
