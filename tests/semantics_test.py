"""Every table of docs/semantics.md is a case: builds a pipeline from the YAML above it and runs it."""
import pathlib
import re
import subprocess
import sys
import tempfile

HEAD = """pipeline: semantics
sources:
  rows:
    connector: stdin
    format: json
    on_error: dead_letter
    schema: {k: text, v: bigint, at: timestamp}
    %s
operators:
  node:
    operator: aggregate
    input: rows
    on_error: dead_letter
"""
EVENT_TIME = "event_time: {column: at, out_of_order: 36500d}"
CHANGES = {"+U": "update_after", "-U": "update_before", "-D": "delete"}


def value(text):
    if re.fullmatch(r"\d\d:\d\d(\.\d+)?", text):
        return f"2024-01-01 00:{text}"
    return text if text == "null" or re.fullmatch(r"-?\d+", text) else f'"{text}"'


def row(text):
    """'k a, v 1, at 00:05' or with bounds 'window 00:00 00:10' or 'rows 0 2' in front."""
    fields = []
    for part in text.split(","):
        name, _, rest = part.strip().partition(" ")
        if name in ("window", "rows"):
            words = rest.split()
            start, end = " ".join(words[:len(words) // 2]), " ".join(words[len(words) // 2:])
            fields += [f"window_start: {value(start)}", f"window_end: {value(end)}"]
        else:
            fields.append(f"{name}: {value(rest.strip())}")
    return "{" + ", ".join(fields) + "}"


def case(config, table):
    feed, out, late, errors = [], [], [], []
    for line in table:
        given, result = (cell.strip() for cell in line.strip().strip("|").split("|"))
        if given.startswith("watermark "):
            feed.append("{watermark: %s}" % value(given[10:]).strip('"'))
        elif given.startswith("clock "):
            feed.append("{clock: %s}" % given[6:])
        elif given and given != "end":
            feed.append(row(given))
        if result.startswith("error "):
            node, code = result[6:].split()
            errors.append(f"{{node: {node}, code: {code}}}")
        elif result.startswith("late "):
            late.append(row(result[5:]))
        elif result[:2] in CHANGES:
            out.append(row(result[3:])[:-1] + f", _change: {CHANGES[result[:2]]}}}")
        elif result:
            out.append(row(result))
    # Windows that count rows and those of processing time need no event time.
    timed = "count:" not in config and "processing" not in config
    text = HEAD % (EVENT_TIME if timed else "") + "".join(f"    {line}\n" for line in config.splitlines())
    text += "sinks:\n  out: {connector: discard, input: node}\n"
    windowed = timed and "window:" in config
    if windowed:
        text += "  late: {connector: discard, input: node.late}\n"
    text += "tests:\n  - name: table\n    feed:\n      rows:\n"
    text += "".join(f"        - {item}\n" for item in feed)
    text += "    expect:\n      out:" + ("" if out else " []") + "\n" + "".join(f"        - {r}\n" for r in out)
    if windowed:
        text += "      late:" + ("" if late else " []") + "\n" + "".join(f"        - {r}\n" for r in late)
    if errors:
        text += "    errors:\n" + "".join(f"      - {item}\n" for item in errors)
    return text


def main():
    binary, root = sys.argv[1], pathlib.Path(sys.argv[2])
    text = (root / "docs/semantics.md").read_text()
    blocks = re.findall(r"\*\*([^*]+)\.?\*\*(?:(?!\*\*)[\s\S])*?```yaml\n([\s\S]*?)```\n\n((?:\|.*\n)+)", text)
    tables = len(re.findall(r"^\| in \| out \|$", text, re.M))
    if tables != len(blocks) or tables < 12:
        sys.exit(f"{tables} tables, {len(blocks)} with a rule and a configuration")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (rule, config, table) in enumerate(blocks):
            path = pathlib.Path(folder) / f"rule{number}.yaml"
            path.write_text(case(config, table.splitlines()[2:]))
            run = subprocess.run([binary, "test", str(path)], capture_output=True, text=True, timeout=60)
            if run.returncode != 0:
                failed += 1
                print(f"--- {rule}\n{run.stdout}{run.stderr}\n{path.read_text()}")
    print(f"{len(blocks) - failed} of {len(blocks)} tables hold")
    sys.exit(1 if failed else 0)


main()
