"""Full disks and inputs that are missing, damaged or change: the message says what is wrong, and nothing is lost
without a word."""
import gzip
import os
import subprocess
import time
import unittest

from family import Case, eventually


def copy(source, sink="path: out.jsonl", more=""):
    return f"""pipeline: copy
{more}
sources:
  in: {{connector: file, {source}, format: json, schema: {{id: bigint, s: text}}}}
sinks:
  out: {{connector: file, {sink}, input: in, format: json, sync: false}}
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
