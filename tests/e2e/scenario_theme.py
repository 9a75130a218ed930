"""Scenarios of docs/reliability.md that need a whole family and fit nowhere else."""
import gzip
import json
import os
import signal
import time

from family import Case, children, eventually


class Epochs(Case):
    def epoch(self):
        status = self.status()
        return status["checkpoint"]["epoch"] if status else 0

    def test_a_thousand_epochs_without_a_row_and_then_some_rows(self):
        """Scenario 12."""
        self.write("in.jsonl", '{"id":1}\n')
        process = self.start("""pipeline: silent
settings: {checkpoint: {interval: 1ms}}
sources:
  n: {connector: file, path: in.jsonl, follow: true, format: json, schema: {id: bigint}}
operators:
  sums: {operator: aggregate, input: n, group_by: [id], select: {n: count(*)}, emit: on_update}
sinks:
  rows: {connector: file, path: rows.jsonl, input: n, format: json, if_exists: append}
  totals: {connector: file, path: sums.jsonl, input: sums, format: json, changes: op_column, if_exists: append}
""")
        self.assertTrue(eventually(10, self.running), self.log())
        self.assertTrue(eventually(150, lambda: self.epoch() >= 1_000), f"epoch {self.epoch()}: {self.log()}")
        self.assertEqual(len(os.listdir(self.path("state/ckpt"))) <= 4, True, "old epochs are not removed")
        with open(self.path("in.jsonl"), "a") as f:
            f.write("".join(f'{{"id":{i}}}\n' for i in range(2, 101)))
        begin = self.epoch()
        self.assertTrue(eventually(10, lambda: self.read("rows.jsonl").count(b"\n") == 100), self.log())
        self.assertTrue(eventually(60, lambda: self.epoch() > begin + 100))
        process.terminate()
        self.assertEqual(self.wait(process, 10), 0, self.log())
        self.assertNotIn("given up", self.log())
        current = self.read("state/CURRENT").split()[0].decode()
        self.assertTrue(os.path.exists(self.path(f"state/ckpt/{current}/committed")))
        self.assertEqual(self.read("rows.jsonl").splitlines(), [f'{{"id":{i}}}'.encode() for i in range(1, 101)])
        self.assertEqual(self.read("sums.jsonl").count(b"\n"), 100)

    UNION = """pipeline: two
settings: {parallelism: 2, checkpoint: {interval: 100ms}}
sources:
  short: {connector: generate, count: 500, columns: {id: sequence}}
  long: {connector: generate, count: 8000, rate: 1000/s, columns: {id: sequence}}
operators:
  both: {operator: union, input: [short, long]}
  sums:
    operator: aggregate
    input: both
    group_by: {key: id % 10}
    select: {n: count(*), total: sum(id)}
sinks:
  totals: {connector: file, path: sums.jsonl, input: sums, format: json}
"""

    def test_a_source_that_ends_early_holds_up_no_epoch_also_after_a_crash(self):
        """Scenario 14."""
        process = self.start(self.UNION)
        self.assertTrue(eventually(10, self.running), self.log())
        for restarts in range(2):
            self.await_epochs(3)
            os.kill(children(process.pid)[-1], signal.SIGKILL)
            self.assertTrue(eventually(20, lambda: (self.status() or {"restarts": 0})["restarts"] > restarts), self.log())
            self.assertTrue(eventually(10, self.running), self.log())
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertNotIn("given up: a", self.log())
        rows = [json.loads(line) for line in self.read("sums.jsonl").splitlines()]
        self.assertEqual(sum(row["n"] for row in rows), 8_500)
        self.assertEqual(sum(row["total"] for row in rows), 8_000 * 8_001 // 2 + 500 * 501 // 2)

    def test_a_worker_without_any_part_of_the_input_holds_up_neither_time_nor_epochs(self):
        """Scenario 23: four workers, and all of the file is one chunk."""
        self.write("in.jsonl", "".join(f'{{"id":{i},"at":"2024-01-01 00:00:{i // 100:02d}"}}\n' for i in range(3_000)))
        process = self.start("""pipeline: lonely
settings: {parallelism: 4, checkpoint: {interval: 50ms}}
sources:
  n:
    connector: file
    path: in.jsonl
    follow: true
    format: json
    schema: {id: bigint, at: timestamp}
    event_time: {column: at}
operators:
  counts: {operator: aggregate, input: n, window: {tumbling: 1s}, group_by: {key: id % 3}, select: {n: count(*)}}
sinks:
  out: {connector: file, path: out.jsonl, input: counts, format: json, if_exists: append}
""")
        # The last second stays open: nothing says that it is over.
        self.assertTrue(eventually(10, lambda: os.path.exists(self.path("out.jsonl")) and
                                   self.read("out.jsonl").count(b"\n") == 29 * 3), self.log())
        begin = self.epoch()
        self.assertTrue(eventually(20, lambda: self.epoch() > begin + 5), self.log())
        process.terminate()
        self.assertEqual(self.wait(process, 10), 0, self.log())
        self.assertNotIn("given up", self.log())


def peak(pid):
    """KiB of memory that a process had at most."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return 0


class Hostile(Case):
    """Scenario 78."""

    def refused(self, text, *words):
        begin = time.monotonic()
        self.write("p.yaml", text)
        answer = self.run_command("validate", "p.yaml", timeout=20)
        self.assertEqual(answer.returncode, 2, answer.stderr[:500])
        for word in words:
            self.assertIn(word, answer.stdout + answer.stderr)
        self.assertLess(len(answer.stdout + answer.stderr), 100_000, "the message is a bomb itself")
        self.assertLess(time.monotonic() - begin, 5)

    def test_pipeline_files_that_explode_nest_or_repeat_are_refused_at_once(self):
        bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8))
        self.refused(bomb, "alias")
        self.refused("pipeline: p\nsources: " + "[" * 10_000 + "]" * 10_000 + "\n", "deep")
        self.refused("pipeline: p\nsources: " + "{a: " * 10_000 + "1" + "}" * 10_000 + "\n", "deep")
        self.refused("pipeline: p\npipeline: q\n", "twice")
        self.refused("pipeline: " + "x" * (2 << 20), "at most 1 MiB")

    def test_two_gibibytes_of_one_line_in_a_small_gzip_cost_little_memory(self):
        block = gzip.compress(b"x" * (64 << 20), 6)
        with open(self.path("in.jsonl.gz"), "wb") as f:
            f.write(gzip.compress(b'{"id":1}\n') + block * 32 + gzip.compress(b'\n{"id":2}\n'))
        self.assertLess(os.path.getsize(self.path("in.jsonl.gz")), 4 << 20)
        process = self.start("""pipeline: bomb
sources:
  n: {connector: file, path: in.jsonl.gz, format: json, schema: {id: bigint}}
sinks:
  out: {connector: file, path: out.jsonl, input: n, format: json}
""")
        self.assertTrue(eventually(10, self.running), self.log())
        worker = children(process.pid)[0]
        begin, most = peak(worker), 0
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end:
            most = max(most, peak(worker))
            time.sleep(0.02)
        self.assertEqual(self.wait(process, 1), 0, self.log())
        self.assertLess(most - begin, 50 << 10, "KiB more than at its start")
        self.assertEqual(self.read("out.jsonl"), b'{"id":1}\n{"id":2}\n')
        letters = self.dead_letters()
        self.assertEqual([letter["code"] for letter in letters], ["record.too_long"])


class Secrets(Case):
    """Scenario 81."""

    SECRET = "tr0ub4dor-and-3"

    def test_a_secret_is_in_no_log_status_plan_manifest_or_command_line(self):
        os.chmod(self.write("key", self.SECRET), 0o600)
        yaml = f"""pipeline: discreet
settings: {{checkpoint: {{interval: 50ms}}}}
sources:
  n: {{connector: generate, rate: 2000/s, columns: {{id: sequence}}}}
operators:
  signed: {{operator: map, input: n, set: {{mark: "md5(id || '${{file:{self.path("key")}}}')"}}}}
  fails: {{operator: map, input: signed, set: {{bad: "1 / (id % 100) + length('${{file:{self.path("key")}}}')"}}}}
  sums: {{operator: aggregate, input: fails, group_by: {{key: id % 10}}, select: {{n: count(*)}}, emit: on_update}}
sinks:
  out: {{connector: file, path: out.jsonl, input: fails, format: json, if_exists: append}}
  totals: {{connector: discard, input: sums}}
"""
        process = self.start(yaml, "--log-level", "debug")
        self.assertTrue(eventually(10, self.running), self.log())
        workers = children(process.pid)
        said = [open(f"/proc/{pid}/cmdline", "rb").read() for pid in [process.pid, *workers]]
        os.kill(workers[0], signal.SIGABRT)
        self.assertTrue(eventually(10, lambda: "restarting in" in self.log() and self.running()), self.log())
        os.kill(process.pid, signal.SIGUSR1)
        for command in (["status"], ["status", "--metrics"]):
            answer = self.run_command(*command, "--state-dir", "state")
            said.append((answer.stdout + answer.stderr).encode())
        process.terminate()
        self.assertEqual(self.wait(process, 10), 0, self.log())
        for command in (["echo"], ["explain"], ["graph"], ["validate", "--json"]):
            answer = self.run_command(*command, "p.yaml")
            self.assertTrue(answer.stdout, answer.stderr)
            said.append((answer.stdout + answer.stderr).encode())
        answer = self.run_command("state", "ls", "p.yaml", "--state-dir", "state")
        said.append((answer.stdout + answer.stderr).encode())
        files = 0
        for directory in ("state", "xdg-state", "xdg-run"):
            for root, _, names in os.walk(self.path(directory)):
                for path in (os.path.join(root, name) for name in names):
                    if os.path.isfile(path):  # not a socket
                        with open(path, "rb") as f:
                            said.append(f.read())
                        files += 1
        self.assertGreater(files, 5)
        self.assertGreater(len(self.dead_letters()), 0)
        said.append(self.log().encode())
        for text in said:
            self.assertNotIn(self.SECRET.encode(), text)
        self.assertGreater(self.read("out.jsonl").count(b"\n"), 10)
