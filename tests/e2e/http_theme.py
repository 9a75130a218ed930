"""HTTP in and out: a server that fails in every way it can, clients that are told the truth, kill -9 in between."""
import collections
import gzip
import http.client
import http.server
import json
import os
import random
import shutil
import signal
import socket
import ssl
import threading
import time

from family import Case, alive, children, eventually
from network_theme import free_port

SEED = int(os.environ.get("SR_SEED", "1"))
ROWS = 6_000


class Server(http.server.ThreadingHTTPServer):
    """Keeps the rows of each key once. `plan(number, key, body)` says what goes wrong with a request: nothing (None), a
    status, (status, headers), "lost" (it takes the body, but nobody hears of it) or "slow"."""

    daemon_threads = True

    def __init__(self, plan=lambda number, key, body: None, port=0, tls=None):
        self.plan = plan
        self.lock = threading.Lock()
        self.bodies = {}  # by key
        self.times = collections.Counter()  # of each key
        self.requests = 0
        self.altered = []  # keys that came with another body
        super().__init__(("127.0.0.1", port), Handler)
        if tls:
            certificate, key, clients = tls
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if clients:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def rows(self):
        with self.lock:
            return [json.loads(line) for body in self.bodies.values() for line in body.splitlines()]

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(raw) if self.headers["Content-Encoding"] == "gzip" else raw
        key = self.headers["Idempotency-Key"]
        server = self.server
        with server.lock:
            number = server.requests
            server.requests += 1
            server.times[key] += 1
            fault = server.plan(number, key, body)
            status, headers = fault if isinstance(fault, tuple) else (fault, {})
            if fault in (None, "lost", "slow"):
                status = 200
                if server.bodies.setdefault(key, body) != body:
                    server.altered.append(key)
        if fault == "lost":
            self.close_connection = True
            return
        if fault == "slow":
            time.sleep(0.3)
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
        except OSError:
            pass  # the client was killed

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):
            pass  # the client was killed, or does not believe us

    def log_message(self, *_):
        pass


def numbers_out(port, more="", rows=ROWS, rate=3000, interval="300ms", sink="server: idempotent"):
    return f"""pipeline: numbers-out
settings: {{checkpoint: {{interval: {interval}}}, stop_deadline: 5s}}
sources:
  n: {{connector: generate, rate: {rate}/s, count: {rows}, columns: {{id: sequence}}}}
sinks:
  out:
    connector: http
    input: n
    url: "http://127.0.0.1:{port}/in"
    format: json
    batch: {{rows: 50}}
    retry: {{initial: 10ms, max: 200ms}}
    {sink}
    {more}
"""


def rows_in(port, sink="connector: file, path: out.jsonl", more="", interval="200ms"):
    return f"""pipeline: rows-in
settings: {{checkpoint: {{interval: {interval}}}, stop_deadline: 5s}}
sources:
  in: {{connector: http, listen: "127.0.0.1:{port}", path: /in, format: json, schema: {{n: bigint}}{more}}}
sinks:
  out: {{{sink}, input: in, format: json}}
"""


