"""Dead letters looked at, mended and taken in again: the output is that of a run that never failed, each row once,
whatever is killed meanwhile."""
import glob
import json
import os
import random
import signal
import subprocess
import time

import family
from family import Case, alive, children, eventually
from http_theme import Server, numbers_out
from numbered import FAILING, KEYS, LATEST, MENDED, numbered
from numbered import ROWS as NUMBERED

SEED = int(os.environ.get("SR_SEED", "1"))
ROWS = 40_000
FAILS = 100


def keyed(mended, rate=10_000, parallelism=2):
    """Rows as they come, and the last sum of every key: state of two instances behind an exchange."""
    return numbered(ROWS, rate, "150ms", fails=FAILS, parallelism=parallelism, operators=LATEST,
                    sinks=NUMBERED + KEYS, expression=MENDED if mended else FAILING)


def plain(mended, rows=5000):
    return numbered(rows, 1_000_000, "10s", fails=FAILS, expression=MENDED if mended else FAILING)


class Dlq(Case):
    def dlq(self, *args, **more):
        return self.run_command("dlq", *args, "--state-dir", "state", **more)

    def replay(self, yaml, *args, **more):
        self.write("p.yaml", yaml)
        return self.dlq("replay", "p.yaml", *args, **more)

    def letters(self, *args):
        answer = self.dlq("list", "--json", *args)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def states(self):
        states = {}
        for letter in self.letters():
            states[letter["state"]] = states.get(letter["state"], 0) + 1
        return states

    def lines(self, name):
        """Sorted: workers side by side have no order among them."""
        return sorted(self.read(name).splitlines())

    def fine(self, answer, text=""):
        self.assertEqual(answer.returncode, 0, answer.stderr + answer.stdout)
        self.assertIn(text, answer.stdout + answer.stderr)

    def refused(self, answer, *texts):
        self.assertEqual(answer.returncode, 1, answer.stdout + answer.stderr)
        for text in texts:
            self.assertIn(text, answer.stderr)

    def never_failed(self, yaml, *names):
        """What the mended pipeline gives from the beginning."""
        self.assert_fine(self.run_pipeline(yaml))
        expected = {name: self.lines(name) for name in names}
        for name in names:
            os.remove(self.path(name))
        subprocess.run(["rm", "-rf", self.path("state")], check=True)
        return expected

    def assert_same(self, expected):
        for name, lines in expected.items():
            got = self.lines(name)
            lost, more = len(set(lines) - set(got)), len(got) - len(lines)
            self.assertTrue(got == lines, f"{name}: lost {lost}, {more:+} rows: {self.log()}")

    def stopped(self, yaml, letters=20):
        """A run that was stopped half way, with letters in its checkpoint."""
        process = self.start(yaml)
        self.assertTrue(eventually(20, lambda: len(self.dead_letters()) >= letters), self.log())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 10), 0, self.log())

    def log(self):
        return super().log() if os.path.exists(self.path("log")) else ""


