#!/usr/bin/python3
"""Benchmarks of streamrun against a peer and the machine's own limit, all in one run. Prints medians and ratios.

usage: tools/bench/bench.py [jobs] [latency] [start] [link] [memory] [formats]
       [expressions] [nexmark] [checkpoint] [spill]     (default: all)
  --runs N     counted runs of each command (5), after one that is not counted
  --stick DIR  the measuring stick: generator, hand-written bounds, peers (../shared/limits beside the repository)
  --jobs j1,j2 which jobs (all six)
  --queries q0,q5  which queries of nexmark (all)
  --binary FILE    the streamrun of nexmark, checkpoint and spill (build/streamrun)

Builds into build/ (Release) and build/limits; needs about 3 GB there and 1 GB in /dev/shm. DuckDB comes from npm and is
left out, with a line that says so, where that cannot be had. `nexmark`, `checkpoint` and `spill` need neither the stick nor DuckDB.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from checkpoint import bench_checkpoint
from nexmark import bench_nexmark
from spill import bench_spill

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIMITS = ROOT / "build/limits"
BINARY = ROOT / "build/streamrun"
SHM = pathlib.Path("/dev/shm/streamrun-bench")
DATA = LIMITS / "build/data"
# What the bound calls a column that the job names otherwise.
RENAMES = {"price_eur": "euro", "window": "window_start", "count": "n", "sum": "total", "avg": "mean", "max": "top"}


def sh(command, **kwargs):
    return subprocess.run(command, shell=True, check=True, **kwargs)


def prepare(stick):
    if not (LIMITS / "Makefile").exists():
        if not stick.exists():
            sys.exit(f"the measuring stick is not at {stick}: give --stick DIR")
        shutil.copytree(stick, LIMITS, dirs_exist_ok=True, copy_function=shutil.copy)
        sh(f"chmod -R u+w {LIMITS}")
    sh(f"make -s -C {LIMITS} all data", stdout=subprocess.DEVNULL)
    duck = LIMITS / "build/npm/node_modules/@duckdb/node-api"
    if not duck.exists():
        subprocess.run(f"make -s -C {LIMITS} peers", shell=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return duck.exists()


class Run:
    def __init__(self, wall, cpu, pss=0):
        self.wall, self.cpu, self.pss = wall, cpu, pss


def family(pid):
    """The process and everything below it."""
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                todo += [int(c) for c in open(f"/proc/{p}/task/{task}/children").read().split()]
        except OSError:
            pass
    return found


def pss_of(pids):
    total = 0
    for p in pids:
        try:
            for line in open(f"/proc/{p}/smaps_rollup"):
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
                    break
        except OSError:
            pass
    return total / 1024


def run(command, env=None, watch_memory=False):
    """Runs to the end; CPU of the whole family, and its peak PSS in MiB when asked."""
    begin = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = 0
    stderr = []
    reader = threading.Thread(target=lambda: stderr.append(process.stderr.read()))
    reader.start()
    while watch_memory and process.poll() is None:
        peak = max(peak, pss_of(family(process.pid)))
        time.sleep(0.01)
    _, status, usage = os.wait4(process.pid, 0) if not watch_memory else (0, process.returncode, None)
    wall = time.monotonic() - begin
    process.returncode = status
    reader.join()
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{stderr[0].decode()[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime if usage else 0
    return Run(wall, cpu, peak)


def spread(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


COMPARED = 300_000


def columns(path):
    with open(path) as f:
        return {RENAMES.get(name, name) for name in json.loads(f.readline() or "{}")}


def digest(path, names):
    """How many rows there are, and an order-free hash of the first ones by these columns: names mapped, numbers as numbers to
    9 digits, times without trailing zeros. Jobs without groups keep the order of the input, so the first rows are the same ones."""
    total = 0
    with open(path, "rb") as f:
        count = sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 22), b""))
    with open(path) as f:
        for _, line in zip(range(COMPARED), f):
            row = {RENAMES.get(k, k): v for k, v in json.loads(line).items()}
            for name, value in row.items():
                if isinstance(value, str) and len(value) > 19 and value[19] == ".":
                    row[name] = value.rstrip("0").rstrip(".")
            key = sorted((k, f"{row[k]:.9g}" if isinstance(row[k], float) else str(row[k])) for k in names)
            total = (total + int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=8).digest(), "big")) % (1 << 64)
    return count, total


def bench_jobs(args, duck):
    print(f"\njobs: 5,000,000 bids, 1.016 GB of JSON lines in, JSON lines out on tmpfs; {args.runs} runs each, in turn")
    print("| job | streamrun wall s | DuckDB 2 threads wall s | bound (1 core, no framework) CPU s | streamrun CPU s | wall / DuckDB | CPU / bound |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    table = DATA / "auctions.csv"
    for job in args.jobs.split(","):
        out = {name: SHM / f"{name}.{job}" for name in ("streamrun", "duckdb", "bound")}
        env = {"DATA": str(DATA / "bids.jsonl"), "TABLE": str(table), "OUT": str(out["streamrun"]),
               "XDG_STATE_HOME": str(SHM / "state"), "XDG_RUNTIME_DIR": str(SHM)}
        commands = {
            "streamrun": ([BINARY, "run", "--quiet", LIMITS / f"jobs/{job}.yaml"], env),
            "bound": ([LIMITS / "build/e2e", "simdjson", job, DATA / "bids.jsonl", out["bound"], table if job == "j6" else "8192"], None),
        }
        if duck:
            commands["duckdb"] = (["node", LIMITS / "build/npm/duck.mjs", job, DATA / "bids.jsonl", out["duckdb"], table, "2"], None)
        runs = {name: [] for name in commands}
        for i in range(args.runs + 1):
            for name, (command, extra) in commands.items():
                out[name].unlink(missing_ok=True)
                result = run(command, extra)
                if i > 0:
                    runs[name].append(result)
        names = columns(out["streamrun"]) & columns(out["bound"])
        same = digest(out["streamrun"], names) == digest(out["bound"], names)
        wall = {n: [r.wall for r in rs] for n, rs in runs.items()}
        cpu = {n: [r.cpu for r in rs] for n, rs in runs.items()}
        med = statistics.median
        ratio = f"{med(wall['streamrun']) / med(wall['duckdb']):.2f}" if duck else "-"
        print(f"| {job} | {spread(wall['streamrun'])} | {spread(wall['duckdb']) if duck else '-'} | {spread(cpu['bound'])} | "
              f"{spread(cpu['streamrun'])} | {ratio} | {med(cpu['streamrun']) / med(cpu['bound']):.2f} |"
              + ("" if same else "  OUTPUT DIFFERS"), flush=True)
        for path in out.values():
            path.unlink(missing_ok=True)
        if not same:
            sys.exit(f"{job}: streamrun's rows are not the bound's")
    if not duck:
        print("DuckDB could not be installed from npm: no comparison with it")


def bench_memory(args):
    env = {"DATA": str(DATA / "bids.jsonl"), "OUT": str(SHM / "memory.out"), "XDG_STATE_HOME": str(SHM / "state"),
           "XDG_RUNTIME_DIR": str(SHM)}
    peak = run([BINARY, "run", "--quiet", LIMITS / "jobs/j1.yaml"], env, watch_memory=True).pss
    (SHM / "memory.out").unlink(missing_ok=True)
    print(f"\nmemory: peak PSS of the whole family on the 1 GB file (j1): {peak:.0f} MiB")


THREE = """
pipeline: bench-three
settings: {{engine: {{local: {{fuse: none}}}}}}
sources:
  in: {{connector: zeromq, bind: "{source}", format: json, on_error: fail, schema: {{n: bigint}}}}
