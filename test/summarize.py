"""Reads the JUnit reports of all suites, lists skips and failures, ends with `N passed, N failed`."""

import pathlib
import sys
import xml.etree.ElementTree as xml

SUITES = ("lit", "runtime", "frontend", "pytest")


def read(report):
    """Yields (name, outcome, reason) of each test in a report."""
    for case in xml.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name')}".lstrip(".")
        outcome, reason = "passed", ""
        if case.get("status") == "notrun":
            outcome, reason = "skipped", "disabled"
        for child in case:
            if child.tag in ("failure", "error"):
                outcome, reason = "failed", ""
            elif child.tag == "skipped" and outcome == "passed":
                outcome, reason = "skipped", child.get("message") or "no reason given"
        yield name, outcome, reason


def main(results, expected):
    tests = []
    for suite in SUITES:
        report, code = results / f"{suite}.xml", int((results / f"{suite}.code").read_text())
        try:
            found = list(read(report))
        except (OSError, xml.ParseError):
            found = []
        tests += found
        if not found or (code and all(outcome != "failed" for _, outcome, _ in found)):
            tests.append((f"{suite} (exit code {code}, {len(found)} tests reported)", "failed", ""))
    by = {key: [test for test in tests if test[1] == key] for key in ("passed", "failed", "skipped")}
    for name, _, reason in by["skipped"]:
        print(f"skipped: {name}: {reason}")
    for name, _, _ in by["failed"]:
        print(f"failed: {name}")
    passed, failed = len(by["passed"]), len(by["failed"])
    short = passed + failed < expected
    if short:
        print(f"expects at least {expected} tests to run, got {passed + failed}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or short else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), int(pathlib.Path(sys.argv[2]).read_text())))