class Finished(Dlq):
    def test_letters_of_a_finished_run_join_its_output(self):
        expected = self.never_failed(plain(True), "rows.jsonl")
        self.assert_fine(self.run_pipeline(plain(False)))
        self.assertEqual(self.states(), {"open": 50})
        summary = self.dlq("list", "--summary")
        self.assertRegex(summary.stdout, r"(?m)^checked +\S+ +50  50 open$")
        self.assertEqual(len(self.letters("--where", "(row->>'id')::bigint < 1000 and node = 'checked'")), 10)
        one = self.letters("--limit", "1")[0]
        shown = self.dlq("show", one["token"])
        self.assertIn('"id": 99', shown.stdout)
        self.assertIn("node        checked", shown.stdout)
        self.fine(self.replay(plain(True), "--dry-run"), "50 dead letters would be replayed")
        self.fine(self.replay(plain(True), "--run", timeout=60), "order 1: 50 dead letters")
        self.assert_same(expected)
        self.assertEqual(self.states(), {"replayed": 50})

    def test_a_letter_is_replayed_once(self):
        self.assert_fine(self.run_pipeline(plain(False)))
        token = self.letters("--limit", "1")[0]["token"]
        self.fine(self.replay(plain(True), "--token", token), "order 1: 1 dead letter\n")
        self.refused(self.replay(plain(True), "--token", token), token, "waiting for replay (order 1)")
        self.fine(self.replay(plain(True), "--run", timeout=60))
        self.refused(self.replay(plain(True), "--token", token), "replayed (order 1)")
        self.refused(self.replay(plain(True)), "there is no open dead letter to replay")
        self.refused(self.replay(plain(True), "--token", "0" * 16), "there is no such letter")
        self.assertEqual(len(self.lines("rows.jsonl")), 5000)

    def test_rows_that_fail_again_are_new_letters(self):
        expected = self.never_failed(plain(True), "rows.jsonl")
        self.assert_fine(self.run_pipeline(plain(False)))
        answer = self.replay(plain(False), "--run", timeout=60)
        self.fine(answer, "50 replayed")
        self.assertIn("ledger balances", answer.stderr)
        self.assertEqual(self.states(), {"replayed": 50, "open": 50})
        self.assertEqual(len({letter["token"] for letter in self.letters()}), 100)
        self.fine(self.replay(plain(True), "--run", timeout=60), "order 2: 50 dead letters")
        self.assertEqual(self.states(), {"replayed": 100})
        self.assert_same(expected)

    def test_a_plain_run_begins_anew_and_names_what_it_drops(self):
        expected = self.never_failed(plain(True), "rows.jsonl")
        self.assert_fine(self.run_pipeline(plain(False)))
        self.fine(self.replay(plain(True)), "a plain run begins anew and drops the order")
        answer = self.run_pipeline(plain(True))
        self.assert_fine(answer)
        self.assertIn("order 1 (50 dead letters of 'checked') is dropped", answer.stderr)
        self.assert_same(expected)
        self.assertEqual(self.states(), {"of an earlier run": 50})
        self.refused(self.replay(plain(True)), "there is no open dead letter to replay")

    def test_results_that_were_given_cannot_be_corrected(self):
        yaml = keyed(False, rate=1_000_000)
        self.assert_fine(self.run_pipeline(yaml))
        before = self.read("keys.jsonl")
        self.refused(self.replay(keyed(True), "--run"), "node 'latest' has given its last results")
        self.assertEqual(glob.glob(self.path("state/replay/*")), [])
        self.assertEqual(self.read("keys.jsonl"), before)

    def test_late_rows_enter_what_has_become_of_their_node(self):
        def yaml(kept):
            return f"""pipeline: late
sources:
  in:
    connector: file
    path: in.jsonl
    format: json
    schema: {{id: bigint, at: timestamp}}
    event_time: {{column: at}}
operators:
  kept: {{input: in, {kept}}}
sinks:
  rows: {{connector: file, input: kept, path: rows.jsonl, format: json}}
"""
        # Watermarks come behind chunks of 1 MiB.
        late = [50000, 59500]
        self.write("in.jsonl", "".join(
            f'{{"id": {i}, "at": "2024-01-01 00:00:{0 if i in late else i // 1000:02}"}}\n' for i in range(60000)))
        self.assert_fine(self.run_pipeline(yaml("operator: reorder")))
        self.assertEqual([letter["row"]["id"] for letter in self.letters()], late)
        self.assertEqual({letter["port"] for letter in self.letters()}, {"late"})
        self.assertEqual(len(self.lines("rows.jsonl")), 60000 - len(late))
        self.refused(self.replay(yaml("operator: reorder"), "--run"), "node 'kept' has given its last results")
        self.fine(self.replay(yaml("operator: filter, where: id >= 0"), "--run", timeout=60), "order 1: 2 dead letters")
        rows = [json.loads(line) for line in self.lines("rows.jsonl")]
        self.assertEqual(sorted(row["id"] for row in rows), list(range(60000)))
        self.assertEqual({tuple(row) for row in rows}, {("id", "at")})

    def test_a_record_that_could_not_be_decoded_is_mended_by_hand(self):
        def yaml(form, name, schema="{id: bigint, s: text}"):
            return f"""pipeline: decoded
sources:
  in: {{connector: file, path: {name}, format: {form}, schema: {schema}}}
sinks:
  rows: {{connector: file, input: in, path: rows.jsonl, format: json}}
"""
        for form, name, head, record, broken, mended in (
                ("json", "in.jsonl", "", '{{"id": {0}, "s": "x{0}"}}\n', '{{"id": "{0}!", "s": "x{0}"}}\n', '"{0}!"'),
                ("csv", "in.csv", "s,id\n", "x{0},{0}\n", "x{0},{0}!\n", "{0}!")):
            with self.subTest(form):
                for path in glob.glob(self.path("rows.jsonl")):
                    os.remove(path)
                subprocess.run(["rm", "-rf", self.path("state")], check=True)
                self.write(name, head + "".join((broken if i % 7 == 3 else record).format(i) for i in range(70)))
                self.assert_fine(self.run_pipeline(yaml(form, name)))
                self.assertEqual(self.states(), {"open": 10})
                exported = self.dlq("list", "--json").stdout.splitlines()
                lines = []
                for text in exported:
                    letter = json.loads(text)
                    number = letter["raw"].split("x")[1].split('"')[0].split(",")[0]
                    letter["raw"] = letter["raw"].replace(mended.format(number), number)
                    lines.append(json.dumps(letter))
                for change, why in (
                        (lambda l: l[:1] + ['{"token": "nobody", "raw": "x"}'], "mend.jsonl, line 2 (letter nobody): "
                                                                               "there is no such letter"),
                        (lambda l: [l[0], l[0]], "mend.jsonl, line 2: letter"),
                        (lambda l: ["[]"], "mend.jsonl, line 1: no JSON object"),
                        (lambda l: l[:2] + exported[2:3], "mend.jsonl, line 3"),
                        (lambda l: [l[0].replace('"raw"', '"rau"')], "line 1: it needs one of 'row' and 'raw'")):
                    self.write("mend.jsonl", "\n".join(change(lines)) + "\n")
                    self.refused(self.replay(yaml(form, name), "--edit", "mend.jsonl"), why)
                self.assertEqual(glob.glob(self.path("state/replay/*")), [])
                self.write("mend.jsonl", "\n".join(lines) + "\n")
                self.fine(self.replay(yaml(form, name), "--edit", "mend.jsonl", "--run", timeout=60), "order 1")
                rows = [json.loads(line) for line in self.lines("rows.jsonl")]
                self.assertEqual(sorted(row["id"] for row in rows), list(range(70)))
                self.assertTrue(all(row["s"] == f"x{row['id']}" for row in rows))
                self.assertEqual(self.states(), {"replayed": 10})

    def test_rows_that_a_sink_cannot_write_are_mended(self):
        yaml = """pipeline: written
sources:
  in: {connector: file, path: in.jsonl, format: json, schema: {s: text}}
sinks:
  out: {connector: file, input: in, path: out.txt, format: lines}
"""
        self.write("in.jsonl", "".join(json.dumps({"s": f"a{i}" + ("\nb" if i == 5 else "")}) + "\n" for i in range(10)))
        self.assert_fine(self.run_pipeline(yaml))
        letter = self.letters()[0]
        self.assertEqual((letter["node"], letter["port"], letter["row"]), ("out", "rejected", {"s": "a5\nb"}))
        for row, why in (({}, "it has no column 's', which the node reads"), (5, "'row' is no JSON object")):
            self.write("mend.jsonl", json.dumps({"token": letter["token"], "row": row}) + "\n")
            self.refused(self.replay(yaml, "--edit", "mend.jsonl"), why, "line 1")
        self.write("mend.jsonl", json.dumps({"token": letter["token"], "row": {"s": "a5 b"}}) + "\n")
        self.fine(self.replay(yaml, "--edit", "mend.jsonl", "--run", timeout=60))
        self.assertEqual(self.lines("out.txt"), sorted([b"a%d" % i for i in range(10) if i != 5] + [b"a5 b"]))


    def test_records_that_a_server_refused_are_sent_again(self):
        closed = [True]
        server = Server(lambda number, key, body: 400 if closed[0] and b'"id":77}' in body else None)
        self.addCleanup(server.close)
        yaml = numbers_out(server.port, rows=500, sink="delivery: direct")
        self.assert_fine(self.run_pipeline(yaml))
        self.assertEqual({(letter["code"], letter["state"]) for letter in self.letters()}, {("http.status.400", "open")})
        self.assertEqual((len(self.letters()), len(server.rows())), (50, 450))
        answer = self.replay(yaml, "--run", timeout=60)
        self.fine(answer, "50 replayed")
        self.assertIn("ledger balances", answer.stderr)
        self.assertEqual(self.states(), {"replayed": 50, "open": 50})
        closed[0] = False
        self.fine(self.replay(yaml, "--run", timeout=60), "order 2: 50 dead letters")
        self.assertEqual(sorted(row["id"] for row in server.rows()), list(range(1, 501)))