operators:
  keep: {{operator: filter, input: in, where: n >= 0, on_error: fail}}
sinks:
  out: {{connector: zeromq, connect: "{sink}", input: keep, format: json}}
"""


def bench_latency(args):
    try:
        import zmq
    except ImportError:
        print("\nlatency: left out, python3-zmq is missing")
        return
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    with tempfile.TemporaryDirectory(dir=SHM) as d:
        source = f"ipc://{d}/in"
        file = pathlib.Path(d) / "three.yaml"
        file.write_text(THREE.format(source=source, sink=f"tcp://127.0.0.1:{port}"))
        process = subprocess.Popen([BINARY, "run", "--quiet", file], env={**os.environ, "XDG_STATE_HOME": d, "XDG_RUNTIME_DIR": d},
                                   stderr=subprocess.DEVNULL)
        push = context.socket(zmq.PUSH)
        push.setsockopt(zmq.RECONNECT_IVL, 1)
        push.connect(source)
        times = []
        for n in range(1200):
            begin = time.perf_counter()
            push.send(b'{"n": %d}\n' % n)
            if not pull.poll(10000):
                process.kill()
                sys.exit("latency: a row did not arrive within 10 s")
            pull.recv()
            if n >= 200:
                times.append((time.perf_counter() - begin) * 1e3)
            time.sleep(0.002)
        process.terminate()
        process.wait()
        times.sort()
        print(f"\nlatency: one row through three processes and two ZeroMQ connectors, 1,000 rows at about 400 rows/s: "
              f"p50 {times[500]:.2f} ms, p99 {times[990]:.2f} ms, max {times[-1]:.2f} ms")
    context.destroy(0)


START = """
pipeline: bench-start
settings: {{engine: {{local: {{fuse: none}}}}}}
sources:
  in: {{connector: generate, count: 1, on_error: fail, columns: {{n: {{sequence: {{start: 1}}}}}}}}
