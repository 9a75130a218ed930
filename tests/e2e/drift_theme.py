"""Two sources of very different density meet in a window: with max_drift the one that would run ahead waits for the
other, in a process of its own, and the state of the window stays small."""
import json
import subprocess

from family import Case, eventually

ROWS = 200_000  # a day of groups of their own, in some ten chunks of the file
PIPELINE = """pipeline: drift
settings: {on_error: fail}
sources:
  near:
    connector: stdin
    format: json
    schema: {k: bigint, at: timestamp}
    event_time: {column: at}
  far:
    connector: file
    path: far.jsonl
    format: json
    schema: {k: bigint, at: timestamp}
    event_time: {column: at DRIFT}
    process: own
operators:
  both: {operator: union, input: [near, far], process: own}
  counts:
    operator: aggregate
    input: both
    window: {tumbling: 10m}
    group_by: [k]
    select: {n: count(*)}
sinks:
  out: {connector: file, path: out.jsonl, input: counts, format: json}
"""


def row(key, second):
    at = f"2024-01-01 {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return json.dumps({"k": key, "at": at}) + "\n"


class Drift(Case):
    def begin(self, drift):
        self.write("far.jsonl", "".join(row(n, n * 86400 // ROWS) for n in range(ROWS)))
        process = self.start(PIPELINE.replace("DRIFT", drift), stdin=subprocess.PIPE)
        self.assertTrue(eventually(10, self.running))
        self.tell(process, 0)
        return process

    def tell(self, process, second):
        process.stdin.write(row(-1 - second, second).encode())
        process.stdin.flush()

    def far(self):
        return next(n for n in self.status()["nodes"] if n["name"] == "far")["rows_in"]

    def groups(self):
        return next(n for n in self.status()["nodes"] if n["name"] == "counts")["state_keys"]

    def waits(self):
        texts = [w["blocked_on"] for s in self.status()["stages"] for w in s["workers"]]
        return any(t.startswith("source far: waits for near (event time ") for t in texts)

    def end(self, process):
        process.stdin.close()
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertEqual(self.read("out.jsonl").count(b"\n"), ROWS + 2)

    def test_the_source_that_is_ahead_waits_and_the_state_stays_small(self):
        process = self.begin(", max_drift: 5m")
        self.assertTrue(eventually(20, self.waits), self.log())
        first = self.far()
        self.assertGreater(first, 0)
        self.assertLess(first, ROWS / 5)
        self.assertLess(self.groups(), ROWS / 5)
        self.tell(process, 12 * 3600)
        self.assertTrue(eventually(20, lambda: self.far() > ROWS * 0.4 and self.waits()), self.log())
        self.assertLess(self.far(), ROWS * 0.7)
        self.assertLess(self.groups(), ROWS / 5)  # what was passed is closed
        self.end(process)

    def test_without_max_drift_everything_is_kept(self):
        process = self.begin("")
        self.assertTrue(eventually(20, lambda: self.groups() == ROWS + 1), self.log())
        self.assertFalse(self.waits())
        self.tell(process, 12 * 3600)
        self.end(process)