class Unfinished(Dlq):
    def test_letters_of_a_stopped_run_join_the_state_of_their_keys(self):
        expected = self.never_failed(keyed(True, rate=1_000_000), "rows.jsonl", "keys.jsonl")
        self.stopped(keyed(False))
        open_letters = self.states()["open"]
        self.fine(self.replay(keyed(True)), "they are taken in when the pipeline runs again")
        self.assertEqual(self.states(), {"waiting for replay": open_letters})
        answer = self.run_pipeline(keyed(True, rate=1_000_000))
        self.assert_fine(answer)
        self.assertIn(f"takes in replay order 1 ({open_letters} dead letters of 'checked')", answer.stderr)
        self.assertIn(f"{open_letters} replayed", answer.stderr)
        self.assert_same(expected)

    def test_the_state_may_be_dealt_to_another_number_of_workers(self):
        expected = self.never_failed(keyed(True, rate=1_000_000), "rows.jsonl", "keys.jsonl")
        self.stopped(keyed(False, parallelism=3))
        self.fine(self.replay(keyed(True, rate=1_000_000, parallelism=2), "--run", timeout=60))
        self.assert_same(expected)

    def test_killed_at_random_while_letters_are_taken_in_each_row_is_there_once(self):
        expected = self.never_failed(keyed(True, rate=1_000_000), "rows.jsonl", "keys.jsonl")
        chance = random.Random(SEED)
        orders = 0
        for round_number in range(5):
            process = self.start(keyed(False))
            time.sleep(0.1 + chance.random() * 0.4)
            self.assertTrue(eventually(20, lambda: "open" in self.states() or process.poll() is not None), self.log())
            self.kill_family(process)
            if process.returncode == 0:
                break
            answer = self.replay(keyed(True))
            orders += answer.returncode == 0
            process = self.start(keyed(True))
            time.sleep(0.05 + chance.random() * 0.3)
            self.kill_family(process)
        self.assertGreater(orders, 1)
        process = self.start(keyed(True))
        self.assertEqual(self.wait(process, 60), 0, self.log())
        letters = self.letters()
        self.assertFalse([letter for letter in letters if letter["state"].startswith("waiting")], letters[:3])
        # What a last kill left open.
        if any(letter["state"] == "open" for letter in letters):
            self.skipTest("the aggregates have ended with letters open; another seed")
        self.assert_same(expected)
        self.assertIn("ledger balances", self.log())

    def kill_family(self, process):
        workers = children(process.pid)
        process.kill()
        process.wait()
        self.assertTrue(eventually(20, lambda: not any(map(alive, workers))))

    def test_killed_or_failed_at_any_step_of_a_replay_each_row_is_there_once(self):
        expected = self.never_failed(keyed(True, rate=1_000_000), "rows.jsonl", "keys.jsonl")
        self.stopped(keyed(False))
        subprocess.run(["cp", "-a", self.path("state"), self.path("saved")], check=True)
        saved = glob.glob(self.path(".*.inprogress"))
        for path in saved:
            subprocess.run(["cp", "-a", path, path + ".saved"], check=True)
        for failpoint in ("replay.order.written=kill", "replay.order.renamed=kill", "replay.found=kill",
                          "replay.opened=kill", "replay.rows=kill", "replay.rows=error(EIO)",
                          "replay.opened=error(EIO)", "ckpt.decide=kill", "ckpt.current.written=kill",
                          "snapshot.synced=kill", "sink.commit=kill"):
            with self.subTest(failpoint):
                subprocess.run(["rm", "-rf", self.path("state"), self.path("marks")], check=True)
                subprocess.run(["cp", "-a", self.path("saved"), self.path("state")], check=True)
                for name in expected:
                    if os.path.exists(self.path(name)):
                        os.remove(self.path(name))
                for path in saved:  # the inode is the file's identity
                    with open(path + ".saved", "rb") as f, open(path, "wb") as g:
                        g.write(f.read())
                os.makedirs(self.path("marks"))
                self.survive(failpoint)
                self.assert_same(expected)

    def survive(self, failpoint):
        self.environment["STREAMRUN_FAILPOINTS"] = failpoint
        self.environment["STREAMRUN_FAILPOINT_MARKS"] = self.path("marks")
        try:
            for _ in range(4):
                answer = self.replay(keyed(True, rate=1_000_000), "--run", timeout=60)
                if answer.returncode == 0 or "no open dead letter" in answer.stderr:
                    break
            if answer.returncode != 0:
                answer = self.run_pipeline(keyed(True, rate=1_000_000))
            self.assertEqual(answer.returncode, 0, failpoint + answer.stderr)
            self.assertTrue(os.listdir(self.path("marks")), f"{failpoint} was never reached")
        finally:
            del self.environment["STREAMRUN_FAILPOINTS"], self.environment["STREAMRUN_FAILPOINT_MARKS"]

    def test_an_order_that_waits_can_be_taken_back(self):
        self.stopped(keyed(False))
        count = self.states()["open"]
        self.fine(self.replay(keyed(True)))
        self.refused(self.dlq("cancel", "2"), "no order 2 waits")
        self.fine(self.dlq("cancel", "1"), "its letters are open again")
        self.assertEqual(self.states(), {"open": count})
        self.fine(self.replay(keyed(True)), f"order 2: {count} dead letters")

    def renamed(self, yaml):
        return yaml.replace("checked", "mended").replace("  mended:\n", "  mended:\n    renamed_from: checked\n")

    def test_orders_and_letters_follow_a_node_that_is_renamed(self):
        expected = self.never_failed(keyed(True, rate=1_000_000), "rows.jsonl", "keys.jsonl")
        self.stopped(keyed(False))
        letters = [letter["token"] for letter in self.letters()]
        self.fine(self.replay(keyed(True), "--token", letters[0]), "order 1: 1 dead letter\n")  # by its old name
        yaml = self.renamed(keyed(True, rate=1_000_000))
        self.fine(self.replay(yaml, "--node", "mended"), f"order 2: {len(letters) - 1} dead letters")
        answer = self.run_pipeline(yaml)
        self.assert_fine(answer)
        self.assertNotIn("is dropped", answer.stderr)
        self.assertIn(f"{len(letters)} replayed", answer.stderr)
        self.assert_same(expected)

    def test_going_back_behind_an_order_drops_it(self):
        self.stopped(keyed(False))
        first = self.read("state/CURRENT").split()[0].decode()
        self.fine(self.replay(keyed(True)))
        process = self.start(keyed(True))
        self.assertTrue(eventually(20, lambda: self.states().get("replayed", 0) > 0), self.log())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 10), 0, self.log())
        answer = self.run_pipeline(keyed(True, rate=1_000_000), "--restore", first, "--accept-duplicates")
        self.assert_fine(answer)
        self.assertIn("order 1", answer.stderr)
        self.assertIn("is dropped: the run goes back to a checkpoint from before it", answer.stderr)


