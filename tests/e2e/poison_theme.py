"""Scenario 71: rows that end the worker process whenever an operator is given them."""
import json
import os

from family import Case

ROWS = 20_000


def poisoned(settings="", poison=(5_000,)):
    cases = " ".join(f"when id = {id} then 'poison {id}'" for id in poison)
    return f"""pipeline: poisoned
settings: {{checkpoint: {{interval: 200ms}}{settings}}}
sources:
  n: {{connector: generate, rate: 20000/s, count: {ROWS}, columns: {{id: sequence}}}}
operators:
  named:
    operator: map
    input: n
    select:
      id: id
      s: case {cases} else 'fine' end
  kept: {{operator: filter, input: named, where: s <> ''}}
  sums: {{operator: aggregate, input: kept, group_by: {{key: id % 10}}, select: {{n: count(*)}}}}
sinks:
  out: {{connector: file, path: out.jsonl, input: kept, format: json}}
  totals: {{connector: file, path: sums.jsonl, input: sums, format: json}}
"""


class Poison(Case):
    def run_with(self, crash_on, yaml, marks=False, timeout=60):
        self.environment["STREAMRUN_FAILPOINTS"] = crash_on
        if marks:
            os.makedirs(self.path("marks"))
            self.environment["STREAMRUN_FAILPOINT_MARKS"] = self.path("marks")
        self.environment["ASAN_OPTIONS"] = "handle_segv=0"
        return self.run_pipeline(yaml, timeout=timeout)

    def assert_all_but(self, poison):
        ids = [json.loads(line)["id"] for line in self.read("out.jsonl").splitlines()]
        self.assertEqual(ids, [id for id in range(1, ROWS + 1) if id not in poison], "neighbours were lost or doubled")
        sums = [json.loads(line) for line in self.read("sums.jsonl").splitlines()]
        self.assertEqual(sum(row["n"] for row in sums), ROWS - len(poison))

    def test_the_row_leaves_as_a_dead_letter_and_its_neighbours_are_processed_once(self):
        answer = self.run_with("operator.rows=crash_on(poison):*", poisoned(", on_crash: dead_letter"))
        self.assert_fine(answer)
        self.assertEqual(answer.stderr.count("restarting in"), 4, answer.stderr)
        self.assertIn("died 3 times over the same rows of 'kept'", answer.stderr)
        self.assertRegex(answer.stderr, r"'kept' ends its worker on the row \{.*5000")
        letters = self.dead_letters()
        self.assertEqual([(letter["node"], letter["code"], letter["row"]["id"]) for letter in letters],
                         [("kept", "crash.poison", 5_000)])
        self.assert_all_but([5_000])

    def test_several_rows_leave_one_after_the_other(self):
        poison = (5_000, 5_003, 17_000)
        answer = self.run_with("operator.rows=crash_on(poison):*", poisoned(", on_crash: dead_letter", poison))
        self.assert_fine(answer)
        self.assertEqual(sorted(letter["row"]["id"] for letter in self.dead_letters()), list(poison))
        self.assert_all_but(poison)

    def test_unless_it_is_asked_for_the_pipeline_fails_with_the_name_of_the_row(self):
        answer = self.run_with("operator.rows=crash_on(poison):*", poisoned())
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertRegex(answer.stderr, r"'kept' ends its worker on the row \{.*5000")
        self.assertIn("settings.on_crash: dead_letter", answer.stderr)
        self.assertEqual(self.dead_letters(), [])

    def test_a_crash_that_does_not_come_again_costs_a_restart_and_no_row(self):
        answer = self.run_with("operator.rows=crash_on(poison):1", poisoned(", on_crash: dead_letter"), marks=True)
        self.assert_fine(answer)
        self.assertEqual(answer.stderr.count("restarting in"), 1, answer.stderr)
        self.assertEqual(self.dead_letters(), [])
        self.assert_all_but([])
