"""Killing anything at any moment changes nothing in the output: files, aggregates and dead letters go on from the
checkpoint, at another parallelism too, and damaged state is refused."""
import os
import random
import signal
import time

from family import Case, alive, children, eventually
from numbered import KEYS, LATEST, WINDOWS, numbered, windows
from numbered import ROWS as NUMBERED

ROWS = 40_000
SEED = int(os.environ.get("SR_SEED", "1"))


def counted(rate=10_000, parallelism=2):
    """Rows in order, sums by key and window, and rows that fail, all of one numbered source."""
    return numbered(ROWS, rate, "200ms", parallelism=parallelism, operators=windows("1s") + LATEST,
                    sinks=NUMBERED + WINDOWS + KEYS, name="counted")


class Checkpoint(Case):
    OUTPUTS = ("rows.jsonl", "windows.jsonl", "keys.jsonl")

    def outputs(self):
        """Lines sorted: workers side by side have no order among them."""
        return {name: sorted(self.read(name).split(b"\n")) for name in self.OUTPUTS}

    def letters(self):
        return sorted(letter["row"]["id"] for letter in self.dead_letters())

    def undisturbed(self):
        answer = self.run_pipeline(counted(rate=10_000_000))
        self.assert_fine(answer)
        expected, letters = self.outputs(), self.letters()
        self.assertEqual(len(letters), ROWS // 1000)
        for name in self.OUTPUTS:
            os.remove(self.path(name))
        for name in os.listdir(self.path("state/dlq")):
            os.remove(self.path("state/dlq/" + name))
        return expected, letters

    def assert_same(self, expected):
        outputs, letters = self.outputs(), self.letters()
        for name in self.OUTPUTS:
            lost = set(expected[0][name]) - set(outputs[name])
            self.assertFalse(lost, f"{name}: {len(lost)} lost")
            self.assertEqual(len(outputs[name]), len(expected[0][name]), f"{name}: rows doubled")
        self.assertEqual(letters, expected[1])

    def test_the_whole_family_killed_again_and_again_leaves_the_same_output(self):
        expected = self.undisturbed()
        chance = random.Random(SEED)
        for life in range(5):
            process = self.start(counted())
            time.sleep(0.3 + chance.random() * 0.8)
            if life == 4:
                self.assertTrue(eventually(20, lambda: os.path.exists(self.path("state/CURRENT"))), self.log())
            workers = children(process.pid)
            process.kill()
            process.wait()
            self.assertTrue(eventually(20, lambda: not any(map(alive, workers))))
            if process.returncode == 0:
                break
        process = self.start(counted())
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertIn("goes on from epoch", self.log())
        self.assert_same(expected)
        self.assertIn("ledger balances", self.log())

    def test_workers_killed_at_random_leave_the_same_output(self):
        expected = self.undisturbed()
        chance = random.Random(SEED + 1)
        process = self.start(counted())
        for _ in range(5):
            if not eventually(10, lambda: self.running() or process.poll() is not None) or process.poll() is not None:
                break
            time.sleep(chance.random() * 0.5)
            workers = children(process.pid)
            if workers:
                os.kill(chance.choice(workers), signal.SIGKILL)
            time.sleep(0.1)
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assert_same(expected)
        self.assertIn("ledger balances", self.log())

    def test_a_stopped_run_goes_on_where_it_stopped_with_another_parallelism(self):
        expected = self.undisturbed()
        for parallelism in (2, 3, 1):
            process = self.start(counted(rate=3_000, parallelism=parallelism))
            self.assertTrue(eventually(10, self.running), self.log())
            time.sleep(0.6)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(self.wait(process, 10), 0, self.log())
            self.assertFalse(os.path.exists(self.path("rows.jsonl")), "half a file was published")
        process = self.start(counted(rate=1_000_000, parallelism=2))
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assert_same(expected)

    def test_a_run_that_came_to_its_end_begins_anew(self):
        expected = self.undisturbed()
        answer = self.run_pipeline(counted(rate=10_000_000))
        self.assert_fine(answer)
        self.assertIn("came to its end", answer.stderr)
        self.assert_same(expected)

    def test_a_run_that_was_killed_behind_its_end_is_not_run_again(self):
        """Whoever starts it again means that run; the start after that is a new one, and so is one that was killed itself."""
        yaml = numbered(1000, 1_000_000, "1h", name="ended",
                        sinks=NUMBERED.replace("format: json", "format: json, if_exists: append"))

        def killed(failpoint):
            self.environment["STREAMRUN_FAILPOINTS"] = failpoint
            answer = self.run_pipeline(yaml)
            del self.environment["STREAMRUN_FAILPOINTS"]
            self.assertEqual(answer.returncode, -signal.SIGKILL, answer.stderr)

        def rows():
            return len(self.read("rows.jsonl").splitlines()), len(self.letters())
        once = 999
        killed("region.leaving=kill@supervisor")
        self.assertEqual(rows(), (once, 1))
        answer = self.run_pipeline(yaml)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("the last run came to its end (epoch 1) and was killed before it could say so: nothing is left to do",
                      answer.stderr)
        self.assertEqual(rows(), (once, 1))
        answer = self.run_pipeline(yaml)
        self.assert_fine(answer)
        self.assertIn("the last run came to its end (epoch 1); begins anew", answer.stderr)
        self.assertEqual(rows(), (2 * once, 2))
        killed("region.started=kill@supervisor")  # a third run, that has not come to its end
        answer = self.run_pipeline(yaml)
        self.assert_fine(answer)
        self.assertIn("the last run came to its end (epoch 2); begins anew", answer.stderr)
        self.assertEqual(rows(), (3 * once, 3))
        killed("ckpt.current.written=kill@supervisor")
        killed("region.leaving=kill@supervisor")  # the end of the same run, found and committed
        self.assertIn("nothing is left to do", self.run_pipeline(yaml).stderr)
        self.assertEqual(rows(), (4 * once, 4))

    def test_damaged_state_is_refused_and_left_as_it_is(self):
        process = self.start(counted())
        self.assertTrue(eventually(10, lambda: os.path.exists(self.path("state/ckpt/2/committed"))), self.log())
        workers = children(process.pid)
        process.kill()
        process.wait()
        self.assertTrue(eventually(20, lambda: not any(map(alive, workers))))
        current = self.read("state/CURRENT")
        self.write("state/CURRENT", bytes([current[0] ^ 1]) + current[1:])
        before = sorted(os.listdir(self.path("state/ckpt")))
        answer = self.run_pipeline(counted(rate=10_000_000))
        self.assertEqual(answer.returncode, 4, answer.stderr)
        self.assertIn("--reset-state", answer.stderr)
        self.assertIn("--restore", answer.stderr)
        self.assertEqual(sorted(os.listdir(self.path("state/ckpt"))), before)
        os.remove(self.path("state/CURRENT"))
        answer = self.run_pipeline(counted(rate=10_000_000))
        self.assertEqual(answer.returncode, 4, answer.stderr)
        self.assert_fine(self.run_pipeline(counted(rate=10_000_000), "--reset-state"))
        self.assertEqual(len(self.read("rows.jsonl").splitlines()), ROWS - ROWS // 1000)

    def test_a_followed_file_into_a_growing_one_has_every_line_once(self):
        yaml = """pipeline: followed
settings: {stop_deadline: 5s, checkpoint: {interval: 100ms}}
sources:
  n: {connector: file, path: in.jsonl, follow: true, format: json, schema: {id: bigint}}
sinks:
  out: {connector: file, input: n, path: out.jsonl, format: json}
"""
        self.write("in.jsonl", "")
        chance = random.Random(SEED + 2)
        written = 0
        for _ in range(4):
            process = self.start(yaml)
            end = time.monotonic() + 0.5 + chance.random() * 0.5
            while time.monotonic() < end:
                with open(self.path("in.jsonl"), "a") as f:
                    f.writelines(f'{{"id":{i}}}\n' for i in range(written, written + 500))
                written += 500
                time.sleep(0.01)
            workers = children(process.pid)
            process.kill()
            process.wait()
            self.assertTrue(eventually(20, lambda: not any(map(alive, workers))))
        answer = self.run_command("run", "p.yaml", "--state-dir", "state", "--once", timeout=60)
        self.assert_fine(answer)
        self.assertTrue(self.read("out.jsonl") == self.read("in.jsonl"), self.log() + answer.stderr)
