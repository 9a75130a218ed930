"""Failures that repeat, workers that hang, and workers that only look as if they did."""
import os
import re
import signal
import time

from family import Case, children, eventually

ROWS = 20_000
WHOLE = list(range(1, ROWS + 1))


def numbers(sink="connector: file, path: out.jsonl", rate=5_000, more=""):
    return f"""pipeline: numbers
settings: {{checkpoint: {{interval: 100ms, timeout: 1s}}{more}}}
sources:
  n: {{connector: generate, rate: {rate}/s, count: {ROWS}, columns: {{id: sequence}}}}
sinks:
  out: {{{sink}, input: n, format: json}}
"""


class Supervision(Case):
    def arm(self, failpoints, patience=None):
        os.makedirs(self.path("marks"), exist_ok=True)
        self.environment.update(STREAMRUN_FAILPOINTS=failpoints, STREAMRUN_FAILPOINT_MARKS=self.path("marks"))
        if patience:
            self.environment["STREAMRUN_PATIENCE"] = patience

    def assert_whole(self):
        self.assertEqual([int(line[6:-1]) for line in self.read("out.jsonl").splitlines()], WHOLE)

    def delays(self):
        return [int(ms) for ms in re.findall(r"restarting in (\d+) ms", self.log())]

    def test_a_crash_loop_waits_longer_each_time_answers_meanwhile_and_ends(self):
        """Scenario 72: it delivers rows each time and never gets as far as a checkpoint."""
        self.arm("segment.written=kill:*,sink.prepared=kill:*")
        process = self.start(numbers())
        phases = set()

        def ended():
            status = self.status()
            if status:
                phases.add(status["phase"])
            return process.poll() is not None
        self.assertTrue(eventually(20, ended), self.log())
        self.assertEqual(process.returncode, 1, self.log())
        delays = self.delays()
        self.assertEqual(len(delays), 4, self.log())
        for delay, expected in zip(delays, (100, 200, 400, 800)):
            self.assertTrue(0.9 * expected <= delay <= 1.1 * expected, delays)
        self.assertIn("giving up: it failed 5 times in a row without completing a checkpoint", self.log())
        self.assertIn("restarting", phases, "nobody answered between two attempts")

    def test_failures_with_checkpoints_between_them_are_no_crash_loop(self):
        """One more than end it otherwise."""
        process = self.start(numbers(rate=500))  # slow enough to be killed as often
        for times in range(6):
            self.assertTrue(eventually(10, self.running), self.log())
            self.await_epochs(2)
            os.kill(children(process.pid)[0], signal.SIGKILL)
            self.assertTrue(eventually(20, lambda: len(self.delays()) == times + 1), self.log())
        self.assertTrue(eventually(10, self.running), self.log())
        process.terminate()
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertEqual(self.wait(self.start(numbers(rate=1_000_000)), 60), 0, self.log())
        self.assertEqual(len(self.delays()), 6)
        self.assert_whole()

    def test_a_worker_that_spins_without_progress_is_ended_and_the_output_is_whole(self):
        """Scenario 73."""
        self.arm("worker.stepped=delay(60000):50", patience="10000,2000,300")
        begin = time.monotonic()
        process = self.start(numbers())
        self.assertTrue(eventually(10, lambda: "hangs; ending it" in self.log()), self.log())
        self.assertGreater(time.monotonic() - begin, 2)
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertIn("killed by signal 6 (Aborted) after a component had not returned for 2 s", self.log())
        self.assertEqual(len(self.delays()), 1)
        self.assert_whole()

    def test_a_worker_that_is_only_back_pressured_is_left_alone(self):
        """Scenario 73, the other half: nobody reads for three times as long as a hang may last."""
        self.arm("", patience="3000,2000,300")
        os.mkfifo(self.path("out.fifo"))
        process = self.start(numbers("connector: file, path: out.fifo", rate=1_000_000))
        reader = os.open(self.path("out.fifo"), os.O_RDONLY)
        try:
            self.assertTrue(eventually(10, self.running), self.log())
            time.sleep(6)
            self.assertNotIn("hangs", self.log())
            while os.read(reader, 1 << 20):
                pass
        finally:
            os.close(reader)
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertEqual(self.delays(), [])

    def test_a_stopped_worker_costs_its_epoch_and_is_replaced(self):
        """Scenario 11: its barrier never comes."""
        self.arm("", patience="3000,60000,300")
        yaml = numbers().replace("settings: {", "settings: {parallelism: 2, ").replace(
            "sinks:\n", "operators:\n  kept: {operator: dedupe, input: n, by: [id], ttl: 1d}\n"
            "sinks:\n").replace("input: n, format", "input: kept, order: any, format")
        process = self.start(yaml)
        self.assertTrue(eventually(10, self.running), self.log())
        victim = children(process.pid)[-1]
        os.kill(victim, signal.SIGSTOP)
        self.assertTrue(eventually(20, lambda: self.status()["checkpoint"]["failed_in_a_row"] > 0), self.log())
        self.assertTrue(eventually(10, lambda: "not been heard of for 3 s" in self.log()), self.log())
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertEqual(sorted(int(line[6:-1]) for line in self.read("out.jsonl").splitlines()), WHOLE)
