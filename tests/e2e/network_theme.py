"""Sockets, ZeroMQ and the admin socket, with clients in Python."""
import collections
import ctypes
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
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


class Clients(Case):
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


class Network(Clients):
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
            self.assertTrue(eventually(20, lambda: len(self.lines("out.jsonl")) == 2))
            self.assertTrue(eventually(20, lambda: self.node(self.status(), "in")["fates"].get("dead_lettered") == 1))
            self.assertTrue(eventually(20, lambda: self.status()["residue"] == 0))

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


# --- Connections that are reset while both ends live (RELIABILITY 8, scenario 26)

SYS_pidfd_getfd = 438  # <asm-generic/unistd.h>, Linux 5.6


def reset(peer):
    """The other end sees a reset instead of an orderly end."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def channels(pid):
    """Descriptors of the channels that this worker receives on, by the path of each."""
    inodes = {}
    with open(f"/proc/{pid}/net/unix") as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            # Neither what listens (SO_ACCEPTCON) nor what connected, which has no name.
            if len(fields) == 8 and not int(fields[3], 16) & 0x10000:
                inodes[fields[6]] = fields[7]
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            name = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if name.startswith("socket:[") and re.search(r"/\d+\.\d+/\d+$", inodes.get(name[8:-1], "")):
            found[int(fd)] = inodes[name[8:-1]]
    return found


def cut(pid, fd):
    """What `ss -K` does to a TCP connection, to one between workers: shutdown(2) on a copy of its descriptor."""
    pidfd = os.pidfd_open(pid)
    try:
        copy = ctypes.CDLL(None, use_errno=True).syscall(SYS_pidfd_getfd, pidfd, fd, 0)
        if copy < 0:
            raise unittest.SkipTest("descriptors of other processes cannot be had: " + os.strerror(ctypes.get_errno()))
        with socket.socket(fileno=copy) as connection:
            connection.shutdown(socket.SHUT_RDWR)
    finally:
        os.close(pidfd)


class Reset(Clients):
    ROWS = 30_000

    def test_channels_that_are_cut_fail_the_region_at_once_and_no_row(self):
        process = self.start(f"""pipeline: cut
settings: {{parallelism: 2, checkpoint: {{interval: 100ms}}}}
sources:
  n: {{connector: generate, rate: 3000/s, count: {self.ROWS}, columns: {{id: sequence}}}}
operators:
  kept: {{operator: dedupe, input: n, by: [id], ttl: 1d}}
sinks:
  out: {{connector: file, path: out.jsonl, input: kept, order: any, format: json}}
""")
        chance = random.Random(int(os.environ.get("SR_SEED", "1")))
        failed = r"worker [^;]*: channel \d+: the (sender|receiver) went away; restarting in"
        for times in range(1, 5):
            self.assertTrue(eventually(10, self.running), self.log())
            self.await_epochs(2)
            receiving = [(pid, fd) for pid in family.children(process.pid) for fd in channels(pid)]
            self.assertEqual(len(receiving), 6, "2 x 2 channels between the sources and dedupe, 2 to the file")
            cut(*chance.choice(receiving))
            # Long before somebody is missed who is not heard of (10 s).
            self.assertTrue(eventually(8, lambda: len(re.findall(failed, self.log())) == times), self.log())
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertEqual(sorted(json.loads(line)["id"] for line in self.lines("out.jsonl")),
                         list(range(1, self.ROWS + 1)))
        self.assertIn("ledger balances", self.log())

    def test_a_client_that_resets_within_a_line_costs_that_line_only(self):
        port = free_port()
        process = self.start(lines_in(port))
        self.assertTrue(eventually(10, self.running))
        rude, other = self.connect(port), self.connect(port)
        rude.sendall("".join(f'{{"client":0,"n":{i}}}\n' for i in range(500)).encode() + b'{"client":0,"n":')
        self.assertTrue(eventually(10, lambda: len(self.lines("out.jsonl")) == 500))
        reset(rude)
        self.assertTrue(eventually(10, self.dead_letters), self.log())
        other.sendall("".join(f'{{"client":1,"n":{i}}}\n' for i in range(500)).encode())
        other.close()
        self.assertTrue(eventually(10, lambda: len(self.lines("out.jsonl")) == 1000))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 15), 0, self.log())
        rows = [json.loads(line) for line in self.lines("out.jsonl")]
        self.assertEqual([r["n"] for r in rows if r["client"] == 0], list(range(500)))
        self.assertEqual([r["n"] for r in rows if r["client"] == 1], list(range(500)))
        letters = self.dead_letters()
        self.assertEqual([r["code"] for r in letters], ["record.truncated"])
        self.assertEqual(bytes.fromhex(letters[0]["raw"][2:]), b'{"client":0,"n":')
        self.assertNotIn("restarting", self.log())
        self.assertIn("ledger balances", self.log())

    def test_a_peer_that_resets_is_called_again_and_gets_whole_lines_in_order(self):
        """At most once: what lay in the buffers of the connection is gone; nothing comes twice or in pieces."""
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(20)
        count = 40_000  # at its rate four seconds, of which the resets take one on a quiet machine
        process = self.start(f"""pipeline: to-a-peer
