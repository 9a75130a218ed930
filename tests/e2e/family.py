"""One pipeline in a directory of its own, run as a user runs it. Everything waits within bounds, and only
processes that were started here are stopped."""
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import termios
import time
import unittest

STREAMRUN = ""
SOURCE = ""


def eventually(seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def alive(pid):
    """A zombie that init has not reaped yet is dead."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def unread(pipe):
    """Bytes that lie in a pipe; it holds 65,536."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), sys.byteorder)


class Case(unittest.TestCase):
    """`self.dir` is the working directory of every run; state lives in `self.dir/state`."""

    maxDiff = 2000

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sr-e2e-")
        self.started = []
        self.environment = dict(os.environ, XDG_STATE_HOME=self.path("xdg-state"),
                                XDG_RUNTIME_DIR=self.path("xdg-run"))
        os.makedirs(self.path("xdg-run"), mode=0o700)

    def end_all(self):
        """Nobody writes here any more when it returns."""
        for process in self.started:
            workers = children(process.pid) if process.poll() is None else []
            if process.poll() is None:
                process.kill()
            process.wait()
            eventually(20, lambda: not any(map(alive, workers)))

    def tearDown(self):
        self.end_all()
        for process in self.started:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(self.path(name), mode) as f:
            f.write(content)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def run_command(self, *args, timeout=60, cwd=None):
        return subprocess.run([STREAMRUN, *args], cwd=cwd or self.dir, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, errors="replace")

    def run_pipeline(self, yaml, *args, timeout=120):
        self.write("p.yaml", yaml)
        return self.run_command("run", "p.yaml", "--state-dir", "state", *args, timeout=timeout)

    def start(self, yaml, *args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        """Runs in the background; its messages go to the file `log`."""
        self.write("p.yaml", yaml)
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen([STREAMRUN, "run", "p.yaml", "--state-dir", "state", *args], cwd=self.dir,
                                       env=self.environment, stdin=stdin, stdout=stdout, stderr=log)
        self.started.append(process)
        return process

    def log(self):
        return self.read("log").decode(errors="replace")

    def status(self):
        answer = self.run_command("status", "--state-dir", "state", timeout=10)
        return json.loads(answer.stdout) if answer.returncode == 0 and answer.stdout else None

    def running(self):
        status = self.status()
        if not status or status["phase"] != "running":
            return False
        states = [w["state"] for stage in status["stages"] for w in stage["workers"]]
        return bool(states) and all(state == "running" for state in states)

    def await_epochs(self, more):
        """Waits until so many epochs more are complete."""
        def epoch():
            status = self.status()
            return status["checkpoint"]["epoch"] if status else -1
        begin = epoch()
        self.assertGreaterEqual(begin, 0, f"it does not run any more: {self.log()}")
        self.assertTrue(eventually(20, lambda: epoch() >= begin + more), self.log())

    def wait(self, process, seconds):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"still running after {seconds} s: {self.log()}")

    def dead_letters(self):
        rows = []
        directory = self.path("state/dlq")
        for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            with open(os.path.join(directory, name)) as f:
                # One without its end is being written.
                rows += [json.loads(line) for line in f if line.endswith("\n")]
        return rows

    def assert_fine(self, answer):
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("ledger balances: every row is accounted for", answer.stderr)


def skip_exit(result):
    """Exit code for ctest: 77 when nothing could be tried at all."""
    if not result.wasSuccessful():
        return 1
    return 77 if result.testsRun and len(result.skipped) == result.testsRun else 0
