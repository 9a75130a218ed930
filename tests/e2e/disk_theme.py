"""Full disks and inputs that are missing, damaged or change: the message says what is wrong, and nothing is lost
without a word."""
import gzip
import json
import os
import signal
import subprocess
import time
import unittest

from family import Case, children, eventually


def copy(source, sink="path: out.jsonl", more=""):
    return f"""pipeline: copy
{more}
sources:
  in: {{connector: file, {source}, format: json, schema: {{id: bigint, s: text}}}}
sinks:
  out: {{connector: file, {sink}, input: in, format: json, sync: false}}
"""


SUMMED = 40_000


def summed(rate):
    """Sums by key: state that checkpoints keep."""
    return f"""pipeline: summed
settings: {{stop_deadline: 10s, checkpoint: {{interval: 100ms}}}}
sources:
  n: {{connector: generate, rate: {rate}/s, count: {SUMMED}, columns: {{id: sequence}}}}
operators:
  sums:
    operator: aggregate
    input: n
    group_by: {{key: id % 500}}
    select: {{n: count(*), total: sum(id)}}
sinks:
  rows: {{connector: file, input: n, path: rows.jsonl, format: json, if_exists: append}}
  totals: {{connector: file, input: sums, path: sums.jsonl, format: json}}
"""


def lines(count, width=40):
    return "".join(f'{{"id":{i},"s":"{"x" * width}"}}\n' for i in range(count)).encode()