sources:
  n: {{connector: generate, rate: 10000/s, count: {count}, columns: {{id: sequence}}}}
sinks:
  out: {{connector: socket, connect: "tcp://127.0.0.1:{listener.getsockname()[1]}", input: n, format: json,
         retry: {{initial: 10ms, max: 100ms}}}}
""")
        got = []
        for _ in range(3):
            peer, _ = listener.accept()
            piece = peer.recv(50_000)
            got.append(piece)
            time.sleep(0.2)  # more than it takes is under way
            reset(peer)
        peer, _ = listener.accept()
        rest = b""
        while piece := peer.recv(1 << 16):
            rest += piece
        got.append(rest)
        peer.close()
        self.assertEqual(self.wait(process, 20), 0, self.log())
        ids = []
        for connection in got:
            whole = connection[:connection.rfind(b"\n") + 1].splitlines()
            ids += [json.loads(line)["id"] for line in whole]
        self.assertEqual(ids, sorted(set(ids)), "twice or out of order")
        self.assertEqual(ids[-1], count)
        self.assertTrue(rest.endswith(b"\n"))
        self.assertNotIn("restarting in", self.log(), "a peer that goes away is no failure of the worker")

    def test_a_client_that_resets_within_its_body_has_sent_nothing(self):
        port = free_port()
        process = self.start(f"""pipeline: bodies
settings: {{checkpoint: {{interval: 200ms}}}}
sources:
  in: {{connector: http, listen: "127.0.0.1:{port}", path: /in, format: json, schema: {{n: bigint}}}}
sinks:
  out: {{connector: file, path: out.jsonl, input: in, format: json}}
""")
        body = "".join(f'{{"n":{i}}}\n' for i in range(100)).encode()
        head = f"POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for part in (len(body) // 2, len(body) - 1):
            client = self.connect(port)
            client.sendall(head + body[:part])
            time.sleep(0.3)
            reset(client)
        with self.connect(port) as client:
            client.sendall(head + body)
            client.settimeout(15)
            self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 200"))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 15), 0, self.log())
        self.assertEqual([json.loads(line)["n"] for line in self.lines("out.jsonl")], list(range(100)))
        self.assertEqual(self.dead_letters(), [])
        self.assertNotIn("restarting in", self.log())

    def test_a_server_that_resets_before_and_behind_a_body_sees_each_row_once_by_key(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        bodies, resets = {}, collections.Counter()

        def serve():
            number = 0
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                number += 1
                with_body = peer.makefile("rb")
                if number % 3 == 1:  # at once
                    resets["at once"] += 1
                    with_body.close()
                    reset(peer)
                    continue
                while self.answer(with_body, peer, bodies, number % 3 == 2):
                    pass
                resets["behind a body"] += number % 3 == 2
                with_body.close()
                reset(peer)

        threading.Thread(target=serve, daemon=True).start()
        answer = self.run_pipeline(f"""pipeline: to-a-server
settings: {{checkpoint: {{interval: 100ms}}}}
sources:
  n: {{connector: generate, rate: 2000/s, count: 3000, columns: {{id: sequence}}}}
sinks:
  out: {{connector: http, input: n, url: "http://127.0.0.1:{listener.getsockname()[1]}/in", format: json,
         batch: {{rows: 50}}, retry: {{initial: 10ms, max: 100ms}}, server: idempotent}}
""", timeout=60)
        self.assert_fine(answer)
        self.assertGreater(resets["at once"], 5)
        self.assertGreater(resets["behind a body"], 5)
        ids = sorted(json.loads(line)["id"] for body in bodies.values() for line in body.splitlines())
        self.assertEqual(ids, list(range(1, 3001)))

    def answer(self, stream, peer, bodies, lose):
        """One request; False when the connection is to be reset, `lose`: in place of the answer to the body it took."""
        headers = {}
        if not stream.readline():
            return False
        while (line := stream.readline().decode().strip()):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers["content-length"]))
        self.assertEqual(bodies.setdefault(headers["idempotency-key"], body), body)
        if lose:
            return False
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return len(bodies) % 3 != 0
