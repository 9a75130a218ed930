"""What checkpoints and durable ingest cost: throughput, latency, time of an epoch, recovery, the log."""
import glob
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

KEYS = 1_000_000
# RELIABILITY section 0: write-back of dirty keys of 100 B into RocksDB 7.8.3 (WAL off) and CreateCheckpoint.
ROCKSDB_MS = {10_000: (24, 55), 100_000: (390, 530)}

UPDATES = """
pipeline: bench-updates
settings: {{parallelism: 2, checkpoint: {{interval: {interval}}}}}
sources:
  n: {{connector: generate, count: {rows}, {rate}on_error: fail, columns: {{id: sequence, key: {{uniform: {{min: 1, max: {keys}}}}}}}}}
operators:
  sums: {{operator: aggregate, input: n, on_error: fail, group_by: [key], select: {{n: count(*), total: sum(id)}}}}
sinks:
  out: {{connector: discard, input: sums}}
"""

# Keys that were there once, and few that change.
HOT = """
pipeline: bench-hot
settings: {{parallelism: 2, checkpoint: {{interval: {interval}}}}}
sources:
  n: {{connector: generate, rate: 2000000/s, on_error: fail, columns: {{id: sequence, hot: {{uniform: {{min: 1, max: {keys}}}}}}}}}
operators:
  keyed: {{operator: map, input: n, on_error: fail, select: {{id: id, key: CASE WHEN id < {live} THEN id ELSE hot END}}}}
  sums: {{operator: aggregate, input: keyed, on_error: fail, group_by: [key], select: {{n: count(*), total: sum(id)}}}}
sinks:
  out: {{connector: discard, input: sums}}
"""

WINDOWS = """
pipeline: bench-windows
settings: {{parallelism: 2, checkpoint: {{interval: {interval}}}}}
sources:
  bids:
    connector: generate
    count: {rows}
    on_error: fail
    columns:
      auction: {{uniform: {{min: 1, max: 1000}}}}
      price: {{uniform: {{min: 1, max: 10000}}}}
      at: {{time: {{start: 2024-01-01 00:00:00, step: 100us}}}}
    event_time: {{column: at}}
operators:
  windows:
    operator: aggregate
    input: bids
    on_error: fail
    window: {{tumbling: 10s}}
    group_by: [auction]
    select: {{n: count(*), top: max(price)}}
sinks:
  out: {{connector: discard, input: windows}}
"""

PROBES = """
pipeline: bench-probes
settings: {{checkpoint: {{interval: {interval}}}}}
sources:
  in: {{connector: socket, listen: "{source}", format: json, schema: {{k: bigint, t: bigint}}, on_error: fail}}
operators:
  sums: {{operator: aggregate, input: in, on_error: fail, group_by: [k], emit: on_update, select: {{n: count(*), t: max(t)}}}}
  probes: {{operator: filter, input: sums, where: k = 0, on_error: fail}}
sinks:
  out: {{connector: zeromq, connect: "{sink}", input: probes, format: json, changes: op_column}}
"""

RECOVERY = """
pipeline: bench-recovery
settings: {{checkpoint: {{interval: 1s}}}}
sources:
  n: {{connector: generate, rate: 1000000/s, on_error: fail, columns: {{id: sequence, key: {{uniform: {{min: 1, max: {keys}}}}}}}}}
operators:
  sums: {{operator: aggregate, input: n, on_error: fail, group_by: [key], emit: on_update, select: {{n: count(*), total: sum(id)}}}}
  few: {{operator: filter, input: sums, where: key <= 1000, on_error: fail}}
sinks:
  out: {{connector: stdout, input: few, format: json, changes: op_column}}
"""

INGEST = """
pipeline: bench-ingest
settings: {{checkpoint: {{interval: 1s}}}}
sources:
  in: {{connector: socket, listen: "tcp://127.0.0.1:{port}", format: lines, on_error: fail, buffer: {{type: durable, max: 64GiB}}}}
sinks:
  out: {{connector: discard, input: in}}
"""


