"""Output files named by what is in the rows: under kill -9, hostile values, and a second pipeline that wants them."""
import gzip
import json
import os
import random
import signal
import time

from family import Case, alive, children, eventually

ROWS = 120_000
SINKS = {
    "whole": 'path: "out/whole/{country}/{id_class}.jsonl", max_open: 4',
    "grown": 'path: "out/grown/{country}.jsonl", if_exists: append, max_open: 2',
    "packed": 'path: "out/packed/{country}-{worker}.jsonl.gz", keep_columns: false, max_open: 3',
    "parts": 'path: "out/parts/{country}/{n}.jsonl", roll: {size: 64KiB}, if_exists: append, max_open: 4',
}


def rows(rate):
    sinks = "".join(f"  {name}: {{connector: file, input: named, format: json, {fields}}}\n"
                    for name, fields in SINKS.items())
    return f"""pipeline: partitions
settings: {{parallelism: 2, checkpoint: {{interval: 200ms}}}}
sources:
  n: {{connector: generate, rate: {rate}/s, count: {ROWS}, columns: {{id: sequence}}}}
operators:
  named:
    operator: map
    input: n
    select:
      id: id
      country: (ARRAY['de', 'fr', 'es', 'it', 'pt'])[1 + id % 5]
      id_class: id % 3
sinks:
{sinks}"""


def tree(directory):
    """Path -> sorted lines; what is packed is unpacked, and parts of one directory count as one file."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with (gzip.open if name.endswith(".gz") else open)(path, "rb") as f:
                lines = f.read().split(b"\n")
            key = os.path.relpath(path, directory)
            if key.startswith("parts/"):
                key = os.path.dirname(key)
            if key.startswith("packed/"):
                key = key.split("-")[0]
            found.setdefault(key, []).extend(lines)
    return {key: sorted(lines) for key, lines in found.items()}


class Partition(Case):
    def undisturbed(self):
        self.assert_fine(self.run_pipeline(rows(10_000_000)))
        expected = tree(self.path("out"))
        self.assertEqual(len(expected), 5 * 3 + 5 + 5 + 5)
        os.rename(self.path("out"), self.path("expected"))
        os.rename(self.path("state"), self.path("state-expected"))
        return expected

    def test_killed_at_random_it_writes_what_an_undisturbed_run_writes(self):
        expected = self.undisturbed()
        seed = int(os.environ.get("SR_SEED", time.time_ns() % 1_000_000))
        chance = random.Random(seed)
        process = self.start(rows(20_000))
        for _ in range(8):
            time.sleep(chance.uniform(0.1, 0.9))
            workers = children(process.pid)
            if process.poll() is not None or not workers:
                continue
            if chance.random() < 0.3:
                process.kill()
                process.wait()
                self.assertTrue(eventually(5, lambda w=workers: not any(map(alive, w))))
                process = self.start(rows(20_000))
            else:
                os.kill(chance.choice(workers), signal.SIGKILL)
        # A run that was killed too often without an epoch in between fails, and goes on when it is started again.
        for _ in range(3):
            if self.wait(process, 90) == 0:
                break
            process = self.start(rows(20_000))
        self.assertEqual(self.wait(process, 90), 0, f"seed {seed}: {self.log()}")
        self.assertIn("ledger balances", self.log())
        got = tree(self.path("out"))
        self.assertEqual(set(got), set(expected), f"seed {seed}")
        for name, lines in expected.items():
            self.assertEqual(len(got[name]), len(lines), f"seed {seed}: {name}")
            self.assertTrue(got[name] == lines, f"seed {seed}: {name}")

    def test_hostile_values_become_dead_letters_and_nothing_is_outside(self):
        values = ["de", "../../x", "/etc/x", "a/b", "..", ".", "", "a\\nb", "\\u0000", "x" * 300, ".hidden", "fr"]
        self.write("in.jsonl", "".join(f'{{"id":{i},"k":"{value}"}}\n' for i, value in enumerate(values)))
        before = set(os.listdir(self.dir)) | {"p.yaml", "state", "out"}
        answer = self.run_pipeline("""pipeline: hostile
sources:
  in: {connector: file, path: in.jsonl, format: json, schema: {id: bigint, k: text}}
sinks:
  out: {connector: file, input: in, path: "out/base/{k}.jsonl", format: json}
""")
        self.assert_fine(answer)
        self.assertEqual(sorted(os.listdir(self.path("out/base"))), ["de.jsonl", "fr.jsonl"])
        self.assertEqual(os.listdir(self.path("out")), ["base"])
        self.assertEqual(set(os.listdir(self.dir)) - before, set())
        letters = [letter for letter in self.dead_letters() if letter["code"] == "file.name"]
        # A text of SQL cannot hold a zero, so that row fails in its decoder already.
        self.assertEqual(sorted(letter["row"]["id"] for letter in letters), [1, 2, 3, 4, 5, 6, 7, 9, 10])
        self.assertTrue(all(letter["node"] == "out" and "'k'" in letter["message"] for letter in letters
                            if letter["row"]["id"] != 9))
        # Mended, a row goes to the file of its value, behind what is there.
        mended = [{"token": letter["token"], "row": {"id": letter["row"]["id"], "k": value}}
                  for letter, value in zip(letters, ("de", "mended"))]
        self.write("mend.jsonl", "".join(json.dumps(line) + "\n" for line in mended))
        answer = self.run_command("dlq", "replay", "p.yaml", "--state-dir", "state", "--edit", "mend.jsonl", "--run")
        self.assert_fine(answer)
        self.assertEqual([json.loads(line)["id"] for line in self.read("out/base/de.jsonl").splitlines()],
                         [0, letters[0]["row"]["id"]])
        self.assertEqual(len(self.read("out/base/mended.jsonl").splitlines()), 1)

    def test_a_second_pipeline_may_not_write_the_same_files(self):
        process = self.start(rows(5_000))
        self.assertTrue(eventually(10, self.running))
        workers = children(process.pid)
        for name, fields in (("second", SINKS["grown"]), ("third", SINKS["packed"])):
            self.write("other.yaml", rows(5_000).replace("pipeline: partitions", f"pipeline: {name}")
                       .split("sinks:")[0] + f"sinks:\n  x: {{connector: file, input: named, format: json, {fields}}}\n")
            answer = self.run_command("run", "other.yaml", "--state-dir", name, timeout=60)
            self.assertNotEqual(answer.returncode, 0)
            self.assertRegex(answer.stderr, "another process writes .*locked by pid")
            holder = int(answer.stderr.split("locked by pid ")[1].split(";")[0])
            self.assertIn(holder, workers)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 20), 0, self.log())
        left = [name for _, _, names in os.walk(self.path("out")) for name in names if name.endswith(".lock")]
        self.assertEqual(left, [])
