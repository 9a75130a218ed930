"""What the operating system allows: too few descriptors, too little memory, and a service manager that wants to know."""
import os
import resource
import signal
import socket
import subprocess
import time

import family
from family import Case, alive, children, eventually

ROWS = 40_000


def numbers(sink="path: out.jsonl", more="", rate=10_000):
    return f"""pipeline: numbers
settings: {{parallelism: 2, checkpoint: {{interval: 100ms}}{more}}}
sources:
  n: {{connector: generate, rate: {rate}/s, count: {ROWS}, columns: {{id: sequence}}}}
operators:
  sums:
    operator: aggregate
    input: n
    group_by: {{key: id % 100}}
    select: {{n: count(*)}}
sinks:
  out: {{connector: file, {sink}, input: n, format: json}}
  keys: {{connector: file, path: keys.jsonl, input: sums, format: json}}
"""


def opened(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Limits(Case):
    def limited(self, kind, soft, hard, yaml):
        self.write("p.yaml", yaml)
        return subprocess.run([family.STREAMRUN, "run", "p.yaml", "--state-dir", "state"], cwd=self.dir, timeout=60,
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              preexec_fn=lambda: resource.setrlimit(kind, (soft, hard)))

    def assert_whole(self, pattern="out"):
        ids = sorted(int(line[6:-1]) for name in os.listdir(self.dir) if name.startswith(pattern)
                     for line in self.read(name).splitlines())
        self.assertEqual(ids, list(range(1, ROWS + 1)))

    def test_too_few_descriptors_refuse_the_start_with_the_number(self):
        """Scenario 76."""
        answer = self.limited(resource.RLIMIT_NOFILE, 48, 48, numbers(rate=1_000_000))
        self.assertEqual(answer.returncode, 3, answer.stderr)
        self.assertRegex(answer.stderr, r"needs \d+ open files, and at most 48 are allowed")
        self.assertFalse(os.path.exists(self.path("out.jsonl")))

    def test_a_soft_limit_is_raised_to_what_is_allowed(self):
        answer = self.limited(resource.RLIMIT_NOFILE, 48, 4096, numbers(rate=1_000_000))
        self.assert_fine(answer)
        self.assert_whole()

    def test_the_estimate_covers_what_a_family_opens(self):
        process = self.start(numbers())
        self.assertTrue(eventually(10, self.running), self.log())
        most = max(opened(pid) for pid in [process.pid, *children(process.pid)])
        process.kill()
        process.wait()
        answer = self.limited(resource.RLIMIT_NOFILE, most, most, numbers())
        self.assertEqual(answer.returncode, 3, f"{most} descriptors were open, and as many are said to do")

    def test_workers_out_of_descriptors_say_so_and_lose_nothing(self):
        """Scenario 76, the second half: the limit falls while they run."""
        process = self.start(numbers("path: 'out-{worker}-{n}.jsonl', roll: {size: 4KiB}"))
        self.assertTrue(eventually(10, self.running), self.log())
        workers = children(process.pid)
        for pid in workers:
            most = max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, 4096))
        self.assertTrue(eventually(10, lambda: "Too many open files" in self.log()), self.log())
        time.sleep(0.5)
        for pid in workers:
            if alive(pid):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (4096, 4096))
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertNotIn("signal", self.log())
        self.assertLess(self.log().count("Too many open files"), 3, "once, not at each try")
        self.assert_whole("out-")

    def test_a_worker_over_its_memory_ends_and_names_the_setting(self):
        yaml = f"""pipeline: hungry
settings: {{worker_memory: 96MiB}}
sources:
  n: {{connector: generate, count: 4000000, columns: {{id: sequence}}}}
operators:
  wide: {{operator: map, input: n, select: {{id: id, s: "repeat('x', 200) || id"}}}}
  kept: {{operator: dedupe, input: wide, by: [s], ttl: 1d}}
sinks:
  out: {{connector: discard, input: kept}}
"""
        answer = self.run_pipeline(yaml)
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertIn("needs more memory than settings.worker_memory (96MiB) gives it", answer.stderr)
        self.assertIn("giving up: it failed 5 times in a row", answer.stderr)
        self.assertNotIn("signal", answer.stderr)

    def test_enough_memory_changes_nothing(self):
        self.assert_fine(self.run_pipeline(numbers(more=", worker_memory: 256MiB", rate=1_000_000)))
        self.assert_whole()


class Service(Case):
    def manager(self, watchdog_us=400_000):
        """The socket that systemd listens on."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listening.bind(self.path("notify"))
        listening.settimeout(10)
        self.addCleanup(listening.close)
        self.environment.update(NOTIFY_SOCKET=self.path("notify"), WATCHDOG_USEC=str(watchdog_us))
        return listening

    def hear(self, listening, wanted, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if wanted in listening.recv(256).decode().split("\n"):
                return
        self.fail(f"{wanted} was not said: {self.log()}")

    def test_ready_watchdog_and_stopping_are_said(self):
        listening = self.manager(watchdog_us=2_000_000)
        process = self.start(numbers(rate=2_000), "--quiet")
        self.hear(listening, "READY=1")
        self.assertTrue(eventually(20, self.running))
        begin, beats = time.monotonic(), 0
        while beats < 3:
            beats += "WATCHDOG=1" in listening.recv(256).decode()
        self.assertLess(time.monotonic() - begin, 3 * 2, "slower than the watchdog's interval")
        for pid in children(process.pid):
            with open(f"/proc/{pid}/environ", "rb") as f:
                self.assertNotIn(b"NOTIFY_SOCKET", f.read(), "a worker is no service")
        process.terminate()
        self.hear(listening, "STOPPING=1")
        self.assertEqual(self.wait(process, 10), 0, self.log())

    def test_a_supervisor_that_hangs_feeds_no_watchdog(self):
        listening = self.manager()
        process = self.start(numbers(rate=2_000), "--quiet")
        self.hear(listening, "WATCHDOG=1")
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.1)
        listening.setblocking(False)
        try:
            while listening.recv(256):
                pass
        except BlockingIOError:
            pass
        listening.settimeout(1)
        self.assertRaises(TimeoutError, listening.recv, 256)
        workers = children(process.pid)
        process.kill()
        process.wait()
        self.assertTrue(eventually(20, lambda: not any(map(alive, workers))))
