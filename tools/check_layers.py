#!/usr/bin/env python3
"""Checks every #include "..." of the house against docs/layers.txt. Prints each breach as file:line."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
allowed = {}
for line in (root / "docs/layers.txt").read_text().splitlines():
    line = line.split("#")[0].strip()
    if line:
        folder, _, rest = line.partition(":")
        allowed[folder.strip()] = set(rest.split()) | {folder.strip()}

include = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
breaches = []
seen = set()
for top in ("core", "operators", "connectors", "runner"):
    for path in sorted((root / top).rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        folder = str(path.parent.relative_to(root))
        owner = next((f for f in allowed if folder == f or folder.startswith(f + "/")), None)
        if owner is None:
            breaches.append(f"{path.relative_to(root)}:1: folder {folder} is not in docs/layers.txt")
            continue
        seen.add(owner)
        for number, text in enumerate(path.read_text().splitlines(), 1):
            found = include.match(text)
            if not found or "/" not in found[1]:
                continue
            target = str(pathlib.PurePosixPath(found[1]).parent)
            if target.startswith(("core", "operators", "connectors", "runner")) and not any(
                target == f or target.startswith(f + "/") for f in allowed[owner]
            ):
                breaches.append(f"{path.relative_to(root)}:{number}: {owner} may not include {target}")
for folder in allowed:
    if not (root / folder).is_dir():
        breaches.append(f"docs/layers.txt: there is no folder {folder}")
print("\n".join(breaches) if breaches else f"{len(seen)} folders keep to docs/layers.txt")
sys.exit(1 if breaches else 0)
