"""The operating system fails below the real binaries: syncs that fail, writes that do or come back short, a clock that
is set. tests/e2e/fault_shim.cc stands between them and libc (SR_FAULT_SHIM names the library)."""
import glob
import json
import os
import re
import signal
import subprocess

import family
from failpoint_theme import FAILS, ROWS, NumberedOutputs
from family import Case, eventually
from numbered import slowed

SHIM = os.environ.get("SR_FAULT_SHIM") or os.path.join(os.path.dirname(family.STREAMRUN), "tests", "libfault_shim.so")


class Shimmed(Case):
    def setUp(self):
        super().setUp()
        if not os.path.exists(SHIM):
            self.skipTest("the fault shim is not built: " + SHIM)
        os.makedirs(self.path("marks"))

    def run_family(self, yaml, faults, deadline=60, **more):
        """Exit code of one supervisor."""
        self.write("p.yaml", yaml)
        environment = dict(self.environment, LD_PRELOAD=SHIM, SR_FAULTS=faults, SR_FAULT_MARKS=self.path("marks"),
                           SR_FAULT_TRACE=self.path("trace"), **more)
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen([family.STREAMRUN, "run", "p.yaml", "--state-dir", "state"], cwd=self.dir,
                                       env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.started.append(process)
        return self.wait(process, deadline)

    def trace(self):
        return [line.split("\t") for line in self.read("trace").decode(errors="replace").splitlines()]


class Fault(NumberedOutputs, Shimmed):
    expected = None

    def clear(self):
        for path in glob.glob(self.path("*.jsonl")) + glob.glob(self.path("marks/*")) + [self.path("log"),
                                                                                         self.path("trace")]:
            if os.path.exists(path):
                os.remove(path)
        subprocess.run(["rm", "-rf", self.path("state")], check=True)

    def undisturbed(self):
        if Fault.expected is None:
            self.assertEqual(self.run_family(self.pipeline, ""), 0, self.log())
            Fault.expected = self.outputs()
            self.assertEqual(len(Fault.expected["rows"]), ROWS // 2)
            self.assertEqual(len(Fault.expected["letters"]), ROWS // FAILS)
            self.clear()
        return Fault.expected

    def assert_survives(self, faults, acted=True):
        try:
            self.try_to_survive(faults, acted)
        finally:
            self.clear()

    def try_to_survive(self, faults, acted):
        expected = self.undisturbed()
        for slower in (1, 3, 9):  # where an epoch takes long, a run has few of them
            self.come_to_its_end(faults, slower)
            if not acted or self.met(faults):
                break
            self.clear()
        self.assertTrue(not acted or self.met(faults), f"{faults} was never met")
        got = self.outputs()
        for name, rows in expected.items():
            lost, more = len(set(rows) - set(got[name])), len(got[name]) - len(rows)
            self.assertTrue(got[name] == rows, f"{faults}: {name}: lost {lost}, {more:+} rows: {self.log()}")
        self.assert_every_epoch_was_synced(faults)

    def come_to_its_end(self, faults, slower):
        for _ in range(5):
            if self.run_family(slowed(self.pipeline, slower), faults) == 0:
                return
        self.fail(f"{faults}: {self.log()}")

    def met(self, faults):
        call, hit = re.match(r"([a-z]+)=[A-Za-z]+:(\d+)", faults).groups()
        return os.path.exists(self.path(f"marks/{call}.{hit}"))

    def assert_every_epoch_was_synced(self, faults):
        """I7: what counts was synced with success behind its last write, and a sync that failed is never tried again:
        the kernel has dropped what it could not write, and the second one would say that all is well."""
        written, writer, synced, failed, decided = {}, {}, {}, set(), 0
        for line in self.trace():
            if line[0] == "write":
                _, pid, count, path = line
                if writer.get(path) != pid:  # a later generation begins the file anew
                    writer[path], written[path] = pid, 0
                written[path] += int(count)
                synced.pop(path, None)
            elif line[0] == "sync":
                _, pid, result, size, path = line
                self.assertNotIn((pid, path), failed, f"{faults}: {path} was synced again after a failure")
                if result == "failed":
                    failed.add((pid, path))
                else:
                    synced[path] = int(size)
            elif line[2].endswith("/CURRENT.tmp") or line[3].endswith("/CURRENT"):
                decided += 1
                self.assertIn(line[2] if line[2].startswith("/") else self.path(line[2]), synced, faults)
                ending = [path for path in written if ".tmp/" in path and path.endswith((".seg", "/manifest.tmp"))]
                epoch = max((int(re.search(r"ckpt/(\d+)\.tmp/", path).group(1)) for path in ending), default=0)
                for path in ending:
                    if f"/ckpt/{epoch}.tmp/" in path:
                        self.assertEqual(synced.get(path), written[path], f"{faults}: {path} counts and is not synced")
        self.assertGreater(decided, 1, "no epoch was taken")

    def test_a_sync_that_fails_costs_the_epoch_or_the_process_and_never_a_row(self):
        for call, part in (("fdatasync", ".seg"), ("fdatasync", "/manifest.tmp"), ("fdatasync", "/CURRENT.tmp"),
                           ("fdatasync", "/EPOCH_HIGH.tmp"), ("fdatasync", "grown.jsonl"),
                           ("fdatasync", "rows-"), ("fdatasync", "/dlq/"), ("fsync", "/ckpt"), ("fsync", "/state")):
            for hit in (1, 3):
                with self.subTest(call=call, part=part, hit=hit):
                    self.assert_survives(f"{call}=EIO:{hit}@{part}")

    def test_a_write_without_room_costs_the_epoch_or_an_attempt_and_never_a_row(self):
        for part in (".seg", "/manifest.tmp", "/CURRENT.tmp", "grown.jsonl", "/dlq/"):
            for hit in (2, 3):
                with self.subTest(part=part, hit=hit):
                    self.assert_survives(f"write=ENOSPC:{hit}@{part}")

    def test_a_rename_that_fails_is_no_decision(self):
        for part in ("/CURRENT", "/EPOCH_HIGH", "windows.jsonl"):
            with self.subTest(part=part):
                self.assert_survives(f"rename=EIO:1@{part}")

    def test_writes_that_come_back_short_are_gone_on_with(self):
        self.assert_survives(f"write=short:*@{self.dir}", acted=False)


class Clock(Shimmed):
    def test_a_clock_that_is_set_back_and_forward_fires_no_timeout_and_windows_stay_in_order(self):
        """Scenario 74."""
        count = 12_000
        self.write("clock", "0\n")
        self.write("p.yaml", f"""pipeline: clocked
settings: {{checkpoint: {{interval: 200ms, timeout: 5s}}}}
sources:
  n: {{connector: generate, rate: 2000/s, count: {count}, columns: {{id: sequence}}}}
operators:
  counts: {{operator: aggregate, input: n, window: {{tumbling: 500ms, time: processing}}, select: {{n: count(*)}}}}
sinks:
  out: {{connector: file, path: out.jsonl, input: counts, format: json}}
""")
        self.environment.update(LD_PRELOAD=SHIM, SR_CLOCK_FILE=self.path("clock"))
        with open(self.path("p.yaml")) as f:
            process = self.start(f.read())
        self.assertTrue(eventually(10, self.running), self.log())

        def epoch():
            return self.status()["checkpoint"]["epoch"]
        for seconds in (-3600, 86_400):
            begin = epoch()
            os.rename(self.write("clock.new", f"{seconds}\n"), self.path("clock"))
            self.assertTrue(eventually(20, lambda: epoch() > begin + 3), self.log())
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertNotIn("restarting in", self.log())
        self.assertNotIn("given up", self.log())
        self.assertRegex(self.log(), r"the clock was set back by (3600|3599) s")
        self.assertRegex(self.log(), r"the clock was set forward by 9000\d s|the clock was set forward by 899\d\d s")
        rows = [json.loads(line) for line in self.read("out.jsonl").splitlines()]
        starts = [row["window_start"] for row in rows]
        self.assertEqual(starts, sorted(starts))
        self.assertEqual(len(starts), len(set(starts)), "a window came twice")
        self.assertEqual(sum(row["n"] for row in rows), count)


class LeftBehind(Shimmed):
    """Each worker has started two processes, one of which left its session."""

    ROWS = 8_000

    def start_family(self, *before):
        """With log lines of level debug: they say whether there are control groups."""
        os.makedirs(self.path("children"), exist_ok=True)
        self.write("p.yaml", f"""pipeline: left-behind
settings: {{parallelism: 2, checkpoint: {{interval: 100ms}}}}
sources:
  n: {{connector: generate, rate: 2000/s, count: {self.ROWS}, columns: {{id: sequence}}}}
sinks:
  out: {{connector: file, path: out.jsonl, input: n, format: json, order: any}}
""")
        environment = dict(self.environment, LD_PRELOAD=SHIM, SR_FAULT_CHILDREN=self.path("children"))
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen([*before, family.STREAMRUN, "run", "p.yaml", "--state-dir", "state", "--log-level",
                                        "debug"], cwd=self.dir, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)
        self.started.append(process)
        self.assertTrue(eventually(20, self.running), self.log())
        return process

    def left(self, worker=None):
        """Processes that workers have started and that live."""
        pairs = [tuple(map(int, name.split("."))) for name in os.listdir(self.path("children"))]
        return [child for parent, child in pairs if worker in (None, parent) and family.alive(child)]

    def tearDown(self):
        for child in self.left() if os.path.isdir(self.path("children")) else []:
            os.kill(child, signal.SIGKILL)
        super().tearDown()

    def assert_ends_with_its_worker(self, process):
        workers = family.children(process.pid)
        self.assertEqual(len(workers), 3)
        self.assertEqual(len(self.left()), 6)
        os.kill(workers[0], signal.SIGKILL)
        for worker in workers:
            self.assertTrue(eventually(20, lambda: not self.left(worker)), self.log())
        self.assertIn("killed by signal 9 (Killed)", self.log())
        self.assertTrue(eventually(10, self.running), self.log())
        self.assertEqual(len(self.left()), 6)
        self.assertEqual(sorted(family.children(process.pid)),
                         sorted(w["pid"] for stage in self.status()["stages"] for w in stage["workers"]),
                         "the supervisor has children that are no workers, or dead ones")
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assertEqual(self.left(), [])
        self.assertEqual(sorted(json.loads(line)["id"] for line in self.lines("out.jsonl")),
                         list(range(1, self.ROWS + 1)))

    def lines(self, name):
        return self.read(name).splitlines()

    def test_what_a_worker_has_started_ends_with_it(self):
        self.assert_ends_with_its_worker(self.start_family())

    def test_what_a_worker_has_started_ends_with_it_where_there_are_no_control_groups(self):
        hide = "for m in $(awk '/ - cgroup2 /{print $5}' /proc/self/mountinfo); do umount -l $m || exit 9; done; exec \"$@\""
        words = ["unshare", "-m", "sh", "-c", hide, "sh"]
        if subprocess.run([*words, "true"], capture_output=True).returncode != 0:
            self.skipTest("control groups cannot be hidden from a process by this user")
        process = self.start_family(*words)
        self.assertIn("workers run without control groups: no cgroup2 file system is mounted", self.log())
        self.assert_ends_with_its_worker(process)

    def test_what_a_killed_supervisor_left_is_ended_by_the_next(self):
        process = self.start_family()
        if "workers run in control groups" not in self.log():
            process.kill()
            self.skipTest("no control groups here: " + self.log())
        workers, left = family.children(process.pid), self.left()
        process.kill()
        process.wait()
        self.assertTrue(eventually(20, lambda: not any(family.alive(worker) for worker in workers)))
        self.assertEqual(sorted(self.left()), sorted(left), "nobody is there to end them yet")
        again = self.start_family()
        self.assertIn("ending what an older generation left", self.log())
        self.assertEqual([child for child in self.left() if child in left], [])
        self.assertEqual(self.wait(again, 30), 0, self.log())
        self.assertEqual(self.left(), [])
        self.assertEqual(sorted(json.loads(line)["id"] for line in self.lines("out.jsonl")),
                         list(range(1, self.ROWS + 1)))