class Disk(Case):
    def refused(self, answer, code, *words):
        self.assertEqual(answer.returncode, code, answer.stderr)
        for word in words:
            self.assertIn(word, answer.stderr)
        self.assertFalse(os.path.exists(self.path("out.jsonl")), "a half-written file was published")

    def test_a_full_disk_names_the_file_and_publishes_nothing(self):
        os.mkdir(self.path("small"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.path("small")],
                                 capture_output=True)
        if mounted.returncode != 0:
            raise unittest.SkipTest("cannot mount a tmpfs here: " + mounted.stderr.decode().strip())
        try:
            self.write("in.jsonl", lines(60_000))
            answer = self.run_pipeline(copy("path: in.jsonl", "path: small/out.jsonl"))
            self.refused(answer, 1, "small/", "No space left on device")
            self.assertNotIn("out.jsonl", os.listdir(self.path("small")))
        finally:
            subprocess.run(["umount", self.path("small")], check=True)

    def test_an_input_that_cannot_be_read_is_named(self):
        self.refused(self.run_pipeline(copy("path: absent.jsonl")), 3, "absent.jsonl")
        self.refused(self.run_pipeline(copy("path: 'absent-*.jsonl'")), 3, "absent-*.jsonl", "allow_empty")
        os.mkdir(self.path("folder"))
        self.refused(self.run_pipeline(copy("path: folder")), 3, "folder", "directory")

    def test_an_input_without_permission_is_named(self):
        if os.geteuid() == 0:
            raise unittest.SkipTest("root may read everything")
        os.chmod(self.write("in.jsonl", lines(10)), 0)
        self.refused(self.run_pipeline(copy("path: in.jsonl")), 3, "in.jsonl", "Permission denied")

    def test_a_file_that_shrinks_while_it_is_read_is_reported_with_both_sizes(self):
        self.write("in.jsonl", lines(400_000, 100))
        fifo = self.path("out.fifo")
        os.mkfifo(fifo)
        process = self.start(copy("path: in.jsonl", "path: out.fifo"))
        reader = os.open(fifo, os.O_RDONLY)  # reading little of it holds the source back
        try:
            self.assertTrue(eventually(10, lambda: os.read(reader, 65536)))
            time.sleep(0.5)
            os.truncate(self.path("in.jsonl"), 1000)
            while os.read(reader, 1 << 20):
                pass
        finally:
            os.close(reader)
        self.assertTrue(eventually(10, lambda: "in.jsonl shrank while it was read: it had " in self.log()), self.log())
        self.assertEqual(self.wait(process, 20), 1, self.log())

    def truncated_gzip(self):
        """Gives the whole input and what arrived of it."""
        text = lines(50_000)
        packed = gzip.compress(text)
        self.write("in.jsonl.gz", packed[:len(packed) // 2])
        yaml = copy("path: in.jsonl.gz").replace("connector: file, path: out.jsonl", "connector: stdout")
        with open(self.path("stdout"), "wb") as out:
            process = self.start(yaml.replace(", sync: false", ""), stdout=out)
            self.assertEqual(self.wait(process, 20), 1, self.log())
        return text, self.read("stdout")

    def test_a_truncated_gzip_fails_naming_file_and_byte(self):
        text, got = self.truncated_gzip()
        self.assertTrue(text.startswith(got))
        self.assertRegex(self.log(), r"in\.jsonl\.gz is truncated at byte \d+")

    def test_every_whole_record_before_the_damage_arrives(self):
        text, got = self.truncated_gzip()
        self.assertGreater(len(got), len(text) // 4)
        cut = self.dead_letters()
        self.assertEqual([row["code"] for row in cut], ["record.truncated"])
        self.assertEqual(cut[0]["offset"], len(got), "the next record was lost without a word")


class StateDisk(Case):
    """The state directory is on a disk of its own."""
    size = "16m"

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("state"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size},mode=700", "tmpfs",
                                  self.path("state")], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a tmpfs here: " + mounted.stderr.decode().strip())

    def tearDown(self):
        self.end_all()
        subprocess.run(["umount", self.path("state")], capture_output=True)
        super().tearDown()

    def fill(self):
        """Nothing is left for anybody."""
        with open(self.path("state/others"), "ab", buffering=0) as f:
            for block in (1 << 20, 4096):
                try:
                    while True:
                        f.write(bytes(block))
                except OSError:
                    pass


class FullStateDisk(StateDisk):
    """Scenario 75: it fills up and gets free again."""

    def rows(self):
        try:
            return self.read("rows.jsonl").count(b"\n")
        except FileNotFoundError:
            return 0

    def epoch(self):
        status = self.status()
        return status["checkpoint"]["epoch"] if status else 0

    def held_up(self):
        status = self.status()
        return status["checkpoint"].get("held_up", "") if status else ""

    def start_and_fill(self):
        process = self.start(summed(4_000))
        self.assertTrue(eventually(10, lambda: self.epoch() >= 3), self.log())
        self.assertEqual(os.path.getsize(self.path("state/reserve")), 1 << 20, "a sixteenth of the disk")
        self.fill()
        self.assertTrue(eventually(20, self.held_up), self.log())
        return process

    def assert_whole(self):
        ids = [int(line[6:-1]) for line in self.read("rows.jsonl").splitlines()]
        self.assertEqual(ids, list(range(1, SUMMED + 1)))
        sums = [json.loads(line) for line in self.read("sums.jsonl").splitlines()]
        self.assertEqual(sorted(row["key"] for row in sums), list(range(500)))
        self.assertEqual({row["n"] for row in sums}, {SUMMED // 500})
        self.assertEqual(sum(row["total"] for row in sums), SUMMED * (SUMMED + 1) // 2)

    def test_a_disk_that_runs_full_and_gets_free_again_costs_epochs_and_nothing_else(self):
        process = self.start_and_fill()
        epoch, rows = self.epoch(), self.rows()
        self.assertIn("is skipped: ", self.held_up())
        self.assertTrue(eventually(20, lambda: self.rows() >= rows + 4_000), "the pipeline stands still")
        self.assertEqual(self.epoch(), epoch)
        self.assertEqual(self.log().count("is skipped: "), 1, "one warning, not one a tick")
        os.remove(self.path("state/others"))
        self.assertTrue(eventually(20, lambda: self.epoch() > epoch), self.log())
        self.assertEqual(self.held_up(), "")
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertNotIn("restarting in", self.log())
        self.assert_whole()
        self.assertFalse(os.path.exists(self.path("state/reserve")), "it is given back at the end")

    def test_a_stop_on_a_full_disk_takes_its_epoch_in_the_reserve(self):
        process = self.start_and_fill()
        epoch = self.epoch()
        process.terminate()
        self.assertEqual(self.wait(process, 9), 0, self.log())
        self.assertRegex(self.log(), "stopped at epoch")
        self.assertGreater(int(self.read("state/CURRENT").split()[0]), epoch)
        rows = self.rows()
        os.remove(self.path("state/others"))
        self.assertEqual(self.wait(self.start(summed(1_000_000)), 30), 0, self.log())
        self.assertGreater(SUMMED, rows)
        self.assert_whole()

    def test_a_worker_killed_while_the_disk_is_full_goes_on_from_the_last_epoch(self):
        process = self.start_and_fill()
        os.kill(children(process.pid)[0], signal.SIGKILL)
        self.assertTrue(eventually(10, lambda: "restarting in" in self.log() and self.running()), self.log())
        os.remove(self.path("state/others"))
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assert_whole()
