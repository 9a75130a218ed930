"""Sockets, ZeroMQ and the admin socket, with clients in Python."""
import json
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

import family
from family import Case, eventually

SUBSCRIBER = """
import sys, zmq
context = zmq.Context()
news = context.socket(zmq.SUB)
news.connect(sys.argv[1])
news.subscribe("bids")
news.setsockopt(zmq.RCVTIMEO, 15000)
for _ in range(int(sys.argv[2])):
    topic, record = news.recv_multipart()
    print(record.decode(), flush=True)
context.destroy(linger=0)
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def python_with_zmq():
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", "import zmq"], capture_output=True, timeout=20).returncode == 0:
                return python
        except OSError:
            pass
    raise unittest.SkipTest("no Python here has the module zmq (Debian: python3-zmq)")


def lines_in(port):
    return f"""pipeline: lines
sources:
  in: {{connector: socket, listen: "tcp://127.0.0.1:{port}", format: json, schema: {{client: bigint, n: bigint}}}}
sinks:
  out: {{connector: file, path: out.jsonl, input: in, format: json}}
"""


class Network(Case):
    def connect(self, port):
        for _ in range(200):
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=5)
            except ConnectionRefusedError:
                time.sleep(0.05)
        self.fail("nobody listens: " + self.log())

    def lines(self, name):
        try:
            return self.read(name).splitlines()
        except FileNotFoundError:
            return []

    def node(self, status, name):
        return next(n for n in status["nodes"] if n["name"] == name)

    def test_three_processes_publish_to_a_python_subscriber(self):
        python = python_with_zmq()
        port = free_port()
        example = open(f"{family.SOURCE}/pipelines/zeromq_python.yaml").read()
        process = self.start(example.replace("5556", str(port)))
        self.assertTrue(eventually(10, self.running))
        self.assertEqual(len(family.children(process.pid)), 3)
        got = subprocess.run([python, "-c", SUBSCRIBER, f"tcp://127.0.0.1:{port}", "50"], capture_output=True,
                             text=True, timeout=40)
        self.assertEqual(got.returncode, 0, got.stderr)
        prices = [json.loads(line)["price"] for line in got.stdout.splitlines()]
        self.assertEqual(len(prices), 50)
        self.assertTrue(all(price > 1000000 for price in prices))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 15), 0, self.log())

    def test_many_clients_one_of_which_leaves_within_a_line(self):
        port = free_port()
        process = self.start(lines_in(port))
        self.assertTrue(eventually(10, self.running))
        clients = [self.connect(port) for _ in range(6)]
        for block in range(20):
            for c, client in enumerate(clients):
                client.sendall("".join(f'{{"client":{c},"n":{block * 50 + i}}}\n' for i in range(50)).encode())
        clients[0].sendall(b'{"client":0,"n":')
        for client in clients:
            client.close()
        self.assertTrue(eventually(10, lambda: len(self.lines("out.jsonl")) == 6000))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 15), 0, self.log())
        rows = [json.loads(line) for line in self.lines("out.jsonl")]
        for c in range(6):
            self.assertEqual([r["n"] for r in rows if r["client"] == c], list(range(1000)))
        cut = self.dead_letters()
        self.assertEqual([r["code"] for r in cut], ["record.truncated"])
        self.assertEqual(bytes.fromhex(cut[0]["raw"][2:]), b'{"client":0,"n":')
        self.assertIn("ledger balances", self.log())

    def test_counts_of_an_idle_pipeline_are_up_to_date_and_balance(self):
        port = free_port()
        self.start(lines_in(port))
        with self.connect(port) as client:
            client.sendall(b'{"client":1,"n":1}\nbroken\n{"client":1,"n":2}\n')
            self.assertTrue(eventually(5, lambda: len(self.lines("out.jsonl")) == 2))
            self.assertTrue(eventually(4, lambda: self.node(self.status(), "in")["fates"].get("dead_lettered") == 1))
            self.assertTrue(eventually(4, lambda: self.status()["residue"] == 0))

    def test_status_metrics_and_stop_while_it_runs(self):
        port = free_port()
        process = self.start(lines_in(port))
        with self.connect(port) as client:
            client.sendall(b'{"client":1,"n":1}\nbroken\n{"client":1,"n":2}\n')
            self.assertTrue(eventually(10, lambda: len(self.lines("out.jsonl")) == 2))
            status = self.status()
            self.assertEqual((status["pipeline"], status["phase"], status["pid"]), ("lines", "running", process.pid))
            metrics = self.run_command("status", "--state-dir", "state", "--metrics").stdout
            types, seen = {}, set()
            for line in metrics.splitlines():
                if line.startswith("# TYPE "):
                    name, kind = line.split()[2:]
                    self.assertNotIn(name, types)
                    types[name] = kind
                elif not line.startswith("#"):
                    sample = re.fullmatch(r'([a-z_:]\w*)(\{(?:\w+="(?:[^"\\\n]|\\.)*",?)*\})? (-?[\d.e+-]+|NaN|[+-]Inf)',
                                          line)
                    self.assertTrue(sample, line)
                    self.assertTrue(sample[1] in types or re.sub("_(bucket|sum|count)$", "", sample[1]) in types, line)
                    self.assertNotIn(sample[1] + (sample[2] or ""), seen)
                    seen.add(sample[1] + (sample[2] or ""))
            self.assertIn("streamrun_node_rows_total{", metrics)
            self.assertTrue(metrics.endswith("\n"))
            stop = self.run_command("stop", "--state-dir", "state")
            self.assertEqual(stop.returncode, 0, stop.stderr)
        self.assertEqual(self.wait(process, 10), 0, self.log())
        self.assertIn("ledger balances", self.log())
        gone = self.run_command("status", "--state-dir", "state")
        self.assertNotEqual(gone.returncode, 0)
        self.assertTrue(gone.stderr.strip())

    def test_a_port_that_is_taken_is_an_error_of_the_environment(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            answer = self.run_pipeline(lines_in(port), timeout=60)
            self.assertEqual(answer.returncode, 3, answer.stderr)
            self.assertIn(str(port), answer.stderr)
            self.assertIn("another process has it; end that process or set sources.in.listen", answer.stderr)