def post(port, body, headers=None, path="/in", method="POST", timeout=15):
    """(status, what was said, headers), or nothing when there was no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:"))


class Peers(Case):
    def serve(self, *args, **kwargs):
        server = Server(*args, **kwargs)
        self.addCleanup(server.close)
        return server

    def listening(self, port):
        def tried():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return True
            except OSError:
                return False
        self.assertTrue(eventually(20, tried), self.log())

    def out(self):
        try:
            lines = self.read("out.jsonl").decode().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line)["n"] for line in lines]

    def assert_each_once(self, server, rows=ROWS):
        ids = sorted(row["id"] for row in server.rows())
        self.assertEqual(len(ids), rows)
        self.assertTrue(ids == list(range(1, rows + 1)), "a row is missing or came under two keys")
        self.assertEqual(server.altered, [], "a key came again with other bytes")


class Http(Peers):
    # --- Out

    def test_a_server_that_fails_in_every_way_sees_each_row_once_by_key(self):
        chance = random.Random(SEED)
        faults = ["lost", 503, (429, {"Retry-After": "0"}), 409, 500, "slow", None, None, None]
        server = self.serve(lambda number, key, body: chance.choice(faults))
        self.assert_fine(self.run_pipeline(numbers_out(server.port, "compression: gzip\n    concurrency: 4")))
        self.assert_each_once(server)
        self.assertTrue(any(times > 1 for times in server.times.values()))

    def test_kill_9_of_workers_and_of_the_whole_family_in_the_middle(self):
        chance = random.Random(SEED)
        server = self.serve(lambda number, key, body: chance.choice(["lost", 503, "slow", None, None, None]))
        yaml = numbers_out(server.port, rate=1500)
        process = self.start(yaml)
        self.assertTrue(eventually(20, lambda: server.requests >= 10), self.log())
        for _ in range(2):
            workers = children(process.pid)
            os.kill(chance.choice(workers), signal.SIGKILL)
            self.assertTrue(eventually(10, lambda: not any(map(alive, workers))), self.log())
            before = server.requests
            self.assertTrue(eventually(20, lambda: server.requests >= before + 5), self.log())
        for _ in range(2):
            process.kill()
            process.wait()
            process = self.start(yaml)
            before = server.requests
            self.assertTrue(eventually(20, lambda: server.requests >= before + 5 or process.poll() is not None), self.log())
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assert_each_once(server)
        self.assertIn("ledger balances", self.log())

    def test_a_server_that_is_away_is_waited_for_and_status_says_so(self):
        port = free_port()
        process = self.start(numbers_out(port, rows=500))
        self.assertTrue(eventually(20, lambda: "Failed to connect" in json.dumps(self.status() or {})),
                        json.dumps(self.status()))
        self.assertIsNone(process.poll())
        server = self.serve(port=port)
        self.assertEqual(self.wait(process, 30), 0, self.log())
        self.assert_each_once(server, rows=500)

    def left_with_a_decided_epoch(self, process, server):
        """The whole family dies while bodies of a decided epoch wait for the server, and the server goes, too."""
        self.assertTrue(eventually(20, lambda: server.requests >= 5), self.log())
        server.plan = lambda number, key, body: "lost"  # it takes what it is sent, and nobody knows
        before = server.requests
        self.assertTrue(eventually(20, lambda: server.requests >= before + 2), self.log())
        workers = children(process.pid)
        process.kill()
        process.wait()
        self.assertTrue(eventually(10, lambda: not any(map(alive, workers))), self.log())
        server.close()

    def comes_back(self, server):
        back = Server(port=server.port)
        self.addCleanup(back.close)
        back.bodies, back.times = server.bodies, server.times
        return back

    def test_a_restored_epoch_waits_for_its_server_without_a_restart(self):
        """Longer than an attempt may open (10 s), and more often than five times: that would be a crash loop."""
        for breaker in ("", "circuit_breaker: {failures: 3, open: 500ms}"):
            with self.subTest(breaker):
                server = self.serve()
                yaml = numbers_out(server.port, breaker, rows=3000)
                process = self.start(yaml)
                self.left_with_a_decided_epoch(process, server)
                process = self.start(yaml)
                said = lambda: "is decided and not committed yet" in self.log() and "Failed to connect" in self.log()
                self.assertTrue(eventually(20, said), self.log())
                status = self.status()
                self.assertIn("Failed to connect", json.dumps(status))
                if breaker:
                    self.assertTrue(eventually(20, lambda: "circuit open" in json.dumps(self.status())), self.log())
                workers = children(process.pid)
                time.sleep(8 if not breaker else 1)  # with the 5 s before it
                self.assertEqual((children(process.pid), self.status()["restarts"]), (workers, 0), self.log())
                back = self.comes_back(server)
                self.assertEqual(self.wait(process, 30), 0, self.log())
                self.assert_each_once(back, rows=3000)
                self.assertIn("the restored epoch is committed", self.log())
                self.clear_state()

    def clear_state(self):
        shutil.rmtree(self.path("state"))
        os.remove(self.path("log"))

    def test_a_stop_while_a_restored_epoch_waits_loses_nothing(self):
        server = self.serve()
        yaml = numbers_out(server.port, rows=3000)
        process = self.start(yaml)
        self.left_with_a_decided_epoch(process, server)
        process = self.start(yaml)
        self.assertTrue(eventually(20, lambda: "Failed to connect" in json.dumps(self.status() or {})), self.log())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 10), 0, self.log())
        back = self.comes_back(server)
        self.assert_fine(self.run_pipeline(yaml))
        self.assert_each_once(back, rows=3000)

    def test_bodies_keep_their_keys_when_the_sink_is_renamed(self):
        server = self.serve()
        yaml = numbers_out(server.port, rows=3000)
        process = self.start(yaml)
        self.left_with_a_decided_epoch(process, server)
        back = self.comes_back(server)
        renamed = yaml.replace("  out:\n", "  away:\n    renamed_from: out\n")
        self.assert_fine(self.run_pipeline(renamed))
        self.assert_each_once(back, rows=3000)
        self.assertTrue(any(times > 1 for times in back.times.values()))

    def test_422_to_a_key_that_was_used_ends_the_pipeline(self):
        server = self.serve(lambda number, key, body: "lost" if number == 0 else 422)
        answer = self.run_pipeline(numbers_out(server.port, rows=50), timeout=60)
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertIn("has seen the key", answer.stderr)
        self.assertLess(server.requests, 30, "it went on asking")

    def test_refused_bodies_are_dead_letters_record_by_record(self):
        for delivery in ("staged", "direct"):
            server = self.serve(lambda number, key, body: 400 if b'"id":77}' in body else None)
            self.write("p.yaml", numbers_out(server.port, rows=500, sink=f"delivery: {delivery}"))
            answer = self.run_command("run", "p.yaml", "--state-dir", delivery)
            self.assert_fine(answer)
            self.assertEqual(len(server.rows()), 450)
            letters = []
            for name in sorted(os.listdir(self.path(f"{delivery}/dlq"))):
                if name.endswith(".jsonl"):
                    letters += [json.loads(line) for line in self.read(f"{delivery}/dlq/{name}").splitlines()]
            self.assertEqual(len(letters), 50)
            self.assertEqual({letter["code"] for letter in letters}, {"http.status.400"})
            records = [json.loads(bytes.fromhex(letter["raw"][2:]))["id"] for letter in letters]
            self.assertEqual(records, list(range(51, 101)))
            self.assertEqual(len({letter["token"] for letter in letters}), 50)

    def test_direct_delivery_is_at_least_once(self):
        chance = random.Random(SEED)
        server = self.serve(lambda number, key, body: chance.choice(["lost", 503, None, None, None]))
        process = self.start(numbers_out(server.port, rate=1500, sink="delivery: direct"))
        self.assertTrue(eventually(20, lambda: server.requests >= 10), self.log())
        os.kill(children(process.pid)[0], signal.SIGKILL)
        self.assertEqual(self.wait(process, 60), 0, self.log())
        self.assertEqual({row["id"] for row in server.rows()}, set(range(1, ROWS + 1)))

    # --- In

    def test_what_was_answered_200_is_there_whoever_is_killed_then(self):
        self.answers_hold("")
        self.assertIn("were not acknowledged; whoever sent them has to send them again", self.log())
        self.assertNotIn("are lost", self.log())

    def test_what_was_answered_200_is_there_with_a_buffer(self):
        resent = self.answers_hold(", buffer: durable")
        doubled = {n for n, times in collections.Counter(self.out()).items() if times > 1}
        self.assertTrue(doubled <= resent, "a row that was sent once came twice")

    def answers_hold(self, buffer):
        port = free_port()
        answered, resent = [], set()
        process = self.start(rows_in(port, more=buffer))
        self.listening(port)
        for kill in range(6):
            numbers = range(kill * 20, kill * 20 + 20)
            answer = None
            while answer is None:  # nobody heard it: it was not safe
                answer = post(port, "".join(f'{{"n":{n}}}\n' for n in numbers))
                if answer is None:
                    resent.update(numbers)
                self.listening(port)
            self.assertEqual((answer[0], json.loads(answer[1])), (200, {"records": 20}))
            answered += numbers
            if kill % 2 == 1:
                workers = children(process.pid)
                for pid in workers:
                    os.kill(pid, signal.SIGKILL)
                self.assertTrue(eventually(10, lambda: not any(map(alive, workers))), self.log())
            else:
                process.kill()
                process.wait()
                process = self.start(rows_in(port, more=buffer))
            self.assertTrue(eventually(20, self.running), self.log())
            self.listening(port)
        self.assertTrue(eventually(20, lambda: set(answered) <= set(self.out())), self.log())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 20), 0, self.log())
        self.assertEqual(set(self.out()), set(answered))
        return resent

    def test_no_answer_before_the_commit(self):
        port = free_port()
        self.start(rows_in(port, interval="4s"))
        self.listening(port)
        self.assertEqual(post(port, '{"n":0}\n')[0], 200)  # the first epoch's end: the next one is 4 s from its begin
        begin = time.monotonic()
        self.assertEqual(post(port, '{"n":1}\n')[0], 200)
        self.assertGreater(time.monotonic() - begin, 1.5)

    def test_a_blocked_sink_gives_429_at_once_and_loses_nothing(self):
        port, collector = free_port(), free_port()
        process = self.start(rows_in(port, sink=f'connector: socket, connect: "tcp://127.0.0.1:{collector}"',
                                     more=", ack: received, max_requests: 3").replace("bigint", "bigint, pad: text"))
        self.listening(port)
        answers = []
        pad = "x" * 2000  # more than the channels between the workers hold
        lock = threading.Lock()

        def client(n):
            body = "".join(f'{{"n":{n * 1000 + i},"pad":"{pad}"}}\n' for i in range(200))
            begin = time.monotonic()
            answer = post(port, body, timeout=40)
            with lock:
                answers.append((n, answer, time.monotonic() - begin))

        threads = [threading.Thread(target=client, args=(n,)) for n in range(40)]
        for thread in threads:
            thread.start()
            time.sleep(0.02)
        # All but those that are held, while the sink still stands.
        self.assertTrue(eventually(20, lambda: len(answers) >= 40 - 4), self.log())
        self.assertTrue(any(a and a[0] == 429 for _, a, _ in answers), answers)
        received = []
        with socket.create_server(("127.0.0.1", collector)) as sink:
            sink.settimeout(20)
            peer, _ = sink.accept()
            with peer:
                peer.settimeout(0.5)
                end = time.monotonic() + 30
                data = b""
                while time.monotonic() < end:
                    try:
                        data += peer.recv(1 << 16)
                    except TimeoutError:
                        if all(not thread.is_alive() for thread in threads):
                            break
                received = [json.loads(line)["n"] for line in data.splitlines()]
                process.send_signal(signal.SIGTERM)
                self.wait(process, 20)
        for thread in threads:
            thread.join()
        refused = [(n, a, seconds) for n, a, seconds in answers if a and a[0] == 429]
        taken = [n for n, a, _ in answers if a and a[0] == 202]
        self.assertEqual(len(refused) + len(taken), 40, answers)
        self.assertTrue(all(a[2]["Retry-After"] == "1" and seconds < 15 for _, a, seconds in refused), refused)
        self.assertEqual(sorted(received), sorted(n * 1000 + i for n in taken for i in range(200)))

    def test_bodies_without_end_and_bombs_are_refused_in_little_memory(self):
        port = free_port()
        process = self.start(rows_in(port, more=", max_body: 8MiB"))
        self.listening(port)
        self.assertEqual(post(port, '{"n":0}\n')[0], 200)
        workers = children(process.pid)
        before = {pid: resident(pid) for pid in workers}
        bomb = gzip.compress(b"0" * (256 << 20))
        self.assertEqual(post(port, bomb, {"Content-Encoding": "gzip"})[0], 413)
        self.assertEqual(post(port, b"", {"Content-Length": str(2 << 30)})[0], 413)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"POST /in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
            sent = 0
            try:
                while sent < 2 << 30:
                    client.sendall(piece)
                    sent += 1 << 20
            except OSError:
                pass  # closed in our face
        self.assertLess(sent, 64 << 20)
        self.assertEqual(children(process.pid), workers)
        for pid in workers:
            self.assertLess(resident(pid) - before[pid], 50 << 10)
        # A record that is too long fails, those around it are taken.
        answer = post(port, '{"n":1}\n' + "x" * (2 << 20) + '\n{"n":2}\n')
        self.assertEqual((answer[0], json.loads(answer[1])), (200, {"records": 2, "failed": 1}))
        self.assertTrue(eventually(10, lambda: [r["code"] for r in self.dead_letters()] == ["record.too_long"]))
        self.assertEqual(self.out(), [0, 1, 2])

    def test_from_one_pipeline_to_the_next(self):
        port = free_port()
        second = self.start(rows_in(port, more=", token: s3cret, max_requests: 4, buffer: durable")
                            .replace("n: bigint", "id: bigint"))
        self.listening(port)
        self.assertEqual(post(port, "{}")[0], 401)
        first = numbers_out(port, 'token: s3cret\n    compression: gzip\n    concurrency: 3')
        self.write("first.yaml", first)
        answer = self.run_command("run", "first.yaml", "--state-dir", "first")
        self.assert_fine(answer)
        self.assertNotIn("s3cret", answer.stderr + self.log())
        self.assertTrue(eventually(20, lambda: len(self.read("out.jsonl").splitlines()) == ROWS), self.log())
        second.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(second, 20), 0, self.log())
