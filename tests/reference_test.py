#!/usr/bin/env python3
"""docs/reference and the functions in docs/expressions.md are what the binary writes.

usage: reference_test.py STREAMRUN SOURCE_DIR
"""
import filecmp
import pathlib
import shutil
import subprocess
import sys
import tempfile

binary, root = sys.argv[1], pathlib.Path(sys.argv[2])
with tempfile.TemporaryDirectory() as fresh:
    subprocess.run([binary, "describe", "--write-all", fresh], check=True)
    left = {p.name for p in pathlib.Path(fresh).iterdir()}
    right = {p.name for p in (root / "docs/reference").iterdir()}
    wrong = sorted(left ^ right) + [n for n in sorted(left & right) if not filecmp.cmp(f"{fresh}/{n}", root / "docs/reference" / n, False)]
    if wrong:
        sys.exit("docs/reference is behind (streamrun describe --write-all docs/reference): " + ", ".join(wrong))
    page = pathlib.Path(fresh) / "expressions.md"
    shutil.copy(root / "docs/expressions.md", page)
    subprocess.run([binary, "describe", "functions", "--write", page], check=True)
    if not filecmp.cmp(page, root / "docs/expressions.md", False):
        sys.exit("docs/expressions.md is behind (streamrun describe functions --write docs/expressions.md)")
print(f"{len(left)} pages and the reference of functions are up to date")
