"""Runs the whole suite, on SQLite and on PostgreSQL, and closes with one line: what passed, failed and did not run."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.support.browser import VARIABLE, provide_browser

ROOT = Path(__file__).resolve().parent.parent
DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
# Those that start processes keep a core busy each: more workers than cores were measured, and gained nothing.
WORKERS = str(os.cpu_count() or 1)
# pytest's own codes: all passed, and nothing was left to run.
GOOD_CODES = {0, 5}


@dataclass
class Count:
    """What became of the tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    not_run: int = 0

    def __str__(self) -> str:
        line = f"{self.passed} passed, {self.failed} failed"
        if self.skipped:
            line += f", {self.skipped} skipped"
        if self.not_run:
            line += f", {self.not_run} not run (no browser could be provided)"
        return line


def main(arguments: list[str]) -> int:
    browser = provide_browser(say)
    os.environ[VARIABLE] = browser
    total = Count()
    is_good = True
    selection: list[str] = []
    if not browser:
        selection = ["-m", "not browser"]
        total.not_run = browser_tests()
        is_good = not os.environ.get("CI")
    for database, name in DATABASES.items():
        say(f"\n{name}")
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            code = run_pytest(
                ["-n", WORKERS, "--dist", "loadgroup", f"--junitxml={report}", *selection, *arguments], database
            )
            count_into(total, report)
        is_good = is_good and code in GOOD_CODES
    if not is_good and not total.failed and not total.not_run:
        # It broke before or after the tests: that must not look like a success.
        total.failed = 1
    say(f"\n{total}")
    return 0 if is_good and total.passed and not total.failed else 1


def run_pytest(arguments: list[str], database: str) -> int:
    environment = {**os.environ, "LICENSESYNC_TEST_DATABASE": database}
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def browser_tests() -> int:
    """How many tests need a browser."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "browser"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return len(re.findall(r"::", listing))


def count_into(total: Count, report: Path) -> None:
    """Adds one run; an error outside the test itself counts as its failure."""
    if not report.is_file():
        return
    # Our own pytest wrote it a moment ago.
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            total.failed += 1
        elif "skipped" in outcomes:
            total.skipped += 1
        else:
            total.passed += 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
