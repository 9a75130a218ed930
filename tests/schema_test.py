#!/usr/bin/env python3
"""The committed JSON Schema is what the binary prints, and every pipeline file of the repository is valid under it.

usage: schema_test.py STREAMRUN SOURCE_DIR      exits 77 (skipped) without the jsonschema and yaml modules
"""
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

binary, root = sys.argv[1], pathlib.Path(sys.argv[2])
printed = subprocess.run([binary, "schema"], capture_output=True, text=True, check=True).stdout
committed = root / "schemas/pipeline.schema.json"
if committed.read_text() != printed:
    sys.exit("schemas/pipeline.schema.json is behind: streamrun schema > schemas/pipeline.schema.json")
schema = json.loads(printed)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


class Loader(yaml.SafeLoader):
    """YAML 1.2's core rules where they matter here: on/yes/no and times are text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith(("bool", "timestamp")) or (tag.endswith("bool") and first in "tTfF")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

failures = 0
files = sorted(root.glob("pipelines/*.yaml")) + sorted(root.glob("tests/operators/*.yaml"))
for path in files:
    for error in validator.iter_errors(yaml.load(path.read_text(), Loader)):
        print(f"{path.relative_to(root)}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}")
        failures += 1
for wrong in ({"pipeline": "x", "source": {}}, {"pipeline": "x", "sources": {"a": {"connector": "nosuch"}}, "sinks": {}}):
    if validator.is_valid(wrong):
        print(f"the schema takes {wrong}")
        failures += 1
print(f"{len(files)} pipeline files checked")
sys.exit(1 if failures or not files else 0)
