"""The pipeline of tests that count: numbered rows of one source, of which one in so many fails, and what is made of them.
Whatever is killed, every number is there once."""
import re

# The row that fails, and what the user writes in its place.
FAILING = "1 / (id % {fails} - {fails} + 1)"
MENDED = "coalesce(1 / nullif(id % {fails} - {fails} + 1, 0), 0)"


def numbered(rows, rate, interval, fails=1000, keys=97, parallelism=2, expression=FAILING, operators="", sinks="",
             name="numbered"):
    """`checked` has id, key, at and bad of every row that does not fail, in file rows.jsonl unless `sinks` says."""
    return f"""pipeline: {name}
settings:
  parallelism: {parallelism}
  stop_deadline: 5s
  checkpoint: {{interval: {interval}}}
sources:
  n:
    connector: generate
    rate: {rate}/s
    count: {rows}
    columns:
      id: sequence
      at: {{time: {{start: 2024-01-01 00:00:00, step: 1ms}}}}
    event_time: {{column: at}}
operators:
  checked:
    operator: map
    input: n
    select:
      id: id
      key: id % {keys}
      at: at
      bad: {expression.format(fails=fails)}
{operators}sinks:
{sinks or ROWS}"""


ROWS = "  rows: {connector: file, input: checked, path: rows.jsonl, format: json}\n"


def slowed(yaml, times):
    """The same rows over so many times the time, and so many times the epochs."""
    return re.sub(r"rate: (\d+)/s", lambda rate: f"rate: {int(rate[1]) // times}/s", yaml)


def windows(width):
    """Sums by key and window; with WINDOWS in sinks."""
    return f"""  sums:
    operator: aggregate
    input: checked
    window: {{tumbling: {width}}}
    group_by: [key]
    select:
      n: count(*)
      total: sum(id)
"""


WINDOWS = "  windows: {connector: file, input: sums, path: windows.jsonl, format: json}\n"

# The last sum of every key, at the end.
LATEST = """  latest:
    operator: aggregate
    input: checked
    group_by: [key]
    select:
      n: count(*)
      total: sum(id)
"""
KEYS = "  keys: {connector: file, input: latest, path: keys.jsonl, format: json}\n"