LIVE = """pipeline: live
settings: {parallelism: 2, stop_deadline: 5s, checkpoint: {interval: 200ms}}
sources:
  in: {connector: file, path: in.jsonl, follow: true, format: json, schema: {id: bigint}}
operators:
  latest:
    operator: aggregate
    input: in
    group_by: {key: id % 5}
    select: {n: count(*), total: sum(id)}
    emit: on_update
sinks:
  rows: {connector: file, input: in, path: rows.jsonl, format: json}
  keys: {connector: file, input: latest, path: keys.jsonl, format: json, changes: op_column}
"""


class Running(Dlq):
    def feed(self, begin, end):
        with open(self.path("in.jsonl"), "a") as f:
            f.writelines(f'{{"id": "{i}!"}}\n' if i % 10 == 9 else f'{{"id": {i}}}\n' for i in range(begin, end))

    def mend(self):
        """Every open letter, mended."""
        lines = []
        for letter in self.letters("--where", "state = 'open'"):
            letter["raw"] = letter["raw"].replace('"', "").replace("id", '"id"').replace("!", "")
            lines.append(json.dumps(letter))
        self.write("mend.jsonl", "\n".join(lines) + "\n")
        return len(lines)

    def ids(self):
        return sorted(json.loads(line)["id"] for line in self.lines("rows.jsonl"))

    def sums(self):
        last = {}
        for line in self.read("keys.jsonl").splitlines():
            row = json.loads(line)
            last[row["key"]] = max(last.get(row["key"], (0, 0)), (row["n"], row["total"]))
        return last

    def expected_sums(self, rows):
        return {key: (len(range(key, rows, 5)), sum(range(key, rows, 5))) for key in range(5)}

    def start_live(self):
        self.feed(0, 1000)
        process = self.start(LIVE)
        self.assertTrue(eventually(20, self.running), self.log())
        self.assertTrue(eventually(20, lambda: self.states().get("open") == 100), self.log())
        return process

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 15), 0, self.log())

    def test_a_running_pipeline_takes_letters_in_between_two_epochs(self):
        process = self.start_live()
        self.assertEqual(self.mend(), 100)
        answer = self.replay(LIVE, "--edit", "mend.jsonl")
        self.fine(answer, "taken in, with epoch")
        self.assertEqual(self.states(), {"replayed": 100})
        self.feed(1000, 2000)
        self.assertTrue(eventually(20, lambda: self.states().get("open") == 100), self.log())
        self.assertEqual(self.mend(), 100)
        self.fine(self.replay(LIVE, "--edit", "mend.jsonl"), "order 2")
        self.assertTrue(eventually(20, lambda: [n["replayed"] for n in self.status()["nodes"] if "replayed" in n] == [200]))
        self.stop(process)
        self.assertEqual(self.ids(), list(range(2000)))
        self.assertEqual(self.sums(), self.expected_sums(2000))
        self.assertIn("200 replayed", self.log())
        self.assertIn("ledger balances", self.log())

    def order(self, number):
        """(head, lines) of its file."""
        lines = [json.loads(line) for line in self.read(f"state/replay/{number}.jsonl").splitlines()]
        return lines[0], lines[1:]

    def settled(self, number):
        return self.order(number)[0].get("settled", False)

    def test_orders_that_no_checkpoint_needs_are_cut_down(self):
        process = self.start_live()
        self.assertEqual(self.run_command("savepoint", "before", "--state-dir", "state", timeout=30).returncode, 0, self.log())
        self.mend()
        self.fine(self.replay(LIVE, "--edit", "mend.jsonl"), "taken in, with epoch")
        time.sleep(1.5)  # more than three epochs
        self.assertFalse(self.settled(1), "a run from the savepoint would find letters that no order names")
        self.stop(process)
        subprocess.run(["rm", "-rf", self.path("state/savepoint/before")], check=True)
        process = self.start(LIVE)
        self.assertTrue(eventually(20, lambda: self.settled(1)), self.log())
        head, lines = self.order(1)
        self.assertEqual((head["version"], head["rows"], len(lines)), (2, 100, 100))
        self.assertEqual({tuple(line) for line in lines}, {("node", "token")})
        self.assertEqual(self.states(), {"replayed": 100})
        self.refused(self.replay(LIVE, "--token", lines[0]["token"]), "it is replayed (order 1)")
        process.kill()
        process.wait()
        process = self.start(LIVE)
        self.feed(1000, 1100)
        self.assertTrue(eventually(20, lambda: self.states() == {"replayed": 100, "open": 10}), self.log())
        self.mend()
        self.fine(self.replay(LIVE, "--edit", "mend.jsonl"), "order 2: 10 dead letters")
        self.stop(process)
        self.assertEqual(self.ids(), list(range(1100)))
        self.assertIn("ledger balances", self.log())

    def test_a_running_pipeline_of_another_version_takes_nothing(self):
        process = self.start_live()
        self.mend()
        self.refused(self.replay(LIVE.replace("total: sum(id)", "total: sum(id + 0)"), "--edit", "mend.jsonl"),
                     "the pipeline runs with another version of the file")
        self.stop(process)

    def test_killed_while_a_running_pipeline_takes_letters_in_each_row_is_there_once(self):
        for failpoint in ("replay.sent=kill", "replay.applied=kill", "replay.applied.received=kill", "replay.rows=kill",
                          "replay.rows=delay(300)", "replay.settle=kill", "replay.settle=error(EIO)"):
            with self.subTest(failpoint):
                self.clear()
                os.makedirs(self.path("marks"))
                self.environment.update(STREAMRUN_FAILPOINTS=failpoint, STREAMRUN_FAILPOINT_MARKS=self.path("marks"))
                process = self.start_live()
                self.mend()
                self.replay(LIVE, "--edit", "mend.jsonl", "--timeout", "10", timeout=30)
                self.assertTrue(eventually(10, lambda: os.listdir(self.path("marks"))), f"{failpoint} was never reached")
                if process.poll() is None and not failpoint.split(".")[1].startswith(("sent", "applied.received")):
                    self.assertTrue(eventually(20, lambda: self.states() == {"replayed": 100}), self.log())
                if eventually(1, lambda: process.poll() is not None):
                    process = self.start(LIVE)
                    self.assertTrue(eventually(20, self.running), self.log())
                self.assertTrue(eventually(20, lambda: self.states() == {"replayed": 100}), self.log())
                self.stop(process)
                self.assertEqual(self.ids(), list(range(1000)), failpoint)
                self.assertEqual(self.sums(), self.expected_sums(1000), failpoint)

    def clear(self):
        for path in glob.glob(self.path("*.jsonl")) + [self.path("log")]:
            if os.path.exists(path):
                os.remove(path)
        subprocess.run(["rm", "-rf", self.path("state"), self.path("marks")], check=True)
