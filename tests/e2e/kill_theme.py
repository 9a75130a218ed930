"""What kill -9 and signals do to a family in the middle of its work."""
import os
import signal
import subprocess
import time

from family import Case, alive, children, eventually, unread

ROWS = 90_000


def numbers(sink, rate=15_000, more=""):
    return f"""pipeline: numbers
settings: {{parallelism: 2, stop_deadline: 30s}}
sources:
  n: {{connector: generate, rate: {rate}/s, count: {ROWS}, columns: {{id: sequence}}}}
operators:
  even: {{operator: filter, input: n, where: id % 2 = 0}}
sinks:
  out: {{{sink}, input: even, format: json}}
"""


TO_FILE = "connector: file, path: out.jsonl"
WHOLE = "".join(f'{{"id":{i}}}\n' for i in range(2, ROWS + 1, 2)).encode()


class Kill(Case):
    def kill_workers(self, process):
        self.assertTrue(eventually(10, self.running))
        count = len(children(process.pid))
        self.assertEqual(count, 3)
        for victim in range(count):
            self.assertTrue(eventually(10, self.running))
            workers = children(process.pid)
            time.sleep(0.2)
            os.kill(workers[victim], signal.SIGKILL)
            self.assertTrue(eventually(10, lambda: not any(map(alive, workers))), self.log())
            self.assertTrue(eventually(20, lambda: self.log().count("restarting in") == victim + 1), self.log())

    def test_each_worker_killed_in_turn_leaves_a_complete_file(self):
        process = self.start(numbers(TO_FILE))
        self.kill_workers(process)
        self.assertEqual(self.wait(process, 60), 0)
        self.assertTrue(self.read("out.jsonl") == WHOLE)
        self.assertIn("3 restarts", self.log())
        self.assertIn("ledger balances", self.log())

    def test_standard_output_may_repeat_rows_and_the_summary_says_so(self):
        with open(self.path("stdout"), "wb") as out:
            process = self.start(numbers("connector: stdout"), stdout=out)
        self.kill_workers(process)
        self.assertEqual(self.wait(process, 60), 0)
        got = {line for line in self.read("stdout").split(b"\n") if line}
        self.assertEqual(set(WHOLE.split()) - got, set(), "rows are missing")
        summary = self.log().split("finished after")[-1]
        self.assertRegex(summary, "again|repeat|twice")

    def test_no_worker_outlives_a_killed_supervisor_and_a_new_run_is_whole(self):
        process = self.start(numbers(TO_FILE))
        self.assertTrue(eventually(10, self.running))
        workers = children(process.pid)
        process.kill()
        process.wait()
        self.assertTrue(eventually(20, lambda: not any(map(alive, workers))))
        self.assertRaises(FileNotFoundError, self.read, "out.jsonl")
        self.assertEqual(self.wait(self.start(numbers(TO_FILE, rate=1_000_000)), 30), 0)
        self.assertTrue(self.read("out.jsonl") == WHOLE)

    def test_signals_end_cleanly_with_their_codes(self):
        for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
            process = self.start(numbers(TO_FILE))
            self.assertTrue(eventually(10, self.running))
            process.send_signal(number)
            self.assertEqual(self.wait(process, 40), code, self.log())
            self.assertRaises(FileNotFoundError, self.read, "out.jsonl")
        self.assertEqual(self.wait(self.start(numbers(TO_FILE)), 30), 0)
        self.assertTrue(self.read("out.jsonl") == WHOLE, "what was stopped did not go on")

    def test_a_second_signal_kills_a_family_that_cannot_drain(self):
        endless = numbers("connector: stdout", rate=1_000_000).replace(f"count: {ROWS}, ", "")
        endless = endless.replace("stop_deadline: 30s", "stop_deadline: 120s")
        process = self.start(endless, stdout=subprocess.PIPE)  # nobody reads
        self.assertTrue(eventually(10, self.running))
        self.assertTrue(eventually(20, lambda: unread(process.stdout) >= 60_000), self.log())
        workers = children(process.pid)
        process.send_signal(signal.SIGTERM)
        # Two signals of one kind that nobody has taken yet are one.
        self.assertTrue(eventually(20, lambda: (self.status() or {}).get("phase") == "stopping"), self.log())
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertNotEqual(self.wait(process, 20), 0)
        self.assertTrue(eventually(20, lambda: not any(map(alive, workers))))

    def test_a_second_supervisor_on_one_state_directory_is_refused(self):
        process = self.start(numbers(TO_FILE))
        self.assertTrue(eventually(10, self.running))
        answer = self.run_command("run", "p.yaml", "--state-dir", "state", timeout=40)
        self.assertEqual(answer.returncode, 3, answer.stderr)
        self.assertIn(str(process.pid), answer.stderr)
        self.assertIsNone(process.poll())
