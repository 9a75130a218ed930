"""The http sink killed, failed or stopped at each of its steps: the server sees each row once by key."""
import json

from failpoint_theme import Trials, listed
from http_theme import Server, numbers_out


class SinkSteps(Trials):
    """What failpoint_theme does, for the steps of the http sink: the server sees each row once by key."""

    first = {"http.voided": "sink.prepared=kill:2"}

    def setUp(self):
        super().setUp()
        self.server = Server(lambda number, key, body: 400 if b'"id":77}' in body else None)
        self.addCleanup(self.server.close)
        self.pipeline = numbers_out(self.server.port, rows=1500, rate=1200, interval="40ms")

    def clear(self):
        super().clear()
        with self.server.lock:
            self.server.bodies.clear()
            self.server.times.clear()

    def undisturbed(self):
        return {"rows": list(range(1, 1501)), "letters": True, "keys": []}

    def outputs(self):
        """Which rows share a body with the one that the server refuses is a matter of chance."""
        letters = [json.loads(bytes.fromhex(letter["raw"][2:]))["id"] for letter in self.dead_letters()]
        with self.server.lock:
            rows = [json.loads(line)["id"] for body in self.server.bodies.values() for line in body.splitlines()]
        return {"rows": sorted(rows + letters), "letters": 77 in letters, "keys": self.server.altered}

    def assert_same(self, what):
        self.assertEqual(self.outputs(), self.undisturbed(), f"{what}: {self.log()}")
        if "nothing is left to do" not in self.log():  # as in failpoint_theme
            self.assertIn("ledger balances", self.log().split("finished after")[-1], what)

    def steps(self, hits):
        """Once in the life of a worker: opened, voided."""
        return [(name, hit) for name, _, _ in listed() if name.startswith("http.")
                for hit in ((1,) if name in ("http.opened", "http.voided") else hits)]

    def test_killed_at_any_step_each_row_arrives_once(self):
        self.try_all([self.armed(name, "kill", hit) for name, hit in self.steps((1, 3))])

    def test_an_error_at_any_step_each_row_arrives_once(self):
        self.try_all([self.armed(name, f"error({error})", hit) for name, hit in self.steps((2,))
                      for error in ("EIO", "ENOSPC")])

    def test_stopped_or_slow_at_any_step_each_row_arrives_once(self):
        self.try_all([self.armed(name, action, hit) for name, hit in self.steps((2,))
                      for action in ("stop", "delay(200)")])
