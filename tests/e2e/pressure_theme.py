"""A slow reader holds back endless input: memory stays bounded, nobody spins, and a stop keeps its deadline."""
import os
import signal
import subprocess
import threading
import time

from family import Case, alive, children, eventually

WIDE = """pipeline: pressure
settings: {parallelism: 2, stop_deadline: 3s}
sources:
  n:
    connector: generate
    columns:
      id: sequence
      a: {text: {min: 300, max: 500}}
      b: {text: {min: 300, max: 500}}
operators:
  all: {operator: filter, input: n, where: id >= 0, process: own}
sinks:
  out: {connector: stdout, input: all, format: json}
"""


def proportional_kib(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Pressure(Case):
    def test_ten_seconds_before_a_slow_reader(self):
        process = self.start(WIDE, stdout=subprocess.PIPE)
        self.assertTrue(eventually(10, self.running))
        family = [process.pid, *children(process.pid)]
        peak, got, end = 0, 0, time.monotonic() + 10
        while time.monotonic() < end:  # about 4 MB/s
            got += len(os.read(process.stdout.fileno(), 65536))
            time.sleep(0.016)
            if got // 65536 % 10 == 0:
                peak = max(peak, sum(map(proportional_kib, family)))
        self.assertGreater(got, 5_000_000)
        self.assertGreater(peak, 0)
        self.assertLess(peak, 300 * 1024, "KiB of the whole family")

        def used_in(seconds):
            before = sum(map(cpu_seconds, family))
            time.sleep(seconds)
            return sum(map(cpu_seconds, family)) - before
        self.assertTrue(eventually(30, lambda: used_in(0.5) < 0.1), "the reader sleeps: all channels fill")
        used = used_in(3)
        self.assertLess(used, 0.6, "CPU seconds of a blocked family in 3 s")

        process.send_signal(signal.SIGTERM)  # nobody reads: the deadline of 3 s decides
        begun = time.monotonic()
        self.wait(process, 30)
        took = time.monotonic() - begun
        self.assertGreater(took, 2.5)
        self.assertLess(took, 10)
        self.assertTrue(eventually(20, lambda: not any(map(alive, family))))

    def test_a_stop_with_a_reader_that_goes_on_drains_whole_lines(self):
        process = self.start(WIDE.replace("stop_deadline: 3s", "stop_deadline: 30s"), stdout=subprocess.PIPE)
        self.assertTrue(eventually(10, self.running))
        tail = [b""]

        def read():
            while block := os.read(process.stdout.fileno(), 1 << 20):
                tail[0] = block[-1:]

        reader = threading.Thread(target=read)
        reader.start()
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 40), 0, self.log())
        reader.join(20)
        self.assertEqual(tail[0], b"\n")
        self.assertIn("ledger balances", self.log())
