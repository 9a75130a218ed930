"""Killed, failed or stopped at any step of an epoch or of recovery, once or twice in a row: the output is the same.

Each place of `streamrun --list-failpoints` is tried in a small family of its own. All of them with
STREAMRUN_TEST_LONG=1; otherwise a sample, drawn with SR_SEED."""
import contextlib
import glob
import json
import os
import random
import re
import signal
import subprocess
import time

import family
from family import Case, children
from numbered import WINDOWS, numbered, slowed, windows

ROWS = 8_000
FAILS = 500  # one row in so many is a dead letter
SEED = int(os.environ.get("SR_SEED", "1"))
LONG = os.environ.get("STREAMRUN_TEST_LONG") == "1"
SAMPLE_SECONDS = 10  # of each test
SAMPLE_LEAST = 4  # trials, on a slow machine too

# Files with parts, one with a name at the end only, one that grows; a filter, state at parallelism 2, failing rows.
FEW = "  few: {operator: filter, input: checked, where: id % 2 = 0}\n"
PIPELINE = numbered(ROWS, "RATE", "40ms", fails=FAILS, keys=7, operators=FEW + windows("500ms"), sinks="""\
  rows: {connector: file, input: few, path: rows.jsonl, format: json, roll: {size: 64KiB}}
  grown: {connector: file, input: few, path: grown.jsonl, format: json, if_exists: append}
""" + WINDOWS)

# What must have happened before so that the place is reached at all: a worker that dies in the middle of an epoch, a
# sync that fails, a supervisor that dies with a commit under way.
FIRST = {
    "restore.opened": "committed.sent=kill:1",
    "restore.table": "committed.sent=kill:1",
    "file.restore": "committed.sent=kill:1",
    "sink.restored.commit": "sink.commit=kill:2",
    "sink.restored.committed": "sink.commit=kill:2",
    "ckpt.aborted": "segment.written=error(EIO)",
    "ckpt.abandoned": "segment.written=error(EIO)",
    "worker.aborted": "segment.written=error(EIO)",
}
# Reached once in the life of a process, or not often enough in so short a run.
ONCE = re.compile(r"^(recover|restore|region\.(connect|started|leaving)|letters\.trim|sink\.(restored|finished)|"
                  r"file\.restore|worker\.(assigned|bound|connected|ready|started|aborted|done|leaving)|"
                  r"ckpt\.(aborted|abandoned|gc))")


def listed():
    """[(name, process, an error can be put there)]"""
    lines = subprocess.run([family.STREAMRUN, "--list-failpoints"], capture_output=True, text=True, check=True,
                           timeout=10).stdout.splitlines()
    return [(words[0], words[1], "error" in words[2:]) for words in map(str.split, lines)]


def places():
    """Those that this pipeline gets to. The others: ingest_theme, dlq_theme, http_steps_theme, changes_theme."""
    return [place for place in listed() if not place[0].startswith(("ingest.", "replay.", "http.", "changes."))]


