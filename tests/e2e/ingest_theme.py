"""`buffer: durable`: whatever was acknowledged comes out, once for each time it was acknowledged, whoever is killed.

The failpoints of the ingest log are tried one by one: all with STREAMRUN_TEST_LONG=1, else a sample (SR_SEED)."""
import collections
import contextlib
import glob
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

import family
from failpoint_theme import state
from family import Case, alive, children, eventually
from network_theme import free_port

SEED = int(os.environ.get("SR_SEED", "1"))
LONG = os.environ.get("STREAMRUN_TEST_LONG") == "1"


def over_http(port, buffer="durable", sink="{connector: file, path: out.jsonl, input: in, format: json}",
              interval="100ms", deduplicate=False):
    return f"""pipeline: kept
settings: {{checkpoint: {{interval: {interval}}}, stop_deadline: 5s}}
sources:
  in:
    connector: http
    listen: "127.0.0.1:{port}"
    path: /events
    format: json
    schema: {{n: bigint}}
    buffer: {buffer}
{"    deduplicate: {}" if deduplicate else ""}
sinks:
  out: {sink}
"""


class Client(threading.Thread):
    """Posts numbered rows, a few in each request, and sends a request again until it is answered 200. Notes which
    rows were answered, and how often each was sent without an answer: none, when the source deduplicates by the key
    that each request has with `keyed`."""

    def __init__(self, port, rows=5, pause=0.0, keyed=False):
        super().__init__(daemon=True)
        self.port, self.rows, self.pause, self.keyed = port, rows, pause, keyed
        self.answered = []
        self.unanswered = collections.Counter()
        self.refused = collections.Counter()
        self.stop = threading.Event()
        self.connection = None

    def post(self, body, key):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                self.connection.connect()
            self.connection.request("POST", "/events", body, {"Idempotency-Key": key} if self.keyed else {})
            answer = self.connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException) as e:
            sent = self.connection is not None and not isinstance(e, ConnectionRefusedError)
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return None if sent else 0

    def run(self):
        n = 0
        while not self.stop.is_set():
            numbers = range(n, n + self.rows)
            n += self.rows
            body = "".join(f'{{"n": {i}}}\n' for i in numbers)
            while not self.stop.is_set():
                status = self.post(body, f"request {n}")
                if status == 200:
                    self.answered += numbers
                    break
                if status is None and not self.keyed:
                    self.unanswered.update(numbers)  # it may have been taken
                elif status:
                    self.refused[status] += 1
                time.sleep(0.02)
            time.sleep(self.pause)


