"""What state costs that does not fit into its memory: `when_full: spill` against no limit."""
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

from checkpoint import Bench, Pipeline

KEYS = 2_000_000
STATE = 130  # bytes a key: what `status` tells when all are there

SPILL = """
pipeline: bench-spill
settings: {{parallelism: 1, checkpoint: {{interval: 0s}}}}
sources:
  n: {{connector: generate, count: {rows}, on_error: fail, columns: {{id: sequence, key: {key}}}}}
operators:
  sums:
    operator: aggregate
    input: n
    on_error: fail
    group_by: {{k: md5(key::text)}}
    select: {{n: count(*), total: sum(id), last: max(id)}}
    {limit}
sinks:
  out: {{connector: discard, input: sums}}
"""


def memory_of(pid):
    """Of the largest process below it: memory of its own and pages of files that it looks at, MiB."""
    most = (0, 0)
    try:
        children = [int(c) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                    for c in (task / "children").read_text().split()]
        for child in children:
            values = dict(line.split(":", 1) for line in open(f"/proc/{child}/status"))
            most = max(most, tuple(int(values.get(name, "0").split()[0]) >> 10 for name in ("RssAnon", "RssFile")))
            most = max(most, memory_of(child))
    except OSError:
        pass
    return most


def measure(bench, yaml):
    """Wall seconds; the most state, spilled state, memory and file pages in MiB."""
    with tempfile.TemporaryDirectory(dir=bench.disk) as d:
        begin = time.monotonic()
        pipeline = Pipeline(bench.binary, d, yaml)
        state = spilled = own = mapped = 0
        while pipeline.process.poll() is None:
            status = pipeline.status()
            for node in (status or {"nodes": []})["nodes"]:
                state, spilled = max(state, node["state_bytes"] >> 20), max(spilled, node["spilled_bytes"] >> 20)
            now = memory_of(pipeline.process.pid)
            own, mapped = max(own, now[0]), max(mapped, now[1])
            time.sleep(0.05)
        if pipeline.process.returncode != 0:
            sys.exit(f"spill: the pipeline ended with {pipeline.process.returncode}")
        return time.monotonic() - begin, state, spilled, own, mapped


def bench_spill(root, binary, shm, run, runs):
    bench = Bench(root, binary, shm, run, runs)
    bench.disk.mkdir(parents=True, exist_ok=True)
    print(f"\nup to {KEYS:,} keys of 32 bytes, three aggregates, {STATE} bytes a key; max_state: a quarter. Medians of {runs} runs in turn")
    print("| keys come | rows | no limit, rows/s | spilled, rows/s | ratio | memory of the worker, MiB | spilled: memory | pages of files |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, key, rows in (("once", "sequence", KEYS),
                            ("again and again, some more than others", f"{{zipf: {{values: {KEYS}}}}}", 4 * KEYS),
                            ("again and again, all alike", f"{{uniform: {{min: 1, max: {KEYS}}}}}", KEYS // 2)):
        limit = KEYS * STATE // 4 >> 20
        results = {"": [], f"max_state: {limit}MiB\n    when_full: spill": []}
        for _ in range(runs):
            for option, measured in results.items():
                measured.append(measure(bench, SPILL.format(rows=rows, key=key, limit=option)))
        without, spilled = results.values()
        speeds = [rows / statistics.median(m[0] for m in measured) for measured in (without, spilled)]
        most = [max(m[3] for m in without)] + [max(m[i] for m in spilled) for i in (3, 4)]
        print(f"| {name} | {rows:,} | {speeds[0]:,.0f} | {speeds[1]:,.0f} | {speeds[1] / speeds[0]:.2f} | {most[0]} | {most[1]} | "
              f"{most[2]} |", flush=True)
    shutil.rmtree(bench.disk, ignore_errors=True)
