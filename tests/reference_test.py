#!/usr/bin/env python3
"""docs/reference is what the binary writes. usage: reference_test.py STREAMRUN SOURCE_DIR"""
import filecmp
import pathlib
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
print(f"{len(left)} pages are up to date")
