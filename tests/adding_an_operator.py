#!/usr/bin/env python3
"""Follows docs/adding_an_operator.md: builds its operator and runs its test and example.

Usage: adding_an_operator.py SOURCE_DIR BUILD_DIR

The blocks marked `file=` are written into a temporary tree whose other folders are links to SOURCE_DIR. Only the new
object is compiled, with the flags of operators/filter.cc; the program is linked from the objects that BUILD_DIR has
for `streamrun` and the new one. Nothing in either directory is changed.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

OPERATOR = "sample"


def blocks(markdown):
    """(path, content) of every fenced block with file=."""
    return re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", markdown, re.M | re.S)


def compile_object(source_dir, build_dir, source, target):
    with open(os.path.join(build_dir, "compile_commands.json")) as f:
        commands = json.load(f)
    model = next(c for c in commands if c["file"].endswith("/operators/filter.cc"))
    words = shlex.split(model["command"])
    if os.path.basename(words[0]) == "ccache":
        words = words[1:]
    words[words.index("-o") + 1] = target
    words[words.index("-c") + 1] = source
    subprocess.run(words, cwd=build_dir, check=True)


def link_program(build_dir, extra, target):
    listing = subprocess.run(["ninja", "-C", build_dir, "-t", "commands", "-s", "streamrun"],
                             check=True, capture_output=True, text=True).stdout
    line = next(l for l in reversed(listing.splitlines()) if " -o streamrun " in l)
    command = line.removeprefix(": && ").removesuffix(" && :")
    command = command.replace(" -o streamrun ", f" -o {shlex.quote(target)} {shlex.quote(extra)} ")
    subprocess.run(command, shell=True, cwd=build_dir, check=True)


def main():
    source_dir, build_dir = (os.path.abspath(a) for a in sys.argv[1:3])
    with open(os.path.join(source_dir, "docs/adding_an_operator.md")) as f:
        files = blocks(f.read())
    expected = [f"operators/{OPERATOR}.cc", f"tests/operators/{OPERATOR}.yaml", f"pipelines/{OPERATOR}.yaml"]
    assert [path for path, _ in files] == expected, f"the guide has the blocks {[path for path, _ in files]}"

    with tempfile.TemporaryDirectory() as tree:
        for path, content in files:
            os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(tree, path), "w") as f:
                f.write(content)
        os.symlink(os.path.join(source_dir, "pipelines/data"), os.path.join(tree, "pipelines/data"))

        program = os.path.join(tree, "streamrun")
        compile_object(source_dir, build_dir, os.path.join(tree, expected[0]), os.path.join(tree, "sample.o"))
        link_program(build_dir, os.path.join(tree, "sample.o"), program)

        def run(*arguments):
            return subprocess.run([program, *arguments], cwd=tree, check=True, capture_output=True, text=True).stdout

        assert "Passes every n-th row." in run("describe", OPERATOR)
        run("validate", "--strict", expected[2])
        print(run("test", expected[1], expected[2]), end="")
        rows = run(expected[2], "--state-dir", os.path.join(tree, "state")).splitlines()
        with open(os.path.join(source_dir, "pipelines/data/bids.jsonl")) as f:
            bids = [json.loads(line) for line in f]
        wanted = [{k: bid[k] for k in ("auction", "bidder", "price")} for bid in bids[::20]]
        assert [json.loads(row) for row in rows] == wanted, rows[:3]
    print(f"the operator of the guide works: {len(rows)} rows of {len(bids)}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as e:
        sys.exit(f"{e}\n{e.stdout or ''}{e.stderr or ''}")
