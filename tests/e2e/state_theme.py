"""Savepoints of running pipelines, going back to one, and checkpoints looked into, compared, taken out and put back."""
import json
import os
import signal
import subprocess
import sys
import time

import family
from family import Case, children, eventually

YAML = """pipeline: counted
settings:
  parallelism: 2
  stop_deadline: 5s
  checkpoint: {interval: 200ms}
sources:
  n:
    connector: generate
    rate: 2000/s
    count: 200000
    columns: {id: sequence}
operators:
  keyed: {operator: map, input: n, select: {id: id, key: id % 7}}
  latest:
    operator: aggregate
    input: keyed
    group_by: [key]
    select: {n: count(*), total: sum(id)}
sinks:
  rows: {connector: file, input: n, path: rows.jsonl, format: json}
  keys: {connector: file, input: latest, path: keys.jsonl, format: json}
"""


class State(Case):
    def state(self, *args):
        return self.run_command("state", *args, "--state-dir", "state", timeout=20)

    def savepoint(self, name, *args):
        return self.run_command("savepoint", name, "--state-dir", "state", *args, timeout=90)

    def start_counting(self, *args):
        process = self.start(YAML, *args)
        self.assertTrue(eventually(10, self.running), self.log())
        time.sleep(0.5)
        return process

    def stop(self, process):
        self.assertEqual(self.run_command("stop", "--state-dir", "state").returncode, 0)
        self.assertEqual(self.wait(process, 15), 0, self.log())

    def rows(self, *args):
        answer = self.state("get", "latest", "groups", *args)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def test_a_savepoint_is_an_epoch_that_stays_and_its_errors_are_clear(self):
        answer = self.savepoint("early")
        self.assertEqual(answer.returncode, 1)
        process = self.start_counting()
        answer = self.savepoint("v1")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertRegex(answer.stdout, r"savepoint 'v1' is epoch \d+: .*state/savepoint/v1\n")
        for name, why in (("v1", "there is a savepoint 'v1' already"), ("17", "only digits"), ("A b", "a-z")):
            answer = self.savepoint(name)
            self.assertEqual(answer.returncode, 1, name)
            self.assertIn(why, answer.stderr)
        listed = self.state("ls").stdout
        self.assertRegex(listed, r"(?m)^v1 +\d+ +\S+ \S+ +savepoint +yes ")
        self.assertRegex(listed, r"(?m) current$")
        time.sleep(1.5)  # more epochs than are kept
        described = self.state("ls", "--savepoint", "v1")
        self.assertEqual(described.returncode, 0, described.stderr)
        self.assertRegex(described.stdout, r"(?m)^latest.* groups +\d/2 ")
        self.assertRegex(described.stdout, r"(?m)^n +0/2 +[\d,]+ ")
        self.stop(process)

    def test_a_savepoint_that_takes_too_long_says_so_and_comes_later(self):
        process = self.start_counting()
        worker = children(process.pid)[0]
        os.kill(worker, signal.SIGSTOP)
        try:
            answer = self.savepoint("late", "--timeout", "0.3")
        finally:
            os.kill(worker, signal.SIGCONT)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("there is no savepoint 'late' yet", answer.stderr)
        self.assertTrue(eventually(20, lambda: os.path.exists(self.path("state/savepoint/late"))), self.log())
        self.stop(process)

    def test_scenario_82_going_back_wants_to_be_told_and_skips_no_output(self):
        process = self.start_counting()
        self.assertEqual(self.savepoint("v1").returncode, 0)
        time.sleep(0.6)
        self.stop(process)
        high = int(self.read("state/EPOCH_HIGH").split()[0])
        before = self.rows("--savepoint", "v1")
        later = self.rows()
        self.assertGreater(sum(r["count(*)"] for r in later), sum(r["count(*)"] for r in before))
        refused = self.run_pipeline(YAML, "--from", "v1")
        self.assertEqual(refused.returncode, 4, refused.stderr)
        self.assertIn("--accept-duplicates", refused.stderr)
        unknown = self.run_pipeline(YAML, "--from", "v2", "--accept-duplicates")
        self.assertEqual(unknown.returncode, 4, unknown.stderr)
        self.assertIn("there is no savepoint 'v2'", unknown.stderr)
        self.assertIn("'v1'", unknown.stderr)
        self.assertEqual(int(self.read("state/CURRENT").split()[0]), high, "a refusal changed something")
        process = self.start(YAML.replace("2000/s", "1000000/s"), "--from", "v1", "--accept-duplicates")
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertIn("savepoint 'v1'", self.log())
        self.assertGreater(int(self.read("state/CURRENT").split()[0]), high + 1)
        ids = {json.loads(line)["id"] for line in self.read("rows.jsonl").splitlines()}
        self.assertEqual(len(ids), 200000, "output was skipped")
        self.assertIn("ledger balances", self.log())
        last = {}
        for line in self.read("keys.jsonl").splitlines():
            row = json.loads(line)
            if row.get("op", "insert") != "delete":
                last[row["key"]] = max(last.get(row["key"], 0), row["n"])
        self.assertEqual(sum(last.values()), 200000)

    def test_the_newest_checkpoint_needs_no_word_about_duplicates(self):
        process = self.start_counting()
        self.stop(process)
        current = self.read("state/CURRENT").split()[0].decode()
        answer = self.start(YAML, "--restore", current)
        self.assertTrue(eventually(10, self.running), self.log())
        self.stop(answer)

    def test_rows_are_chosen_compared_exported_and_put_back(self):
        process = self.start_counting()
        self.assertEqual(self.savepoint("v1").returncode, 0)
        locked = self.state("import", "latest", "groups", "none.jsonl")
        self.assertEqual(locked.returncode, 1)
        self.assertIn("is locked by pid", locked.stderr)
        time.sleep(0.3)
        self.stop(process)
        rows = self.rows()
        self.assertEqual({r["key"] for r in rows}, set(range(7)))
        self.assertEqual([r["key"] for r in self.rows("--where", 'key = 3 and "count(*)" > 0')], [3])
        self.assertEqual(len(self.rows("--limit", "2")), 2)
        wrong = self.state("get", "latest", "groups", "--where", "kei = 3")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn('"kei"', wrong.stderr)
        epoch = self.read("state/CURRENT").split()[0].decode()
        difference = self.state("diff", "v1", epoch, "latest", "groups")
        self.assertIn("0 removed, 0 added, 7 changed, 0 equal", difference.stderr)
        change = json.loads(difference.stdout.splitlines()[0])
        self.assertLess(change["before"]["count(*)"], change["after"]["count(*)"])
        same = self.state("diff", epoch, epoch, "latest", "groups")
        self.assertEqual((same.stdout, same.stderr), ("", "0 removed, 0 added, 0 changed, 7 equal\n"))

        self.assertEqual(self.state("export", "latest", "groups", "g.jsonl").returncode, 0)
        lines = [json.loads(line) for line in self.read("g.jsonl").splitlines()]
        self.assertEqual(lines, rows)
        for line in lines:
            line["count(*)"] += 1000
        self.write("more.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        for change, why in ((lambda t: t.replace('"count(*)"', '"state9"', 1), "line 1: column 'count(*)' is missing"),
                            (lambda t: t.replace('"key": ', '"key": "x', 1).replace(",", '",', 1), "line 1: ")):
            self.write("bad.jsonl", change(self.read("more.jsonl").decode()))
            refused = self.state("import", "latest", "groups", "bad.jsonl")
            self.assertEqual(refused.returncode, 1, why)
            self.assertIn(why, refused.stderr)
        self.assertEqual(self.read("state/CURRENT").split()[0].decode(), epoch)
        answer = self.state("import", "latest", "groups", "more.jsonl")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn(f"epoch {int(epoch) + 1} has 7 rows", answer.stdout)
        process = self.start(YAML.replace("2000/s", "1000000/s"))
        self.assertEqual(self.wait(process, 60), 0, self.log())
        counts = {}
        for line in self.read("keys.jsonl").splitlines():
            row = json.loads(line)
            counts[row["key"]] = max(counts.get(row["key"], 0), row["n"])
        self.assertEqual(sum(counts.values()), 200000 + 7000)

    def test_arrow_files_are_read_by_the_arrow_library(self):
        python = next((p for p in (sys.executable, os.path.join(os.path.dirname(family.STREAMRUN), "pyarrow/bin/python"))
                       if os.path.exists(p) and subprocess.run([p, "-c", "import pyarrow"], capture_output=True).returncode == 0),
                      None)
        if python is None:
            self.skipTest("no pyarrow, which core/data/arrow_interop installs")
        process = self.start_counting()
        self.stop(process)
        rows = self.rows()
        for name, opened in (("g.arrow", "open_file"), ("g.arrows", "open_stream")):
            answer = self.state("export", "latest", "groups", name)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            script = ("import json, sys, pyarrow as pa\n"
                      f"table = pa.ipc.{opened}(pa.OSFile({name!r})).read_all()\n"
                      "json.dump(table.select(['key', 'count(*)']).to_pylist(), sys.stdout)")
            read = subprocess.run([python, "-c", script], cwd=self.dir, capture_output=True, text=True, timeout=60)
            self.assertEqual(read.returncode, 0, read.stderr)
            self.assertEqual(json.loads(read.stdout), [{"key": r["key"], "count(*)": r["count(*)"]} for r in rows])
