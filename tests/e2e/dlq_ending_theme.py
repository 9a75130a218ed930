"""Dead letters taken in by a pipeline that runs and comes to its end by itself: each row is there once, whatever is killed;
where that cannot be kept they wait, and the command says why."""
import glob
import json
import os
import signal
import subprocess
import time

from dlq_theme import FAILS, ROWS, Dlq, keyed
from family import eventually


def two_ends(sink="file, path: rows.jsonl, format: json", interval="5s", short=6, rate=1000):
    """A thousand numbers in each of `short` seconds end long before those from 10,000 on do; every hundredth fails."""
    return f"""pipeline: two_ends
settings: {{stop_deadline: 5s, checkpoint: {{interval: {interval}}}}}
sources:
  short: {{connector: generate, rate: {rate}/s, count: {short * 1000}, columns: {{id: sequence}}}}
  long: {{connector: generate, rate: {rate}/s, count: 15000, columns: {{id: sequence}}}}
operators:
  checked: {{operator: map, input: short, select: {{id: id, bad: 1 / (id % 100 - 99)}}}}
  others: {{operator: map, input: long, select: {{id: id + 10000, bad: "0::bigint"}}}}
  all: {{operator: union, input: [checked, others]}}
  count: {{operator: aggregate, input: all, select: {{n: count(*), total: sum(id)}}}}
sinks:
  out: {{connector: {sink}, input: all}}
  counted: {{connector: file, input: count, path: counted.jsonl, format: json}}
"""


class Ending(Dlq):
    """Letters taken in by a running pipeline whose input has an end; mended, their numbers are below zero."""

    def order(self, yaml, *args, **more):
        """Of every open letter."""
        letters = self.letters("--where", "state = 'open'")
        for letter in letters:
            letter["row"]["id"] *= -1
        self.write("mend.jsonl", "".join(json.dumps(letter) + "\n" for letter in letters))
        return sorted(letter["row"]["id"] for letter in letters), self.replay(yaml, "--edit", "mend.jsonl", *args, **more)

    def ids(self):
        return sorted(json.loads(line)["id"] for line in self.lines("rows.jsonl"))

    def begin(self, yaml, letters):
        """Runs, with so many letters in its checkpoint."""
        process = self.start(yaml)
        self.assertTrue(eventually(20, self.running), self.log())
        self.assertTrue(eventually(20, lambda: self.states().get("open", 0) >= letters), self.log())
        return process

    RATE = 5_000  # for eight seconds

    def start_keyed(self):
        return self.begin(keyed(False, self.RATE), 20)

    def assert_rows(self, mended):
        self.assertEqual(self.ids(), sorted(mended + [i for i in range(1, ROWS + 1) if i % FAILS != FAILS - 1]))
        rows = [json.loads(line) for line in self.lines("rows.jsonl")]
        expected = {}
        for row in rows:
            n, total = expected.get(row["key"], (0, 0))
            expected[row["key"]] = (n + 1, total + row["id"])
        sums = [json.loads(line) for line in self.lines("keys.jsonl")]
        self.assertEqual({row["key"]: (row["n"], row["total"]) for row in sums}, expected)
        self.assertEqual(len(sums), len(expected))

    def test_a_pipeline_with_an_end_takes_letters_in_while_it_runs(self):
        process = self.start_keyed()
        mended, answer = self.order(keyed(False, self.RATE))
        self.fine(answer, "taken in, with epoch")
        self.assertIsNone(process.poll(), self.log())
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertIn("takes in replay order 1", self.log())
        self.assertNotIn("restarting in", self.log())
        self.assertIn(f"{len(mended)} replayed", self.log())
        self.assertIn("ledger balances", self.log())
        self.assert_rows(mended)

    def test_killed_while_letters_are_taken_in_each_row_is_there_once(self):
        for failpoint in ("replay.sent=kill", "replay.applied=kill", "replay.applied.received=kill", "replay.rows=kill",
                          "ckpt.decide=kill:8"):
            with self.subTest(failpoint):
                for path in glob.glob(self.path("*.jsonl")) + [self.path("log")]:
                    if os.path.exists(path):
                        os.remove(path)
                subprocess.run(["rm", "-rf", self.path("state"), self.path("marks")], check=True)
                os.makedirs(self.path("marks"))
                self.environment.update(STREAMRUN_FAILPOINTS=failpoint, STREAMRUN_FAILPOINT_MARKS=self.path("marks"))
                process = self.start_keyed()
                mended, answer = self.order(keyed(False, self.RATE), "--timeout", "20", timeout=60)
                self.fine(answer, "order 1: ")
                if self.wait(process, 60) != 0:
                    process = self.start(keyed(False, rate=1_000_000))
                    self.assertEqual(self.wait(process, 60), 0, self.log())
                self.assertTrue(os.listdir(self.path("marks")), f"{failpoint} was never reached")
                self.assertEqual(self.states()["replayed"], len(mended))
                self.assert_rows(mended)

    def assert_two_ends(self, mended, short):
        ids = self.ids()
        short_ids = [i for i in range(1, short * 1000 + 1) if i % 100 != 99]
        self.assertEqual(ids, sorted(mended + short_ids + list(range(10001, 25001))))
        counted = [json.loads(line) for line in self.lines("counted.jsonl")]
        self.assertEqual(counted, [{"n": len(ids), "total": sum(ids)}])

    def test_a_node_that_ended_meanwhile_takes_them_in_after_a_restart(self):
        process = self.begin(two_ends(), 10)
        self.assertTrue(eventually(20, lambda: len(self.dead_letters()) == 60), self.log())
        time.sleep(0.3)  # the end is behind the last letter, and the next epoch seconds behind the end
        mended, answer = self.order(two_ends())
        self.fine(answer, "taken in, with epoch")
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertIn("had come to its end before replay order 1 came; restarting in", self.log())
        self.assert_two_ends(mended, 6)

    def test_a_node_that_had_ended_in_the_checkpoint_lets_them_wait(self):
        yaml = two_ends(interval="200ms", short=3)
        process = self.begin(yaml, 30)
        self.await_epochs(4)
        mended, answer = self.order(yaml)
        self.fine(answer, "they wait, since node 'checked' has come to its end: stop the pipeline and run it again")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 15), 0, self.log())
        self.assertNotIn("restarting in", self.log())
        self.assertEqual(self.states(), {"waiting for replay": 30})
        self.assert_fine(self.run_pipeline(two_ends(interval="200ms", short=3, rate=1_000_000)))
        self.assertEqual(self.states(), {"replayed": 30})
        self.assert_two_ends(mended, 3)

    def test_where_a_restart_would_be_seen_they_wait(self):
        yaml = two_ends(sink="stdout, format: json", interval="200ms")
        process = self.begin(yaml, 5)
        _, answer = self.order(yaml)
        self.fine(answer, "they wait, since its input has an end, and if a node came to it meanwhile, the restart would be seen")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 15), 0, self.log())
