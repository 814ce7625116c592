"""Runs all tests and, with a path as argument, writes a report that `make test`
counts: {"tests": [{"name", "status", "reason"}]}."""

import json
import pathlib
import sys
import unittest

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here.parent / "src"), str(here)]

import server  # noqa: E402


class Result(unittest.TextTestResult):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.report = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.report.append({"name": test.id(), "status": "passed"})

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.report.append({"name": test.id(), "status": "skipped", "reason": reason})

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.report.append({"name": test.id(), "status": "failed"})

    def addError(self, test, err):
        super().addError(test, err)
        self.report.append({"name": test.id(), "status": "failed"})


names = [a for a in sys.argv[1:] if not a.endswith(".json")]
reports = [a for a in sys.argv[1:] if a.endswith(".json")]
loader = unittest.defaultTestLoader
suite = loader.loadTestsFromNames(names) if names else loader.discover(str(here), "test_*.py", str(here))
try:
    result = unittest.TextTestRunner(resultclass=Result, verbosity=1).run(suite)
finally:
    server.stop_shared()
for path in reports:
    pathlib.Path(path).write_text(json.dumps({"tests": result.report}), encoding="utf-8")
sys.exit(0 if result.wasSuccessful() else 1)
