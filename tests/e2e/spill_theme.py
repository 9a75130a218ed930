"""State on a disk that has no room for it any more: the worker says so, and the pipeline goes on from its last epoch.
A checkpoint that finds no room costs an epoch. Nothing ends by a signal, although the state is mapped."""
import json
import os
import resource

from disk_theme import StateDisk
from family import Case, children, eventually

KEYS = 30_000
ROWS = 2 * KEYS


def summed(rate, keys=KEYS, rows=ROWS):
    """Sums by key, of which most are not in memory. Keys are as long as what they name."""
    return f"""pipeline: spilled
settings: {{stop_deadline: 10s, checkpoint: {{interval: 100ms}}}}
sources:
  n: {{connector: generate, rate: {rate}/s, count: {rows}, columns: {{id: sequence}}}}
operators:
  keyed: {{operator: map, input: n, select: {{id: id, number: id % {keys}, key: "repeat('k', 200) || id % {keys}"}}}}
  sums:
    operator: aggregate
    input: keyed
    group_by: [key]
    select: {{number: min(number), n: count(*), total: sum(id)}}
    max_state: 1MiB
    when_full: spill
sinks:
  totals: {{connector: file, input: sums, path: totals.jsonl, format: json}}
"""


class Spilling(Case):
    def spilled(self):
        status = self.status()
        return sum(node.get("spilled_bytes", 0) for node in status["nodes"]) if status else 0

    def epoch(self):
        status = self.status()
        return status["checkpoint"]["epoch"] if status else 0

    def assert_whole(self, keys=KEYS, rows=ROWS):
        totals = {row["number"]: (row["n"], row["total"]) for row in map(json.loads, self.read("totals.jsonl").splitlines())}
        expected = {key: [key + i * keys for i in range(rows // keys + 1) if 0 < key + i * keys <= rows] for key in range(keys)}
        self.assertEqual(totals, {key: (len(ids), sum(ids)) for key, ids in expected.items()})

    def assert_ended_by_itself(self):
        self.assertNotIn("signal", self.log())
        self.assertRegex(self.log(), r"operator 'sums': its state does not fit on the disk: no room for \d+ bytes in "
                                     r"\S*/scratch/\S+: No space left on device; free space there, raise max_state")


class FullDisk(Spilling, StateDisk):
    size = "48m"

    def start_and_fill(self, rate=8_000):
        process = self.start(summed(rate))
        self.assertTrue(eventually(20, lambda: self.spilled() > 0 and self.epoch() >= 3), self.log())
        self.fill()
        self.assertTrue(eventually(20, lambda: "does not fit on the disk" in self.log()), self.log())
        return process

    def test_room_in_time_costs_a_restart_and_nothing_else(self):
        process = self.start_and_fill()
        os.remove(self.path("state/others"))
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assert_ended_by_itself()
        self.assertIn("restarting in", self.log())
        self.assert_whole()

    def test_room_that_comes_late_lets_the_next_start_go_on(self):
        process = self.start_and_fill()

        def ended():
            self.fill()  # a worker that ends leaves room
            return process.poll() is not None

        self.assertTrue(eventually(60, ended), self.log())
        self.assertEqual(process.returncode, 1, self.log())
        self.assert_ended_by_itself()
        self.assertIn("giving up: ", self.log())
        self.assertFalse(os.path.exists(self.path("totals.jsonl")), "half of the sums were published")
        os.remove(self.path("state/others"))
        answer = self.run_pipeline(summed(1_000_000))
        self.assert_fine(answer)
        self.assertRegex(answer.stderr, "goes on from epoch [1-9]")
        self.assert_whole()


class Limited(Spilling):
    def limit(self, process, most):
        for pid in children(process.pid):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def test_a_checkpoint_that_finds_no_room_for_spilled_state_costs_an_epoch(self):
        keys, rows = 10_000, 160_000
        process = self.start(summed(20_000, keys, rows))
        self.assertTrue(eventually(20, lambda: self.spilled() > 0 and self.epoch() >= 12), self.log())
        self.limit(process, 65536)
        given_up = "is given up: operator 'sums' cannot put its state aside: no room for "
        self.assertTrue(eventually(20, lambda: given_up in self.log()), self.log())
        epoch = self.epoch()
        self.limit(process, resource.RLIM_INFINITY)
        self.assertTrue(eventually(20, lambda: self.epoch() > epoch), self.log())
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertRegex(self.log(), r"no room for \d+ bytes in \S*/scratch/\S+: File too large")
        self.assertNotIn("restarting in", self.log())
        self.assert_whole(keys, rows)