operators:
  keep: {{operator: filter, input: in, where: n >= 0, on_error: fail}}
sinks:
  out: {{connector: stdout, input: keep, format: json}}
"""


def bench_start(args):
    times = []
    with tempfile.TemporaryDirectory(dir=SHM) as d:
        file = pathlib.Path(d) / "start.yaml"
        file.write_text(START.format())
        for _ in range(max(args.runs, 11)):
            begin = time.monotonic()
            process = subprocess.Popen([BINARY, "run", "--quiet", file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       env={**os.environ, "XDG_STATE_HOME": d, "XDG_RUNTIME_DIR": d})
            line = process.stdout.readline()
            times.append((time.monotonic() - begin) * 1e3)
            process.stdout.read()
            process.wait()
            if not line:
                sys.exit("start: no row came out")
    print(f"\nstart: from the command to the first row of a three-process pipeline: median {statistics.median(times):.0f} ms "
          f"({min(times):.0f}-{max(times):.0f})")


def bench_binary(name, title, argument=""):
    sh(f"ninja -C {ROOT}/build {name}", stdout=subprocess.DEVNULL)
    print(f"\n{title}")
    sys.stdout.flush()
    sh(f"{ROOT}/build/{name} {argument}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=[])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stick", type=pathlib.Path, default=ROOT.parent / "shared/limits")
    parser.add_argument("--jobs", default="j1,j2,j3,j4,j5,j6")
    parser.add_argument("--queries", default="")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    args = parser.parse_args()
    what = args.what or ["jobs", "memory", "latency", "start", "link", "formats", "expressions", "nexmark", "checkpoint", "spill"]
    if not args.binary.exists():
        sys.exit("build first: tools/run --help")
    SHM.mkdir(exist_ok=True)
    duck = prepare(args.stick) if set(what) - {"nexmark", "latency", "start", "checkpoint", "spill"} else False
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
    print(f"date {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {cpu}, Linux {os.uname().release}")
    if "jobs" in what:
        bench_jobs(args, duck)
    if "memory" in what:
        bench_memory(args)
    if "latency" in what:
        bench_latency(args)
    if "start" in what:
        bench_start(args)
    if "link" in what:
        bench_binary("link_bench", "link: one channel against raw ZeroMQ ipc at the same message size")
    if "formats" in what:
        bench_binary("formats_bench", "formats: decoders and encoders against memory copy")
    if "expressions" in what:
        library = LIMITS / "build/npm/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"
        peer = f"--duckdb {library}" if library.exists() else ""
        bench_binary("expressions_bench", "expressions: whole columns on one core against DuckDB and RE2 (method: the "
                     "program's first comment)", f"--runs {args.runs} {peer}")
    if "nexmark" in what:
        bench_nexmark(ROOT, args.binary, SHM, run, args.runs, [q for q in args.queries.split(",") if q])
    if "checkpoint" in what:
        bench_checkpoint(ROOT, args.binary, SHM, run, args.runs)
    if "spill" in what:
        bench_spill(ROOT, args.binary, SHM, run, args.runs)
    shutil.rmtree(SHM, ignore_errors=True)


main()