class Pipeline:
    """A pipeline that runs in a directory of its own."""

    def __init__(self, binary, directory, yaml, **options):
        self.binary, self.directory = binary, directory
        self.file = pathlib.Path(directory) / "p.yaml"
        self.file.write_text(yaml)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": directory}
        self.state = f"{directory}/state"
        self.process = subprocess.Popen([binary, "run", "--quiet", self.file, "--state-dir", self.state],
                                        env=self.environment, stderr=subprocess.DEVNULL, **options)

    def status(self):
        answer = subprocess.run([self.binary, "status", "--state-dir", self.state], env=self.environment,
                                capture_output=True, text=True)
        return json.loads(answer.stdout) if answer.returncode == 0 and answer.stdout else None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_for(seconds, condition, what):
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            sys.exit(f"checkpoint: {what} did not come within {seconds} s")
        time.sleep(0.05)
    return found


def overhead(bench, name, command):
    """`command(interval)` with and without checkpoints, in turn."""
    walls = {"0s": [], "1s": []}
    for i in range(bench.runs + 1):
        for interval in walls:
            shutil.rmtree(bench.disk / "state", ignore_errors=True)
            result = bench.run(command(interval), bench.environment)
            if i > 0:
                walls[interval].append(result.wall)
    without, with_ = (statistics.median(walls[i]) for i in ("0s", "1s"))
    print(f"| {name} | {without:.2f} ({min(walls['0s']):.2f}-{max(walls['0s']):.2f}) | {with_:.2f} "
          f"({min(walls['1s']):.2f}-{max(walls['1s']):.2f}) | {with_ / without:.2f} |", flush=True)


