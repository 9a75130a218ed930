"""Runs the end-to-end tests: run.py STREAMRUN SOURCE_DIR [theme]. Exit 77: every test of it was skipped, with reason."""
import importlib
import os
import sys
import unittest

import family

THEMES = ["order", "errors", "kill", "pressure", "disk", "network", "http", "deduplicate", "tls", "http_steps", "cli", "drift", "checkpoint", "failpoint", "state", "dlq", "dlq_ending", "evolution",
          "limits", "supervision", "fault", "scenario", "poison", "ingest", "spill", "changes", "partition"]


def main():
    if len(sys.argv) not in (3, 4) or not os.access(sys.argv[1], os.X_OK):
        sys.exit("usage: run.py STREAMRUN SOURCE_DIR [" + "|".join(THEMES) + "]")
    family.STREAMRUN = os.path.abspath(sys.argv[1])
    family.SOURCE = os.path.abspath(sys.argv[2])
    loader = unittest.TestLoader()
    suite = unittest.TestSuite(loader.loadTestsFromModule(importlib.import_module(f"{theme}_theme"))
                               for theme in sys.argv[3:] or THEMES)
    sys.exit(family.skip_exit(unittest.TextTestRunner(verbosity=2).run(suite)))


if __name__ == "__main__":
    main()
