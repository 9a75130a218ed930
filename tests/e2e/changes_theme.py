"""Tables large enough to be stored as what changed: whatever is killed, fails or stops, the output is the same."""
import json
import re
import subprocess

import family
from failpoint_theme import FIRST, Trials, listed
from numbered import slowed

FIRST_ROWS = 60_000  # a key each
ROWS = 360_000  # behind them 20,000 keys again and again: joined every few epochs
RATE = 200_000  # a second

PIPELINE = f"""pipeline: changes
settings:
  parallelism: 2
  stop_deadline: 5s
  checkpoint: {{interval: 50ms}}
sources:
  n:
    connector: generate
    rate: {RATE}/s
    count: {ROWS}
    columns:
      id: sequence
operators:
  keyed:
    operator: map
    input: n
    select:
      id: id
      key: "CASE WHEN id < {FIRST_ROWS} THEN id ELSE id % 20000 END"
  first:
    operator: dedupe
    input: keyed
    by: [key]
  sums:
    operator: aggregate
    input: keyed
    group_by: [key]
    select: {{n: count(*), total: sum(id)}}
sinks:
  firsts: {{connector: file, input: first, path: firsts.jsonl, format: json}}
  totals: {{connector: file, input: sums, path: totals.jsonl, format: json}}
"""

KEYS = 44_000  # a row each: a worker's share is barely enough to be stored as what changed
AGAIN = 42_000  # of them get more, a fifth of them in an epoch; what is known of the others goes
SEQUENCE_ROWS = 150_000

# Every operator that keeps rows or numbers by key, and what it tells changes of.
SEQUENCES = f"""pipeline: sequences
settings:
  parallelism: 2
  stop_deadline: 5s
  checkpoint: {{interval: 50ms}}
sources:
  n:
    connector: generate
    rate: 50000/s
    count: {SEQUENCE_ROWS}
    columns:
      id: sequence
      at: {{time: {{start: 2024-01-01 00:00:00, step: 1ms}}}}
      key: {{expression: "CASE WHEN id < {KEYS} THEN id ELSE id % {AGAIN} END"}}
    event_time: {{column: at}}
operators:
  sessionized: {{operator: sessionize, input: n, by: [key], gap: 60s}}
  steps:
    operator: over
    input: n
    by: [key]
    reset_after: 60s
    set: {{step: id - lag(id), next: lead(id), total: sum(id)}}
  some_sessionized: {{operator: filter, input: sessionized, where: id % 50 = 0}}
  some_steps: {{operator: filter, input: steps, where: id % 50 = 1}}
  spans:
    operator: aggregate
    input: n
    window: {{session: 60s}}
    group_by: [key]
    select: {{n: count(*), total: sum(id)}}
  triples:
    operator: aggregate
    input: n
    window: {{count: 3}}
    group_by: [key]
    select: {{n: count(*)}}
  best: {{operator: top, input: n, per: [key], order_by: id DESC, limit: 2}}
sinks:
  sessions: {{connector: file, input: some_sessionized, path: sessions.jsonl, format: json}}
  steps_taken: {{connector: file, input: some_steps, path: steps.jsonl, format: json}}
  spanned: {{connector: file, input: spans, path: spans.jsonl, format: json}}
  thirds: {{connector: file, input: triples, path: triples.jsonl, format: json}}
  bests: {{connector: file, input: best, path: best.jsonl, format: json}}
"""
SEQUENCE_FILES = ["sessions", "steps", "spans", "triples", "best"]
SEQUENCE_TABLES = {("sessionized", "keys"), ("steps", "keys"), ("steps", "ahead"), ("spans", "groups"),
                   ("triples", "groups"), ("triples", "counts"), ("best", "rows")}

PLACES = ["changes.linked", "changes.joined", "segment.written", "segment.synced", "snapshot.stored", "ckpt.decide",
          "ckpt.current.written", "committed.sent", "operator.barrier"]


def segments(case):
    """[(node, table, segment)] of the newest epoch."""
    try:
        epoch = int(case.read("state/CURRENT").split()[0])
        manifest = json.loads(case.read(f"state/ckpt/{epoch}/manifest").splitlines()[0])
    except FileNotFoundError:
        return []  # not yet, or it is being removed
    return [(node["node"], table["name"], segment) for fragment in manifest["fragments"] for node in fragment["nodes"]
            for table in node["tables"] for segment in table["segments"]]


