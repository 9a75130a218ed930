"""The Nexmark queries beside Flink's published figures: events a second and core, over a file of bids.

Per core means: events / processor seconds of the whole family of processes, reading and decoding the file included.
Queries that Flink answers with changes (q15 to q19) run twice: as they are written, which gives one final row for each
group because the file ends, and with `emit: on_update`, which gives changes after each batch as Flink does (with
mini-batches of 2 s or 5,000 rows).
"""
import copy
import hashlib
import json
import statistics
import sys

# K events a second and core of Flink 1.13 at parallelism 8, 100 M events: github.com/nexmark/nexmark, README.md. Its
# events are made in the same process; 92 % of them are bids, and persons and auctions count as well.
FLINK = {"q0": 155.02, "q1": 157.94, "q2": 175.21, "q5": 22.14, "q7": 12.33, "q11": 39.7, "q12": 75.67, "q14": 161.23,
         "q15": 72.42, "q16": 18.65, "q17": 116.8, "q18": 53.7, "q19": 44.04, "q21": 98.49, "q22": 129.96}
AIM = 20  # times Flink's figure

EVENTS = 5_000_000
COLUMNS = {"auction": "bigint", "bidder": "bigint", "price": "bigint", "channel": "text", "url": "text",
           "date_time": "timestamp", "extra": "text"}
# Beam's generator as it is by default: 10,000 events a second of event time, half of the bids for a hot auction; out of
# order by up to 0.1 s.
RECIPE = {"pipeline": "nexmark-events", "settings": {"parallelism": 2},
          "sources": {"bids": {"connector": "generate", "nexmark": {"events": "bid", "out_of_order": 1000},
                               "count": EVENTS, "on_error": "fail"}},
          "sinks": {"out": {"connector": "file", "input": "bids", "format": "json"}}}


class Bench:
    def __init__(self, root, binary, shm, run):
        self.root, self.binary, self.shm, self.run_command = root, binary, shm, run
        self.folder = root / "build/nexmark"
        self.environment = {"XDG_STATE_HOME": str(shm / "state"), "XDG_RUNTIME_DIR": str(shm)}

    def write(self, name, tree):
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(tree))  # JSON is YAML
        return path

    def events(self):
        """The file of bids, made when it is not there or its recipe has changed."""
        mark = hashlib.blake2b(json.dumps(RECIPE).encode(), digest_size=4).hexdigest()
        path = self.folder / f"bids-{mark}.jsonl"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            for old in self.folder.glob("bids-*.jsonl"):
                old.unlink()
            tree = {**RECIPE, "sinks": {"out": {**RECIPE["sinks"]["out"], "path": str(path)}}}
            self.run_command([self.binary, "run", "--quiet", self.write("events", tree)], self.environment)
        return path

    def command(self, name, tree, changes):
        """Runs one pipeline as it is written, but for its source (and `emit`)."""
        tree = copy.deepcopy(tree)
        tree.pop("tests", None)
        (source,) = tree["sources"].values()
        source.pop("nexmark"), source.pop("count")
        source |= {"connector": "file", "path": str(self.events()), "format": "json", "schema": COLUMNS}
        if changes:
            (operator,) = tree["operators"].values()
            operator["emit"] = "on_update"
        return [self.binary, "run", "--quiet", "--set", "settings.parallelism=2",
                self.write(name.replace(" ", "-"), tree)]

    def commands(self, only):
        import yaml

        found = {}
        for path in sorted((self.root / "pipelines/nexmark").glob("q*.yaml"), key=lambda p: int(p.stem[1:])):
            tree = yaml.safe_load(path.read_text())
            if only and path.stem not in only:
                continue
            found[path.stem] = self.command(path.stem, tree, changes=False)
            if path.stem in ("q15", "q16", "q17", "q18", "q19"):
                name = f"{path.stem} changes"
                found[name] = self.command(name, tree, changes=True)
        return found


def bench_nexmark(root, binary, shm, run, runs, only):
    try:
        import yaml  # noqa: F401
    except ImportError:
        sys.exit("nexmark: python3-yaml is missing (tools/install test)")
    bench = Bench(root, binary, shm, run)
    size = bench.events().stat().st_size
    commands = bench.commands(only)
    measured = {name: [] for name in commands}
    for i in range(runs + 1):
        for name, command in commands.items():
            result = run(command, bench.environment)
            if i > 0:
                measured[name].append(result)
    print(f"\nnexmark: {EVENTS:,} bids, {size / 1e9:.3f} GB of JSON lines, parallelism 2; medians of {runs} runs in turn")
    print("| query | wall s | M events/s | CPU s | K events/s per core | Flink's | times |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, results in measured.items():
        wall = statistics.median(r.wall for r in results)
        cpus = [r.cpu for r in results]
        per_core = EVENTS / statistics.median(cpus) / 1e3
        flink = FLINK[name.split()[0]]
        print(f"| {name} | {wall:.3f} | {EVENTS / wall / 1e6:.2f} | {statistics.median(cpus):.3f} "
              f"({min(cpus):.3f}-{max(cpus):.3f}) | {per_core:,.0f} | {flink:.0f} | {per_core / flink:.1f} |"
              + ("" if per_core >= AIM * flink else f"  below {AIM}"), flush=True)