def latencies(bench, interval, seconds):
    import zmq
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    with tempfile.TemporaryDirectory(dir=bench.shm) as d:
        pipeline = Pipeline(bench.binary, d, PROBES.format(interval=interval, source=f"unix://{d}/in",
                                                           sink=f"tcp://127.0.0.1:{port}"))
        wait_for(20, lambda: (pipeline.status() or {}).get("phase") == "running", "the pipeline")
        push = socket.socket(socket.AF_UNIX)
        push.settimeout(20)
        push.connect(f"{d}/in")
        draw = random.Random(1)
        bodies = ["".join('{"k": %d, "t": 0}\n' % draw.randrange(1, KEYS) for _ in range(99)).encode()
                  for _ in range(10_000)]
        times = []
        over = threading.Event()

        def receive():
            while not over.is_set():
                if not pull.poll(100):
                    continue
                row = json.loads(pull.recv().splitlines()[-1])
                if row["op"] in ("insert", "update_after"):
                    times.append(time.perf_counter() - row["t"] / 1e6)

        receiver = threading.Thread(target=receive)
        receiver.start()
        begin = time.perf_counter()
        for n in range(int(seconds * 1000)):
            due = begin + n / 1000
            while (now := time.perf_counter()) < due:
                time.sleep(max(0, due - now - 0.0002))
            push.sendall(b'{"k": 0, "t": %d}\n' % int(time.perf_counter() * 1e6) + bodies[n % len(bodies)])
        rate = seconds * 1000 * 100 / (time.perf_counter() - begin)
        time.sleep(0.5)
        epochs = (pipeline.status() or {}).get("checkpoint", {}).get("epoch", 0)
        push.close()
        over.set()
        receiver.join()
        pipeline.stop()
    context.destroy(0)
    times = sorted(times[len(times) // 3:])  # the first third fills the state
    return rate, epochs, times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3


def bench_latency(bench):
    try:
        import zmq  # noqa: F401
    except ImportError:
        print("\np99 under checkpoints: left out, python3-zmq is missing")
        return
    print("\n100,000 rows/s into up to 1 M keys, one probe in 100 rows (unix socket in, ZeroMQ out):")
    for interval in ("0s", "1s"):
        rate, epochs, p50, p99 = latencies(bench, interval, 15)
        print(f"  interval {interval}: {rate:,.0f} rows/s, {epochs} epochs, p50 {p50:.2f} ms, p99 {p99:.2f} ms", flush=True)


def epochs(bench, yaml, seconds, ready):
    """Milliseconds by epoch, and how many bytes of segments an epoch has and wrote: medians of those after `ready`."""
    durations, sizes, wrote = {}, [], []
    with tempfile.TemporaryDirectory(dir=bench.disk) as d:
        pipeline = Pipeline(bench.binary, d, yaml)
        wait_for(60, lambda: ready(pipeline.status()), "the state")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            checkpoint = pipeline.status()["checkpoint"]
            if checkpoint["epoch"] not in durations:
                durations[checkpoint["epoch"]] = checkpoint["duration_us"] / 1e3
                files = glob.glob(f"{d}/**/ckpt/{checkpoint['epoch']}/*.seg", recursive=True)
                own = [f for f in files if f.endswith(f".{checkpoint['epoch']}.seg")]
                try:
                    sizes.append(sum(os.path.getsize(f) for f in files))
                    wrote.append(sum(os.path.getsize(f) for f in own))
                except FileNotFoundError:
                    pass  # it is being removed
            time.sleep(0.05)
        pipeline.process.kill()
        pipeline.process.wait()
    return durations, statistics.median(sizes or [0]), statistics.median(wrote or [0])


def bench_hot(bench):
    print("\n| of 5 M keys so many change in each epoch | epoch, ms (trigger to commit, median) | bytes of its state | bytes written for it |")
    print("| --- | --- | --- | --- |")
    for keys in (10_000, 100_000):
        yaml = HOT.format(interval="500ms", keys=keys, live=5 * KEYS)
        durations, size, wrote = epochs(bench, yaml, 15, lambda status: status and sum(
            node["rows_in"] for node in status["nodes"] if node["name"] == "sums") > 6 * KEYS)
        print(f"| {keys:,} | {statistics.median(durations.values()):.0f} ({min(durations.values()):.0f}-"
              f"{max(durations.values()):.0f}, {len(durations)} epochs) | {size / 1e6:.0f} MB | {wrote / 1e6:.1f} MB |", flush=True)


def bench_epochs(bench):
    print("\n| keys changed in each epoch (2 M updates/s) | epoch, ms (trigger to commit, median) | write-back + CreateCheckpoint of RocksDB, ms |")
    print("| --- | --- | --- |")
    for keys in (10_000, 100_000, KEYS):
        yaml = UPDATES.format(interval="500ms", rows=2_000_000_000, keys=keys, rate="rate: 2000000/s, ")
        durations, _, _ = epochs(bench, yaml, 12, lambda status: status and status["checkpoint"]["epoch"] > 2)
        low, high = ROCKSDB_MS.get(keys, (0, 0))
        print(f"| {keys:,} | {statistics.median(durations.values()):.0f} ({min(durations.values()):.0f}-"
              f"{max(durations.values()):.0f}, {len(durations)} epochs) | {f'{low}-{high}' if low else '-'} |", flush=True)


def bench_recovery(bench):
    times = []
    for _ in range(max(3, bench.runs // 2)):
        with tempfile.TemporaryDirectory(dir=bench.disk) as d:
            yaml = RECOVERY.format(keys=KEYS)
            pipeline = Pipeline(bench.binary, d, yaml, stdout=subprocess.DEVNULL)
            wait_for(60, lambda: sum(n["state_keys"] for n in (pipeline.status() or {"nodes": []})["nodes"]) > KEYS * 0.98,
                     "a million keys")
            epoch = pipeline.status()["checkpoint"]["epoch"]
            wait_for(20, lambda: pipeline.status()["checkpoint"]["epoch"] > epoch + 1, "an epoch")
            pipeline.process.send_signal(signal.SIGKILL)
            pipeline.process.wait()
            begin = time.monotonic()
            pipeline = Pipeline(bench.binary, d, yaml, stdout=subprocess.PIPE)
            line = pipeline.process.stdout.readline()
            times.append(time.monotonic() - begin)
            pipeline.process.kill()
            pipeline.process.stdout.close()
            pipeline.process.wait()
            if not line:
                sys.exit("checkpoint: nothing came out after recovery")
    print(f"\nrecovery: kill -9 of everything with 1 M keys, from the command to the first row: median "
          f"{statistics.median(times):.2f} s ({min(times):.2f}-{max(times):.2f})", flush=True)


def disk_limit(directory, total):
    """MB/s of 1 MiB appends, each with fdatasync: what the machine's disk gives to anyone."""
    path = pathlib.Path(directory) / "limit"
    block = os.urandom(1 << 20)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    begin = time.monotonic()
    for _ in range(total >> 20):
        os.write(fd, block)
        os.fdatasync(fd)
    seconds = time.monotonic() - begin
    os.close(fd)
    path.unlink()
    return total / seconds / 1e6


def bench_ingest(bench):
    print("\ndurable ingest: lines over one TCP connection, to disk, through the pipeline (discard)")
    print("| line, bytes | MB/s | rows/s | of the disk's 1 MiB append + fdatasync |")
    print("| --- | --- | --- | --- |")
    for size, total in ((1000, 1 << 30), (60, 256 << 20)):
        speeds = []
        limits = []
        for _ in range(3):
            with tempfile.TemporaryDirectory(dir=bench.disk) as d:
                limits.append(disk_limit(d, 256 << 20))
                with socket.socket() as s:
                    s.bind(("127.0.0.1", 0))
                    port = s.getsockname()[1]
                pipeline = Pipeline(bench.binary, d, INGEST.format(port=port))
                wait_for(20, lambda: (pipeline.status() or {}).get("phase") == "running", "the pipeline")
                lines = (1 << 20) // size
                block = (b"x" * (size - 1) + b"\n") * lines
                blocks = total // len(block)
                with socket.create_connection(("127.0.0.1", port)) as peer:
                    begin = time.monotonic()
                    for _ in range(blocks):
                        peer.sendall(block)
                rows = blocks * lines
                wait_for(120, lambda: pipeline.status()["nodes"][-1]["rows_in"] >= rows, "the last row")
                speeds.append(rows / (time.monotonic() - begin))
                pipeline.stop()
        rows, limit = statistics.median(speeds), statistics.median(limits)
        print(f"| {size} | {rows * size / 1e6:.0f} | {rows:,.0f} | {rows * size / 1e6 / limit:.2f} |", flush=True)


class Bench:
    def __init__(self, root, binary, shm, run, runs):
        self.binary, self.shm, self.run, self.runs = binary, shm, run, runs
        self.disk = root / "build/bench-disk"
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(shm)}


def bench_checkpoint(root, binary, shm, run, runs):
    bench = Bench(root, binary, shm, run, runs)
    bench.disk.mkdir(parents=True, exist_ok=True)
    print(f"\ncheckpoints: every second against none but at the end; medians of {runs} runs in turn, wall s")
    print("| pipeline | none | 1 s | ratio |")
    print("| --- | --- | --- | --- |")

    def generated(name, yaml, **values):
        file = shm / f"{name}.yaml"

        def command(interval):
            file.write_text(yaml.format(interval=interval, **values))
            return [binary, "run", "--quiet", file, "--state-dir", bench.disk / "state"]

        return command

    overhead(bench, "J4's windows (10 s, 1,000 auctions) over 300 M generated bids", generated("windows", WINDOWS, rows=300_000_000))
    overhead(bench, "150 M updates of 1 M keys", generated("updates", UPDATES, rows=150_000_000, keys=KEYS, rate=""))
    bench_latency(bench)
    bench_epochs(bench)
    bench_hot(bench)
    bench_recovery(bench)
    bench_ingest(bench)
    shutil.rmtree(bench.disk, ignore_errors=True)
