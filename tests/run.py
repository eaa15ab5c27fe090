"""Runs the whole suite, on SQLite and on PostgreSQL, and closes with one line: what passed, failed and did not run."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tests.support import covered
from tests.support.browser import VARIABLE, provide_browser

ROOT = Path(__file__).resolve().parent.parent
DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
_CORES = os.cpu_count() or 1
# Both run at once, so that the one computes while processes and browsers of the other are waited for. SQLite's run has
# these, which makes it twice as long as PostgreSQL's.
WORKERS = {"sqlite": _CORES, "postgres": max(1, _CORES // 2)}
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
    codes = run_both([*selection, *arguments], total)
    is_good = is_good and codes <= GOOD_CODES
    if not is_good and not total.failed and not total.not_run:
        # It broke before or after the tests: that must not look like a success.
        total.failed = 1
    say(f"\n{total}")
    return 0 if is_good and total.passed and not total.failed else 1


def run_both(arguments: list[str], total: Count) -> set[int]:
    """Runs both at once and returns pytest's codes. The second has its say when the first is over."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        reports = {database: folder / f"{database}.xml" for database in DATABASES}
        said = stack.enter_context((folder / "said").open("w+b"))
        outputs: dict[str, IO[bytes] | None] = {"sqlite": None, "postgres": said}
        running = {
            database: stack.enter_context(
                start_pytest([f"--junitxml={report}", *arguments], database, output=outputs[database])
            )
            for database, report in reports.items()
        }
        codes: set[int] = set()
        for database, process in running.items():
            say(f"\n{DATABASES[database]}")
            codes.add(process.wait())
            count_into(total, reports[database])
        said.seek(0)
        shutil.copyfileobj(said, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return codes


def start_pytest(arguments: list[str], database: str, output: IO[bytes] | None) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "LICENSESYNC_TEST_DATABASE": database, covered.VARIABLE: covered.LEFT_OUT}
    # Each worker would compile all tests anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(WORKERS[database]), "--dist", "loadgroup", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)


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