class Ingest(Case):
    def client(self, port, **options):
        client = Client(port, **options)
        client.start()
        self.addCleanup(client.stop.set)
        return client

    def finish(self, client, seconds=10):
        client.stop.set()
        client.join(seconds)
        self.assertFalse(client.is_alive())

    def stop(self, process, seconds=30):
        os.kill(process.pid, signal.SIGTERM)
        self.assertEqual(self.wait(process, seconds), 0, self.log())

    def worker(self, process, what):
        """Process id of the child whose title has this word."""
        for pid in children(process.pid):
            try:
                with open(f"/proc/{pid}/cmdline") as f:
                    if what in f.read():
                        return pid
            except FileNotFoundError:
                pass
        return None

    def numbers(self, pattern="out.jsonl"):
        return [json.loads(line)["n"] for path in sorted(glob.glob(self.path(pattern)))
                for line in self.read(path).splitlines()]

    def assert_kept(self, client, numbers=None):
        """Everything that was answered is there once, and once more at most for each time it got no answer."""
        seen = collections.Counter(self.numbers() if numbers is None else numbers)
        missing = [n for n in client.answered if seen[n] == 0]
        self.assertEqual(missing[:10], [], f"{len(missing)} answered rows are missing: {self.log()}")
        doubled = [n for n in seen if seen[n] > 1 + client.unanswered[n]]
        self.assertEqual(doubled[:10], [], f"{len(doubled)} rows are doubled: {self.log()}")

    def test_the_whole_family_is_killed_again_and_again(self):
        self.killed_again_and_again(False)
        self.assertGreater(sum(self.last_client.unanswered.values()) + self.last_client.refused[0], 0)

    def test_with_deduplicate_what_was_sent_again_is_there_once(self):
        self.killed_again_and_again(True)

    def killed_again_and_again(self, deduplicate):
        port = free_port()
        client = self.last_client = self.client(port, keyed=deduplicate)
        for life in range(4):
            process = self.start(over_http(port, buffer="{type: durable, segment: 64KiB}", deduplicate=deduplicate))
            before = len(client.answered)
            self.assertTrue(eventually(20, lambda: len(client.answered) > before + 200), self.log())
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        process = self.start(over_http(port, buffer="{type: durable, segment: 64KiB}", deduplicate=deduplicate))
        before = len(client.answered)
        self.assertTrue(eventually(20, lambda: len(client.answered) > before + 50), self.log())
        self.finish(client)
        self.assertTrue(eventually(20, lambda: self.committed_rows() >= len(client.answered)), self.log())
        self.stop(process)
        self.assert_kept(client)
        self.assertEqual(self.dead_letters(), [])

    def committed_rows(self):
        try:
            return len(self.numbers())
        except FileNotFoundError:
            return 0

    def test_a_restart_of_the_pipeline_does_not_touch_the_socket(self):
        port = free_port()
        yaml = f"""pipeline: lines
settings: {{checkpoint: {{interval: 100ms}}}}
sources:
  in: {{connector: socket, listen: "tcp://127.0.0.1:{port}", format: json, schema: {{n: bigint}}, buffer: durable}}
sinks:
  out: {{connector: file, path: out.jsonl, input: in, format: json}}
"""
        process = self.start(yaml)
        self.assertTrue(eventually(20, self.running), self.log())
        ingest = self.worker(process, "ingest in")
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            for i in range(2000):
                peer.sendall(b'{"n": %d}\n' % i)
                if i in (500, 1200):
                    others = []
                    # Back from the last time.
                    self.assertTrue(eventually(20, lambda: others.extend(
                        p for p in children(process.pid) if p != ingest) or others), self.log())
                    os.kill(others[0], signal.SIGKILL)
            self.assertTrue(eventually(30, lambda: self.committed_rows() >= 2000), self.log())
        self.assertEqual(self.worker(process, "ingest in"), ingest)
        self.stop(process)
        self.assertEqual(self.numbers(), list(range(2000)))  # one connection, in order, each once
        self.assertIn("ledger balances", self.log())

    def test_the_ingest_worker_is_killed_and_the_pipeline_runs_on(self):
        port = free_port()
        client = self.client(port)
        process = self.start(over_http(port))
        for _ in range(3):
            before = len(client.answered)
            self.assertTrue(eventually(20, lambda: len(client.answered) > before + 100), self.log())
            pid = self.worker(process, "ingest in")
            others = [p for p in children(process.pid) if p != pid]
            os.kill(pid, signal.SIGKILL)
            self.assertTrue(eventually(10, lambda: self.worker(process, "ingest in") not in (None, pid)), self.log())
            self.assertTrue(all(alive(p) for p in others), "only the ingest worker starts again")
        before = len(client.answered)
        self.assertTrue(eventually(20, lambda: len(client.answered) > before + 50), self.log())
        self.finish(client)
        self.assertTrue(eventually(20, lambda: self.committed_rows() >= len(client.answered)), self.log())
        self.stop(process)
        self.assert_kept(client)

    def test_a_stop_answers_what_was_taken_and_the_next_run_reads_it(self):
        port = free_port()
        client = self.client(port)
        process = self.start(over_http(port))
        self.assertTrue(eventually(20, lambda: len(client.answered) > 100), self.log())
        self.stop(process)
        self.finish(client)
        process = self.start(over_http(port))
        self.assertTrue(eventually(20, self.running), self.log())
        self.assertTrue(eventually(20, lambda: self.committed_rows() >= len(client.answered)), self.log())
        self.stop(process)
        self.assert_kept(client)

    def test_a_full_log_refuses_and_takes_again_without_a_restart(self):
        """Scenario 45. The pipeline's own workers stand still, so that nobody reads the log."""
        port = free_port()
        self.environment["STREAMRUN_PATIENCE"] = "60000,60000,300"  # as long as its workers stand still
        process = self.start(over_http(port, buffer="{type: durable, max: 1MiB, segment: 64KiB}"))
        self.assertTrue(eventually(20, self.running), self.log())
        ingest = self.worker(process, "ingest in")
        others = [p for p in children(process.pid) if p != ingest]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            client = self.client(port, rows=500)
            self.assertTrue(eventually(40, lambda: client.refused[503] > 0), client.refused)
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)
        before = len(client.answered)
        self.assertTrue(eventually(30, lambda: len(client.answered) > before + 2000), self.log())
        self.finish(client)
        self.assertIn("is full: its input waits or is refused", self.log())
        self.assertIn("has room again", self.log())
        self.assertTrue(eventually(20, lambda: self.committed_rows() >= len(client.answered)), self.log())
        self.assertEqual(self.worker(process, "ingest in"), ingest)
        self.stop(process)
        self.assert_kept(client)
        self.assertLess(sum(os.path.getsize(f) for f in glob.glob(self.path("state/ingest/in/*.seg"))), 2 << 20)

    def flip(self, at):
        path = sorted(glob.glob(self.path("state/ingest/in/*.seg")))[-1]
        with open(path, "r+b") as f:
            f.seek(at)
            byte = f.read(1)[0]
            f.seek(at)
            f.write(bytes([byte ^ 1]))

    def test_a_damaged_record_fails_the_pipeline_or_is_set_aside(self):
        """Scenario 43. Nothing was read when the byte flips: the pipeline's own workers stood still and were killed."""
        port = free_port()
        process = self.start(over_http(port, interval="10s"))
        self.assertTrue(eventually(20, self.running), self.log())
        client = self.client(port, rows=1, pause=0.005)
        self.assertTrue(eventually(20, lambda: len(client.answered) >= 20), self.log())
        self.finish(client)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.flip(300)
        process = self.start(over_http(port))
        self.assertEqual(self.wait(process, 30), 1, self.log())
        self.assertIn("are damaged (", self.log())
        self.assertIn("on_corruption: skip", self.log())
        process = self.start(over_http(port, buffer="{type: durable, on_corruption: skip}"))
        self.assertTrue(eventually(20, lambda: self.committed_rows() >= len(client.answered) - 1), self.log())
        self.assertTrue(eventually(20, lambda: self.dead_letters()), self.log())
        self.stop(process)
        missing = set(client.answered) - set(self.numbers())
        self.assertEqual(len(missing), 1)
        letters = self.dead_letters()
        self.assertEqual([letter["code"] for letter in letters], ["ingest.damaged"])
        self.assertEqual(len(glob.glob(self.path("state/quarantine/in.*"))), 1)
        self.assertIn("ledger balances", self.log())

    def test_a_log_that_was_removed_is_refused(self):
        port = free_port()
        process = self.start(over_http(port))
        client = self.client(port)
        self.assertTrue(eventually(20, lambda: len(client.answered) > 100), self.log())
        self.stop(process)
        self.finish(client)
        subprocess.run(["rm", "-rf", self.path("state/ingest")], check=True)
        process = self.start(over_http(port))
        self.assertEqual(self.wait(process, 30), 1, self.log())
        self.assertIn("the log ends with record 0", self.log())
        self.assertIn("--reset-state", self.log())

    def test_standard_input_is_kept_too(self):
        yaml = """pipeline: piped
settings: {checkpoint: {interval: 50ms}}
sources:
  in: {connector: stdin, format: json, schema: {n: bigint}, buffer: durable}
sinks:
  out: {connector: file, path: out.jsonl, input: in, format: json, if_exists: append}
"""
        process = self.start(yaml, stdin=subprocess.PIPE)
        for i in range(1000):
            process.stdin.write(b'{"n": %d}\n' % i)
        process.stdin.flush()
        stored = lambda: b"".join(self.read(path) for path in glob.glob(self.path("state/ingest/in/*.seg")))
        self.assertTrue(eventually(20, lambda: b'{"n": 999}' in stored()), self.log())
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.write("rest", "".join(f'{{"n": {i}}}\n' for i in range(1000, 1100)))
        for run in range(2):
            with open(self.path("rest"), "rb") as rest:
                process = self.start(yaml, stdin=rest)
                self.assertEqual(self.wait(process, 30), 0, self.log())
        # The second run was a new one: what the first had read to its end does not come again.
        self.assertEqual(self.numbers(), list(range(1100)) + list(range(1000, 1100)))

    def test_a_second_run_begins_with_the_first_record_that_comes_however_late(self):
        yaml = """pipeline: late
settings: {checkpoint: {interval: 50ms}}
sources:
  in: {connector: stdin, format: json, schema: {n: bigint}, buffer: durable}
sinks:
  out: {connector: file, path: out.jsonl, input: in, format: json, if_exists: append}
"""
        for run in range(2):
            process = self.start(yaml, stdin=subprocess.PIPE)
            self.assertTrue(eventually(20, self.running), self.log())
            time.sleep(0.2)
            process.stdin.write(b'{"n": %d}\n' % run)
            process.stdin.close()
            self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertEqual(self.numbers(), [0, 1])

    def test_killed_failed_or_stopped_at_any_step_of_the_log(self):
        names = [line.split()[0] for line in self.run_command("--list-failpoints").stdout.splitlines()
                 if line.startswith("ingest.")]
        self.assertGreater(len(names), 5)
        trials = [f"{name}={action}:{hit}" for name in names for action in ("kill", "error(EIO)", "stop")
                  # A log that cannot be opened at the start is told, not tried again.
                  if (name, action) != ("ingest.recovered", "error(EIO)")
                  for hit in ((1,) if name in ("ingest.recovered", "ingest.marked", "ingest.rolled", "ingest.removed") else (1, 5))]
        random.Random(SEED).shuffle(trials)
        for trial in trials if LONG else trials[:6]:
            with self.subTest(trial):
                self.try_failpoint(trial)
            subprocess.run(["rm", "-rf", self.path("state"), self.path("out.jsonl"), self.path("marks")], check=True)

    def try_failpoint(self, trial):
        name, hit = trial.split("=")[0], trial.rsplit(":", 1)[1]
        mark = self.path(f"marks/{name}.{hit}")
        os.makedirs(self.path("marks"), exist_ok=True)
        self.environment.update(STREAMRUN_FAILPOINTS=trial, STREAMRUN_FAILPOINT_MARKS=self.path("marks"))
        port = free_port()
        process = self.start(over_http(port, buffer="{type: durable, segment: 64KiB}", deduplicate=True))
        client = self.client(port, rows=200, keyed=True)

        def waken():
            for pid in children(process.pid):
                if state(pid) == "T":
                    with contextlib.suppress(ProcessLookupError):  # killed while it was stopped
                        os.kill(pid, signal.SIGCONT)
            return os.path.exists(mark)

        self.assertTrue(eventually(30, waken), f"{trial} was never reached: {self.log()}")
        time.sleep(0.05)
        waken()
        before = len(client.answered)
        self.assertTrue(eventually(30, lambda: len(client.answered) > before + 2000), self.log())
        self.finish(client)
        self.assertTrue(eventually(20, lambda: self.committed_rows() >= len(client.answered)), self.log())
        self.stop(process)
        self.assert_kept(client)
