"""The command line as a newcomer meets it: the documents' commands, help, messages, completion scripts."""
import json
import os
import re
import shutil
import subprocess
import unittest

import family
from family import Case

COMMANDS = ["run", "validate", "test", "explain", "graph", "echo", "eval", "infer", "list", "describe", "schema", "status",
            "stop", "completion"]


class Cli(Case):
    def guide(self):
        with open(f"{family.SOURCE}/docs/guide.md") as f:
            return f.read()

    def test_the_guides_file_passes_each_command_of_the_guide(self):
        blocks = re.findall(r"```yaml\n(.*?)```", self.guide(), re.S)
        pipeline = next(b for b in blocks if b.startswith("pipeline:"))
        cases = next(b for b in blocks if b.startswith("tests:"))
        self.write("large.yaml", pipeline + cases)
        shutil.copytree(f"{family.SOURCE}/pipelines", self.path("pipelines"))
        commands = re.findall(r"^    streamrun (.*?)(?:\s+#.*)?$", self.guide(), re.M)
        self.assertGreater(len(commands), 5)
        for command in commands:
            answer = self.run_command(*command.split())
            self.assertEqual(answer.returncode, 0, f"{command}: {answer.stdout}{answer.stderr}")
            self.assertTrue(answer.stdout.strip(), command)

    def test_what_has_no_end_is_told_and_not_tried_by_chaos(self):
        for name, ends in (("http_orders", False), ("quickstart", True)):
            explained = self.run_command("explain", f"{family.SOURCE}/pipelines/{name}.yaml").stdout
            self.assertEqual("; has no end\n" in explained, not ends, explained)
        answer = subprocess.run([f"{family.SOURCE}/tools/chaos", f"{family.SOURCE}/pipelines/http_orders.yaml", "--binary",
                                 family.STREAMRUN], capture_output=True, text=True, timeout=20)
        self.assertEqual(answer.returncode, 2, answer.stdout + answer.stderr)
        self.assertIn("a run must come to its end by itself, and orders (http) never does", answer.stderr)

    def test_the_readmes_first_pipeline_runs(self):
        with open(f"{family.SOURCE}/README.md") as f:
            yaml = re.search(r"```yaml\n(.*?)```", f.read(), re.S)[1]
        shutil.copytree(f"{family.SOURCE}/pipelines", self.path("pipelines"))
        answer = self.run_pipeline(yaml)
        self.assert_fine(answer)
        self.assertTrue(all(json.loads(line)["price"] > 10000 for line in answer.stdout.splitlines()))

    def test_every_command_has_help(self):
        for command in COMMANDS:
            answer = self.run_command(command, "--help")
            self.assertEqual(answer.returncode, 0, command)
            self.assertIn(f"Usage: streamrun {command}", answer.stdout)

    def test_a_mistyped_command_gets_a_suggestion(self):
        answer = self.run_command("vaildate")
        self.assertEqual(answer.returncode, 2)
        self.assertIn("did you mean 'validate'?", answer.stdout + answer.stderr)

    def test_validate_json_of_a_directory_and_strict(self):
        os.mkdir(self.path("d"))
        self.write("d/bad.yaml", "pipeline: bad\nsources: {n: {connector: generat}}\n")
        answer = self.run_command("validate", "d", "--json")
        self.assertEqual(answer.returncode, 2)
        findings = json.loads(answer.stdout)
        self.assertTrue(findings)
        for finding in findings:
            self.assertLessEqual({"file", "line", "column", "code", "severity", "message", "suggestion"}, set(finding))
        self.assertIn("generate", json.dumps(findings))

    def test_strict_makes_a_warning_fail(self):
        self.write("w.yaml", "pipeline: w\nsources: {n: {connector: file, path: in.jsonl, format: json, schema: {id: bigint}}}\n"
                             "sinks: {out: {connector: stdout, input: n}}\n")
        warned = self.run_command("validate", "w.yaml")
        self.assertEqual(warned.returncode, 0, warned.stdout + warned.stderr)
        self.assertIn("warning", warned.stdout + warned.stderr)
        self.assertEqual(self.run_command("validate", "--strict", "w.yaml").returncode, 2)

    def test_echo_hides_a_secret_from_a_file(self):
        secret = self.write("key", "s3cr3t-value")
        os.chmod(secret, 0o600)
        self.write("p.yaml", f"pipeline: p\nsources: {{n: {{connector: file, path: '${{file:{secret}}}', format: json}}}}\n"
                             "sinks: {out: {connector: stdout, input: n}}\n")
        answer = self.run_command("echo", "p.yaml")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertNotIn("s3cr3t", answer.stdout + answer.stderr)
        self.assertIn("***", answer.stdout)

    def test_completion_scripts_parse(self):
        tried = 0
        for shell in ("bash", "zsh", "fish"):
            script = self.run_command("completion", shell)
            self.assertEqual(script.returncode, 0, script.stderr)
            self.assertIn("validate", script.stdout)
            if shutil.which(shell):
                tried += 1
                check = subprocess.run([shell, "-n", self.write(f"c.{shell}", script.stdout)], capture_output=True)
                self.assertEqual(check.returncode, 0, check.stderr)
        if not tried:
            raise unittest.SkipTest("no shell to parse with")