def state(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


class Trials(Case):
    """Runs `pipeline` until it ends by itself, with failpoints armed; outputs() says what is the same each time."""

    first = {}  # by place: what must have happened before it is reached
    pipeline = ""

    def undisturbed(self):
        raise NotImplementedError

    def run_family(self, failpoints, deadline=40, slower=1):
        """Exit code; negative: the supervisor was killed. A process that stops itself goes on 50 ms later."""
        self.write("p.yaml", slowed(self.pipeline, slower))
        os.makedirs(self.path("marks"), exist_ok=True)
        environment = dict(self.environment, STREAMRUN_FAILPOINTS=failpoints,
                           STREAMRUN_FAILPOINT_MARKS=self.path("marks"))
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen([family.STREAMRUN, "run", "p.yaml", "--state-dir", "state"], cwd=self.dir,
                                       env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.started.append(process)
        end = time.monotonic() + deadline
        while process.poll() is None:
            self.assertLess(time.monotonic(), end, f"{failpoints}: still running: {self.log()}")
            if "=stop" in failpoints:
                for pid in [process.pid, *children(process.pid)]:
                    if state(pid) == "T":
                        time.sleep(0.05)
                        with contextlib.suppress(ProcessLookupError):  # killed while it was stopped
                            os.kill(pid, signal.SIGCONT)
            time.sleep(0.01)
        return process.returncode

    def clear(self):
        for path in glob.glob(self.path("*.jsonl")) + glob.glob(self.path("marks/*")) + [self.path("log")]:
            if os.path.exists(path):
                os.remove(path)
        subprocess.run(["rm", "-rf", self.path("state")], check=True)

    def assert_same(self, what):
        got = self.outputs()
        for name, expected in self.undisturbed().items():
            lost, more = len(set(expected) - set(got[name])), len(got[name]) - len(expected)
            self.assertTrue(got[name] == expected, f"{what}: {name}: lost {lost}, {more:+} rows: {self.log()}")
        if "nothing is left to do" not in self.log():  # killed behind its end, it had no time to say that
            self.assertIn("ledger balances", self.log().split("finished after")[-1], what)

    def assert_survives(self, failpoints):
        """Runs it until it ends by itself. Every entry must have acted, or the trial has tried nothing: where an epoch takes
        long, a run has few of them, and is tried again at a lower rate."""
        for slower in (1, 3, 9):
            self.come_to_its_end(failpoints, slower)
            missed = self.missed(failpoints)
            if not missed:
                break
            self.clear()
        self.assertEqual(missed, [], "never reached")
        self.assert_same(failpoints)
        self.clear()

    def come_to_its_end(self, failpoints, slower):
        for _ in range(5):
            if self.run_family(failpoints, slower=slower) == 0:
                return
        self.fail(f"{failpoints}: {self.log()}")

    def missed(self, failpoints):
        """The entries that have not acted."""
        entries = [(entry, *re.match(r"([a-z.]+)=[^:,]*:?(\d*)", entry).groups()) for entry in failpoints.split(",")]
        return [entry for entry, name, hit in entries if not os.path.exists(self.path(f"marks/{name}.{hit or 1}"))]

    def armed(self, name, action, hit):
        return ",".join(filter(None, [self.first.get(name), f"{name}={action}:{hit}"]))

    def try_all(self, trials):
        self.undisturbed()
        random.Random(SEED).shuffle(trials)
        begin = time.monotonic()
        done = 0
        for trial in trials:
            if not LONG and done >= SAMPLE_LEAST and time.monotonic() > begin + SAMPLE_SECONDS:
                break
            with self.subTest(trial):
                self.assert_survives(trial)
            self.clear()
            done += 1
        print(f"{done} of {len(trials)} trials, SR_SEED={SEED}", flush=True)
        self.assertGreaterEqual(done, SAMPLE_LEAST)


class NumberedOutputs:
    """What PIPELINE gives, for a Case."""

    pipeline = PIPELINE.replace("RATE", "25000")

    def lines(self, pattern):
        """Sorted: workers side by side have no order among them."""
        return sorted(line for path in glob.glob(self.path(pattern)) for line in self.read(path).splitlines())

    def outputs(self):
        return {"rows": self.lines("rows-*.jsonl"), "grown": self.lines("grown.jsonl"),
                "windows": self.lines("windows.jsonl"),
                "letters": sorted(letter["row"]["id"] for letter in self.dead_letters())}


class Failpoint(NumberedOutputs, Trials):
    expected = None  # outputs of an undisturbed run

    first = FIRST

    def undisturbed(self):
        if Failpoint.expected is None:
            self.assertEqual(self.run_family(""), 0, self.log())
            Failpoint.expected = self.outputs()
            self.assertEqual(len(Failpoint.expected["letters"]), ROWS // FAILS)
            self.assertEqual(len(Failpoint.expected["rows"]), ROWS // 2)
            self.assertEqual(Failpoint.expected["rows"], Failpoint.expected["grown"])
            self.clear()
        return Failpoint.expected

    def test_killed_at_any_step_the_family_leaves_the_same_output(self):
        self.try_all([self.armed(name, "kill", hit) for name, _, _ in places()
                      for hit in ((1,) if ONCE.match(name) else (1, 2))])

    def test_an_error_at_any_step_leaves_the_same_output(self):
        self.try_all([self.armed(name, f"error({error})", 1) for name, _, fails in places() if fails
                      for error in ("EIO", "ENOSPC")])

    def test_stopped_for_a_moment_at_any_step_the_family_leaves_the_same_output(self):
        self.try_all([self.armed(name, "stop", 1) for name, _, _ in places()])

    def test_killed_twice_in_a_row_the_third_start_recovers(self):
        """Scenario 9: in the middle of an epoch, then while that is being mended."""
        firsts = ["ckpt.current.written=kill:2", "sink.commit=kill:2", "ckpt.epoch.renamed=kill:2", "ack.sent=kill:3",
                  "file.published=kill:1"]
        seconds = ["recover.begin=kill:2", "recover.verified=kill:2", "recover.cleaned=kill:2", "restore.opened=kill:1",
                   "restore.table=kill:1", "file.restore=kill:1", "worker.stepped=kill:1"]
        # The supervisor's second life counts anew.
        self.try_all([first + "," + second.replace("=kill:2", "=kill:1") for first in firsts for second in seconds
                      if not (second.startswith("recover") and first.split(".")[0] != "ckpt")])

    def test_killed_in_the_only_epoch_the_last_one_all_is_read_again(self):
        """Scenario 13: input that ends within the first interval."""
        self.undisturbed()
        self.pipeline = self.pipeline.replace("40ms", "1h")
        names = [name for name, _, _ in places()]
        epoch = names[names.index("ckpt.begun"):names.index("ckpt.gc.hidden")] + ["worker.done"]
        # Sources that have ended need no bound, operators that have ended only hand the barrier on and save nothing.
        epoch = [name for name in epoch
                 if name not in ("ckpt.bound.sent", "operator.barrier") and not name.startswith("segment.")]
        self.try_all([f"{name}=kill:1" for name in epoch])

    def test_every_place_is_in_the_code_once_at_least_and_listed(self):
        used = set()
        for folder in ("core", "connectors", "runner"):
            for path in glob.glob(os.path.join(family.SOURCE, folder, "**", "*.cc"), recursive=True):
                with open(path) as f:
                    used |= set(re.findall(r'SR_FAILPOINT\("([^"]+)"\)', f.read()))
        self.assertEqual(used, {name for name, _, _ in listed()})
