"""HTTP in with Idempotency-Keys: what comes again is answered and not taken again, whoever is killed."""
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import family
from family import children, eventually
from http_theme import Peers, SEED, numbers_out, post, rows_in
from network_theme import free_port


class Deduplicate(Peers):
    """A request whose key was taken is answered and not taken again."""

    def source(self, port, more="", deduplicate="{}", interval="100ms"):
        return rows_in(port, more=f", deduplicate: {deduplicate}{more}", interval=interval)

    def kill(self, process):
        process.kill()
        process.wait()

    def begin(self, yaml, port):
        process = self.start(yaml)
        self.assertTrue(eventually(20, self.running), self.log())
        self.listening(port)
        return process

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 20), 0, self.log())

    def test_keys_are_remembered_whoever_is_killed(self):
        for buffer in ("", ", buffer: durable"):
            with self.subTest(buffer):
                port = free_port()
                yaml = self.source(port, buffer)
                process = self.begin(yaml, port)
                for life in range(3):
                    for n in range(life + 1):
                        for _ in range(2):
                            answer = post(port, f'{{"n":{n}}}\n{{"n":{n}}}', {"Idempotency-Key": f"key {n}"})
                            self.assertEqual((answer[0], json.loads(answer[1])), (200, {"records": 2}))
                    if life == 1:
                        for pid in children(process.pid):
                            os.kill(pid, signal.SIGKILL)
                        self.assertTrue(eventually(20, lambda: self.status()["restarts"] > 0 and self.running()), self.log())
                        self.listening(port)
                    else:
                        self.kill(process)
                        process = self.begin(yaml, port)
                self.assertEqual(post(port, '{"n":7}', {"Idempotency-Key": "key 1"})[0], 422)
                self.assertEqual(post(port, '{"n":7}')[0], 400)
                self.assertEqual(post(port, '{"n":7}', {"Idempotency-Key": "k" * 256})[0], 400)
                self.assertEqual(post(port, '{"n":8}', {"Idempotency-Key": "another"})[0], 200)
                self.end(process)
                self.assertEqual(sorted(self.out()), [0, 0, 1, 1, 2, 2, 8])
                self.assertIn("exactly once", self.run_command("explain", "p.yaml").stdout.replace("_", " "))
                shutil.rmtree(self.path("state"))
                os.remove(self.path("out.jsonl"))

    def test_one_at_a_time_with_the_same_key(self):
        port = free_port()
        process = self.begin(self.source(port, interval="3s"), port)
        answers = []
        lock = threading.Lock()

        def client():
            answer = post(port, '{"n":1}', {"Idempotency-Key": "one"})
            with lock:
                answers.append(answer[0])

        self.assertEqual(post(port, '{"n":0}', {"Idempotency-Key": "zero"})[0], 200)  # an epoch has just ended
        threads = [threading.Thread(target=client) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answers), [200, 409, 409, 409, 409])
        self.assertEqual(post(port, '{"n":2}', {"Idempotency-Key": "one"})[0], 422)
        self.assertEqual(post(port, '{"n":1}', {"Idempotency-Key": "one"})[0], 200)
        self.end(process)
        self.assertEqual(self.out(), [0, 1])

    def test_keys_are_forgotten_in_time_and_when_there_are_too_many(self):
        port = free_port()
        process = self.begin(self.source(port, ", buffer: durable",
                                         "{header: X-Request, within: 3s, max_keys: 3, required: false}"), port)
        send = lambda key: self.assertEqual(post(port, f'{{"n":{key}}}', {"X-Request": str(key)})[0], 200)
        send(1)
        send(1)
        time.sleep(3.2)
        send(1)  # taken anew
        for key in (2, 3, 4):
            send(key)
        self.assertTrue(eventually(20, lambda: "more than max_keys" in json.dumps(self.status())), json.dumps(self.status()))
        send(1)  # forgotten too early
        self.assertEqual(post(port, '{"n":9}')[0], 200)
        self.end(process)
        self.assertEqual(sorted(self.out()), [1, 1, 1, 2, 3, 4, 9])

    def test_keys_outlive_the_files_of_the_log(self):
        port = free_port()
        yaml = self.source(port, ", buffer: {type: durable, segment: 64KiB}")
        process = self.begin(yaml, port)
        pad = "x" * 20_000
        body = lambda n: f'{{"n":{n},"pad":"{pad}"}}'
        for n in range(30):
            self.assertEqual(post(port, body(n), {"Idempotency-Key": str(n)})[0], 200)
        log = self.path("state/ingest/in")
        self.assertTrue(eventually(20, lambda: min(os.listdir(log)) > "00000000000000000010"), os.listdir(log))
        self.kill(process)
        process = self.begin(yaml, port)
        for n in range(30):
            self.assertEqual(post(port, body(n), {"Idempotency-Key": str(n)})[0], 200)
        self.end(process)
        self.assertEqual(sorted(self.out()), list(range(30)))
        self.assertEqual(len([name for name in os.listdir(log) if name.endswith(".keys")]), 1)

    def test_a_large_request_that_a_checkpoint_cut_in_two_is_taken_once(self):
        """Without a buffer: its beginning is in a checkpoint, its end is not when everybody dies."""
        port = free_port()
        yaml = self.source(port, interval="50ms")
        long = "x" * (11 << 17) + "\n"  # a record that is too long ends a chunk, and is a dead letter
        body = "".join(f'{{"n":{n},"pad":"{"x" * 80}"}}\n' + (long if n % 10_000 == 9_999 else "") for n in range(60_000))
        random_ = random.Random(SEED)
        for trial in range(4):
            process = self.begin(yaml, port)
            client = threading.Thread(target=post, args=(port, body, {"Idempotency-Key": f"large {trial}"}))
            client.start()
            time.sleep(0.05 + random_.random() * 0.25)
            self.kill(process)
            client.join()
            process = self.begin(yaml, port)
            for _ in range(2):
                answer = post(port, body, {"Idempotency-Key": f"large {trial}"}, timeout=60)
                self.assertEqual((answer[0], json.loads(answer[1])), (200, {"records": 60_000, "failed": 6}))
            self.end(process)
            self.assertEqual(sorted(self.out()), sorted(list(range(60_000)) * (trial + 1)))
            self.assertEqual(len(self.dead_letters()), 6 * (trial + 1))

    def test_two_pipelines_killed_at_random_are_exactly_once_from_end_to_end(self):
        for buffer in (", buffer: {type: durable, segment: 64KiB}", ""):
            with self.subTest(buffer):
                self.chain(buffer)
            for name in ("first", "second"):
                shutil.rmtree(self.path(name))
            os.remove(self.path("out.jsonl"))

    def chain(self, buffer):
        chance = random.Random(SEED)
        port = free_port()
        rows = 4_000
        yaml = {"first": numbers_out(port, "concurrency: 3", rows=rows, rate=1000, interval="150ms"),
                "second": self.source(port, buffer).replace("n: bigint", "id: bigint")}
        family_of = {name: self.start_as(name, yaml[name]) for name in yaml}
        said = lambda: "".join(self.read(name + ".log").decode() for name in yaml)
        kills = 0
        while family_of["first"].poll() is None and kills < 40:
            time.sleep(0.1 + chance.random() * 0.5)
            name = chance.choice(["first", "second"])
            process = family_of[name]
            if name == "first" and process.poll() is not None:
                break
            self.assertIsNone(process.poll(), said())
            if chance.random() < 0.7:
                self.kill(process)
                family_of[name] = self.start_as(name, yaml[name])
            else:
                workers = children(process.pid)
                if workers:
                    os.kill(chance.choice(workers), signal.SIGKILL)
            kills += 1
        self.assertGreater(kills, 5, said())
        self.assertEqual(self.wait_for(family_of["first"], 60), 0, said())
        # What the sink has its answers for is safe, and in the file with the next epoch.
        ids = lambda: sorted(json.loads(line)["id"] for line in self.read("out.jsonl").splitlines())
        self.assertTrue(eventually(20, lambda: len(ids()) >= rows), said())
        self.write("log", said())
        self.listening(port)  # it may have been started this moment, and cannot hear a signal yet
        family_of["second"].send_signal(signal.SIGTERM)
        self.assertEqual(self.wait_for(family_of["second"], 20), 0, said())
        self.assertEqual(ids(), list(range(1, rows + 1)))
        print(f"{kills} kills, SR_SEED={SEED}", flush=True)

    def wait_for(self, process, seconds):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return "still running"

    def start_as(self, name, yaml):
        self.write(name + ".yaml", yaml)
        with open(self.path(name + ".log"), "ab") as log:
            process = subprocess.Popen([family.STREAMRUN, "run", name + ".yaml", "--state-dir", name], cwd=self.dir,
                                       env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.started.append(process)
        return process
