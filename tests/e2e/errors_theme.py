"""Rows that fail in the middle of good ones: each good one arrives, each bad one is found with its place."""
import json
import os
import re

from family import Case


def pipeline(on_error="dead_letter", more=""):
    return f"""pipeline: errors
sources:
  in: {{connector: file, on_error: {on_error}, path: in.jsonl, format: json, schema: {{id: bigint, a: bigint, s: text}}}}
operators:
  m:
    operator: map
    on_error: {on_error}
    input: in
    set:
      q: 100 / a
sinks:
  out: {{connector: file, input: m, path: out.jsonl, format: json}}
{more}"""


def mixed_input(count=60_000):
    """Good rows with a bad one now and then. Gives the bytes, ids of good rows, and {offset: (node, code, record)}."""
    bad_records = [(b'{"id":1 oops', "in", "json.syntax"), (b'{"id":"x","a":1}', "in", "json.type"),
                   (b"\xff\xfe\x80", "in", "utf8.invalid"), (b'{"id":7,"a":1,"s":"\xc3"}', "in", "utf8.invalid"),
                   (b'{"id":9,"a":0,"s":"zero"}', "m", "22012"), (b'{"id":1} {"id":2}', "in", "json.syntax"),
                   (b"[1,2]", "in", "json.type")]
    text, good, bad = bytearray(), [], {}
    for i in range(count):
        if i % 997 == 500:
            record, node, code = bad_records[(i // 997) % len(bad_records)]
            bad[len(text)] = (node, code, record)
        else:
            record = b'{"id":%d,"a":%d,"s":"%s"}' % (i, i % 9 + 1, b"y" * (i % 50))
            good.append((i, i % 9 + 1, "y" * (i % 50)))
        text += record + b"\n"
    return bytes(text), good, bad


def expected(good):
    return "".join(f'{{"id":{i},"a":{a},"s":"{s}","q":{100 // a}}}\n' for i, a, s in good).encode()


class Errors(Case):
    def check_rows(self, letters, text, bad, records):
        self.assertEqual(sorted(r["offset"] for r in letters), sorted(bad))
        for row in letters:
            node, code, record = bad[row["offset"]]
            self.assertEqual(text[row["offset"]:row["offset"] + len(record) + 1], record + b"\n")
            self.assertEqual(row["code"], code, row)
            self.assertEqual(row["source"], "file:in.jsonl")
            self.assertTrue(row["message"])
            if records:
                self.assertEqual(row["node"], node)
                if node == "in":
                    self.assertEqual(bytes.fromhex(row["raw"][2:]), record)
                else:
                    self.assertEqual(row["row"], json.loads(record))

    def test_good_rows_arrive_and_bad_ones_are_dead_letters_with_their_place(self):
        text, good, bad = mixed_input()
        self.write("in.jsonl", text)
        for parallelism in (1, 3):
            answer = self.run_pipeline(pipeline(), "--set", f"settings.parallelism={parallelism}")
            self.assert_fine(answer)
            self.assertTrue(self.read("out.jsonl") == expected(good))
            self.check_rows(self.dead_letters()[-len(bad):], text, bad, True)
            self.assertIn(f"dead letters: {len(bad)} rows in ", answer.stderr)

    def test_wired_error_ports_take_the_rows_instead(self):
        text, good, bad = mixed_input()
        self.write("in.jsonl", text)
        wired = "  bad: {connector: file, input: [in.errors, m.errors], path: bad.jsonl, format: json}\n"
        self.assert_fine(self.run_pipeline(pipeline(more=wired).replace("in.errors, m.errors", "in.errors")))
        self.assertTrue(self.read("out.jsonl") == expected(good))
        at_source = {offset: b for offset, b in bad.items() if b[0] == "in"}
        rows = [json.loads(line) for line in self.read("bad.jsonl").splitlines()]
        self.check_rows(rows, text, at_source, False)

    def test_drop_is_counted(self):
        text, good, bad = mixed_input()
        self.write("in.jsonl", text)
        answer = self.run_pipeline(pipeline("drop"))
        self.assert_fine(answer)
        self.assertTrue(self.read("out.jsonl") == expected(good))
        self.assertEqual(self.dead_letters(), [])
        at_source = sum(node == "in" for node, _, _ in bad.values())
        self.assertIn(f"{at_source} dropped", answer.stderr)
        self.assertIn(f"{len(bad) - at_source} dropped", answer.stderr)

    def test_fail_names_node_code_and_place_and_publishes_nothing(self):
        text, _, bad = mixed_input()
        self.write("in.jsonl", text)
        answer = self.run_pipeline(pipeline("fail"))
        self.assertEqual(answer.returncode, 1, answer.stderr)
        first = min(bad)
        self.assertIn("node 'in'", answer.stderr)
        self.assertIn(f"[json.syntax] at file:in.jsonl, offset {first}", answer.stderr)
        self.assertRaises(FileNotFoundError, self.read, "out.jsonl")


class Room(Case):
    """What dead letters may take on disk holds over starts, and nothing goes without being said."""

    LETTERS = 1_000  # of some 400 bytes

    def run_it(self, when_full, *args):
        self.write("in.jsonl", b"{oops\n" * self.LETTERS)
        more = f"settings: {{dead_letter: {{max_size: 1MiB, when_full: {when_full}}}}}\n"
        return self.run_pipeline(pipeline(more=more), *args)

    def letters(self):
        directory = self.path("state/dlq")
        files = [os.path.join(directory, name) for name in os.listdir(directory)]
        return sum(map(os.path.getsize, files)), len(self.dead_letters())

    def test_full_ends_the_run_and_says_what_to_do_and_cleared_letters_make_room(self):
        runs = 0
        while (answer := self.run_it("fail")).returncode == 0:
            runs += 1
            self.assertLess(runs, 10)
        self.assertGreater(runs, 1)
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertIn("dead letters take all of settings.dead_letter.max_size (1MiB)", answer.stderr)
        self.assertIn("streamrun dlq", answer.stderr)
        self.assertNotIn("restarting in", answer.stderr)  # there would be no more room
        self.assertLessEqual(self.letters()[0], 1 << 20)
        clear = self.run_command("dlq", "clear", "p.yaml", "--state-dir", "state")
        self.assertEqual(clear.returncode, 0, clear.stderr)
        self.assertIn("--all removes those, too", clear.stdout)
        open_letters = self.letters()[1]
        clear = self.run_command("dlq", "clear", "p.yaml", "--state-dir", "state", "--all")
        self.assertIn(f"{open_letters:,} letters are removed", clear.stdout)
        self.assertEqual(self.letters(), (0, 0))
        self.assert_fine(self.run_it("fail"))
        self.assertEqual(self.letters()[1], self.LETTERS)

    def test_dropped_letters_are_told(self):
        for runs in range(6):
            answer = self.run_it("drop_oldest")
            self.assert_fine(answer)
            if "make room" in answer.stderr:
                break
        size, letters = self.letters()
        self.assertLessEqual(size, 1 << 20)
        self.assertGreaterEqual(letters, self.LETTERS)
        dropped = sum(int(n) for n in re.findall(r"dropped=(\d+)", answer.stderr))
        self.assertGreater(dropped, 0, answer.stderr)
        self.assertEqual(letters, (runs + 1) * self.LETTERS - dropped)