class Changes(Trials):
    first = FIRST
    pipeline = PIPELINE
    expected = None

    killed_behind_its_end = False

    def outputs(self):
        return {name: sorted(line for line in self.read(f"{name}.jsonl").splitlines()) for name in ("firsts", "totals")}

    def undisturbed(self):
        if Changes.expected is None:
            self.assertEqual(self.run_family(""), 0, self.log())
            Changes.expected = self.outputs()
            self.assertEqual(len(Changes.expected["firsts"]), FIRST_ROWS)
            totals = [json.loads(line) for line in Changes.expected["totals"]]
            self.assertEqual(sum(row["n"] for row in totals), ROWS)
            self.assertEqual(sum(row["total"] for row in totals), ROWS * (ROWS + 1) // 2)
            self.clear()
        return Changes.expected

    def test_every_place_is_on_the_list(self):
        self.assertEqual([name for name, _, _ in listed() if name.startswith("changes.")], PLACES[:2])
        self.assertLessEqual(set(PLACES), {name for name, _, _ in listed()})

    def test_killed_between_changes_the_family_leaves_the_same_output(self):
        self.try_all([f"{name}=kill:{hit}" for name in PLACES for hit in (1, 2, 4)])

    def test_an_epoch_that_cannot_store_its_changes_is_given_up_and_the_next_one_is_whole(self):
        fails = {name for name, _, fails in listed() if fails}
        self.try_all([f"{name}=error({error}):{hit}" for name in PLACES if name in fails for error in ("EIO", "ENOSPC")
                      for hit in (1, 3)])

    def shared(self):
        """The newest epoch links segments that an earlier one wrote."""
        files = [segment["file"] for _, _, segment in segments(self)]
        return len({re.search(r"\.(\d+)(\.joined)?\.seg$", file).group(1) for file in files}) > 1

    def test_epochs_share_the_segments_that_did_not_change(self):
        self.undisturbed()
        self.write("p.yaml", slowed(self.pipeline, 4))  # however long an epoch takes, there are enough
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen([family.STREAMRUN, "run", "p.yaml", "--state-dir", "state"], cwd=self.dir,
                                       env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.started.append(process)
        self.assertTrue(family.eventually(30, lambda: self.shared() or process.poll() is not None))
        self.assertIsNone(process.poll(), self.log())
        process.kill()
        process.wait()
        self.assertEqual(self.run_family(""), 0, self.log())
        self.assert_same("killed with shared segments")

    def test_state_that_spills_is_stored_and_restored(self):
        spills = self.pipeline.replace(" by: [key]\n", " by: [key]\n    max_state: 2MiB\n    when_full: spill\n").replace(
            "group_by: [key]\n", "group_by: [key]\n    max_state: 2MiB\n    when_full: spill\n")
        self.assertEqual(spills.count("spill"), 2)
        self.undisturbed()
        self.pipeline = spills
        for failpoints in ("", "changes.linked=kill:2", "snapshot.stored=kill:5", "ckpt.current.written=kill:6",
                           "segment.synced=error(EIO):4"):
            with self.subTest(failpoints):
                if failpoints:
                    self.assert_survives(failpoints)
                else:
                    self.assertEqual(self.run_family(""), 0, self.log())
                    self.assert_same("spilled")
            self.clear()


class Sequences(Trials):
    first = FIRST
    pipeline = SEQUENCES
    expected = None

    def outputs(self):
        return {name: sorted(self.read(f"{name}.jsonl").splitlines()) for name in SEQUENCE_FILES}

    def undisturbed(self):
        if Sequences.expected is None:
            self.assertEqual(self.run_family(""), 0, self.log())
            Sequences.expected = self.outputs()
            totals = [json.loads(line)["total"] for line in Sequences.expected["spans"]]
            self.assertEqual(sum(totals), SEQUENCE_ROWS * (SEQUENCE_ROWS + 1) // 2)
            # 1 to 1,999 come again 84 s later, behind the gap.
            self.assertEqual(len(Sequences.expected["spans"]), KEYS + 1_999)
            self.clear()
        return Sequences.expected

    def test_every_keyed_table_is_stored_as_what_changed_and_restored(self):
        self.undisturbed()
        self.write("p.yaml", slowed(self.pipeline, 4))  # however long an epoch takes, there are enough
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen([family.STREAMRUN, "run", "p.yaml", "--state-dir", "state"], cwd=self.dir,
                                       env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.started.append(process)
        told = set()

        def all_told():
            told.update((node, table) for node, table, segment in segments(self) if not segment["whole"])
            return told >= SEQUENCE_TABLES or process.poll() is not None

        self.assertTrue(family.eventually(60, all_told))
        self.assertEqual(told & SEQUENCE_TABLES, SEQUENCE_TABLES)
        process.kill()
        process.wait()
        self.assertEqual(self.run_family(""), 0, self.log())
        self.assert_same("killed with changes of every table")

    def test_killed_between_changes_the_family_leaves_the_same_output(self):
        self.try_all([f"{name}=kill:{hit}" for name in ("changes.linked", "changes.joined", "snapshot.stored")
                      for hit in (1, 3)])
