"""Every pipeline of pipelines/nexmark against PostgreSQL 15 over the same bids, at parallelism 1 and 3.

usage: nexmark_test.py STREAMRUN SOURCE_DIR [--count N] [--seed S] [--only q5,q7]

The pipelines run as they are written, but that their source is a file of bids (tests/nexmark/events.py) and their
sink another file. tests/nexmark/queries.py says what has to come out: the rows are compared as text, column by
column, without order. Exit code 77 (skipped) only where PostgreSQL 15 or PyYAML is not installed.
"""
import argparse
import collections
import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "nexmark"), str(HERE / "core/expr")]
from events import COLUMNS, Bids  # noqa: E402
from postgres import Postgres  # noqa: E402
from queries import QUERIES  # noqa: E402

SKIPPED = 77
PARALLELISMS = (1, 3)
SHOWN = 8  # rows of a difference


def write_bids(directory, count, seed):
    rows = list(Bids(count, seed).rows())
    with open(directory / "bids.jsonl", "w") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with open(directory / "bids.csv", "w", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        writer.writerows(row.values() for row in rows)


def load_bids(server, directory):
    columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    server.run(f"CREATE TABLE bid ({columns});\n\\copy bid FROM '{directory}/bids.csv' CSV\n")


def expected(server, query):
    """(names of the columns, rows with their number), as text."""
    lines = csv.reader(io.StringIO(server.run(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *);"), newline=""))
    names = next(lines)
    return names, collections.Counter(tuple(line) for line in lines)


class Pipeline:
    def __init__(self, binary, path, directory):
        import yaml

        self.binary, self.name, self.directory = binary, path.stem, directory
        self.tree = yaml.safe_load(path.read_text())
        self.tree.pop("tests", None)
        (source,) = self.tree["sources"].values()
        source.pop("nexmark"), source.pop("count")
        source |= {"connector": "file", "path": str(directory / "bids.jsonl"), "format": "json", "schema": COLUMNS}
        (sink,) = self.tree["sinks"].values()
        sink |= {"connector": "file", "path": str(directory / "out.jsonl"), "format": "json"}

    def run(self, parallelism):
        """The result rows as mappings to text."""
        file = self.directory / f"{self.name}.yaml"
        file.write_text(json.dumps(self.tree))  # JSON is YAML
        environment = dict(os.environ, XDG_STATE_HOME=str(self.directory / "state"), XDG_RUNTIME_DIR=str(self.directory))
        result = self.directory / "out.jsonl"
        result.unlink(missing_ok=True)
        done = subprocess.run([self.binary, "run", str(file), "--set", f"settings.parallelism={parallelism}"],
                              env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        summary = done.stderr + done.stdout
        if done.returncode != 0 or "ledger balances" not in summary or "dead-lettered" in summary or " late" in summary:
            raise RuntimeError(f"it ended with {done.returncode}:\n{summary[-3000:]}")
        if not result.exists():
            raise RuntimeError(f"it ended with 0 and wrote no file:\n{summary[-3000:]}")
        with open(result) as out:
            return [json.loads(line, parse_int=str, parse_float=str) for line in out]


def compare(names, wanted, rows):
    """Nothing when they are the same rows; else what to print."""
    missing_columns = [name for name in names if rows and name not in rows[0]]
    if missing_columns:
        return [f"columns {missing_columns} are missing: there are {list(rows[0])}"]
    got = collections.Counter(tuple(row[name] for name in names) for row in rows)
    if got == wanted:
        return []
    lines = [f"{sum(got.values())} rows, and {sum(wanted.values())} expected; columns {names}"]
    for title, rest in (("only streamrun has", got - wanted), ("only PostgreSQL has", wanted - got)):
        lines.append(f"{title} {sum(rest.values())} rows:")
        lines += [f"  {row}" for row in sorted(rest.elements(), key=repr)[:SHOWN]]
    return lines


def compare_processing_time(names, wanted, rows, began, ended):
    """Query 12: each window is one of 10 s of this run, has a bidder once, and all bids are counted once."""
    lines, seen, sums = [], set(), collections.Counter()
    for row in rows:
        start, end = (time_of(row[bound]) for bound in ("window_start", "window_end"))
        if end - start != 10 or start % 10 != 0 or end <= began or start > ended:
            lines.append(f"no window of this run: {row}")
        if (start, row["bidder"]) in seen:
            lines.append(f"twice in one window: {row}")
        seen.add((start, row["bidder"]))
        sums[row["bidder"]] += int(row["bid_count"])
    summed = [dict(zip(names, (bidder, str(count)))) for bidder, count in sums.items()]
    return lines[:SHOWN] + compare(names, wanted, summed)


def time_of(text):
    import datetime

    return datetime.datetime.fromisoformat(text + ":00" if text.endswith("+00") else text).timestamp()


def check(pipeline, server, parallelisms):
    names, wanted = expected(server, QUERIES[pipeline.name])
    for parallelism in parallelisms:
        began = time.time()
        try:
            rows = pipeline.run(parallelism)
        except RuntimeError as error:
            lines = [str(error)]
        else:
            lines = (compare_processing_time(names, wanted, rows, began, time.time()) if pipeline.name == "q12"
                     else compare(names, wanted, rows))
        if not wanted:
            lines.append("PostgreSQL gives no row: the bids do not try this query")
        if lines:
            print(f"--- {pipeline.name} at parallelism {parallelism}: " + "\n".join(lines), flush=True)
            return False
    print(f"{pipeline.name}: {sum(wanted.values())} rows", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streamrun")
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SR_SEED", "1")))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    try:
        import yaml  # noqa: F401
    except ImportError:
        print("skipped: PyYAML is not installed")
        return SKIPPED
    if not Postgres.available():
        print("skipped: PostgreSQL 15 is not installed")
        return SKIPPED
    files = {path.stem: path for path in (options.source / "pipelines/nexmark").glob("*.yaml")}
    if set(files) != set(QUERIES):
        print(f"a pipeline without a query or the other way round: {sorted(set(files) ^ set(QUERIES))}")
        return 1
    chosen = options.only.split(",") if options.only else sorted(files, key=lambda name: int(name[1:]))
    with tempfile.TemporaryDirectory(prefix="sr-nexmark-") as folder, Postgres() as server:
        directory = pathlib.Path(folder)
        write_bids(directory, options.count, options.seed)
        load_bids(server, directory)
        failed = [name for name in chosen
                  if not check(Pipeline(options.streamrun, files[name], directory), server, PARALLELISMS)]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} queries agree, {options.count} bids, seed {options.seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
