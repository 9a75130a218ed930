"""The output is the same bytes at any parallelism and any fusion, and they are the ones that Python computes."""
import gzip
import random

from family import Case

SCHEMA = "{id: bigint, price: bigint, channel: text}"


def pipeline(source, more=""):
    return f"""pipeline: order
{more}
sources:
  in: {{connector: file, {source}, schema: {SCHEMA}}}
operators:
  dear: {{operator: filter, input: in, where: price % 3 <> 0}}
  shaped:
    operator: map
    input: dear
    set:
      price: price * 2 + 1
      channel: upper(channel)
sinks:
  out: {{connector: file, input: shaped, path: out.jsonl, format: json, sync: false}}
"""


def rows(count, seed=1):
    rng = random.Random(seed)
    return [(i, rng.randrange(1000000), "channel-" + "x" * rng.randrange(80)) for i in range(count)]


def lines(data):
    return "".join(f'{{"id":{i},"price":{p},"channel":"{c}"}}\n' for i, p, c in data).encode()


def expected(data):
    return "".join(f'{{"id":{i},"price":{p * 2 + 1},"channel":"{c.upper()}"}}\n' for i, p, c in data if p % 3).encode()


class Order(Case):
    def check(self, yaml, want, *args):
        self.assert_fine(self.run_pipeline(yaml, *args))
        got = self.read("out.jsonl")
        self.assertTrue(got == want, f"{args}: {len(got)} bytes, wanted {len(want)}")

    def test_thirty_megabytes_at_every_parallelism_and_fusion(self):
        data = rows(340_000)
        text = lines(data)
        self.assertGreater(len(text), 25_000_000)
        self.write("in.jsonl", text)
        want = expected(data)
        for parallelism in (1, 2, 3, 7):
            self.check(pipeline("path: in.jsonl, format: json"), want, "--set", f"settings.parallelism={parallelism}")
        for fuse in ("none", "all"):
            self.check(pipeline("path: in.jsonl, format: json"), want, "--set", f"settings.engine.local.fuse={fuse}")
        self.check(pipeline("path: in.jsonl, format: json"), want, "--set", "settings.engine.local.fuse=none", "--set",
                   "settings.parallelism=3")

    def test_gzip_at_parallelism_one_and_three(self):
        data = rows(30_000)
        self.write("in.jsonl.gz", gzip.compress(lines(data), 1))
        for parallelism in (1, 3):
            self.check(pipeline("path: in.jsonl.gz, format: json"), expected(data), "--set",
                       f"settings.parallelism={parallelism}")

    def test_csv_without_quoted_newlines_is_split(self):
        data = rows(60_000)
        self.write("in.csv", "id,price,channel\n" + "".join(f"{i},{p},{c}\n" for i, p, c in data))
        for parallelism in (1, 3):
            self.check(pipeline("path: in.csv, format: {type: csv, quoted_newlines: false}"), expected(data), "--set",
                       f"settings.parallelism={parallelism}")

    def test_files_of_a_pattern_follow_one_another(self):
        data = rows(60_000)
        for part in range(5):  # the last one has no final newline
            text = lines(data[part * 12_000:(part + 1) * 12_000])
            self.write(f"part-{part}.jsonl", text if part != 4 else text[:-1])
        for parallelism in (1, 3):
            self.check(pipeline("path: 'part-*.jsonl', format: json"), expected(data), "--set",
                       f"settings.parallelism={parallelism}")
