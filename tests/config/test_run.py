"""The closing line of `make test`."""

import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from tests import run
from tests.run import Count, count_into, run_both

REPORT = """<testsuites><testsuite>
<testcase name="good"/>
<testcase name="printed"><system-out>text</system-out></testcase>
<testcase name="bad"><failure message="no"/></testcase>
<testcase name="broken"><error message="no"/></testcase>
<testcase name="left out"><skipped message="no"/></testcase>
</testsuite></testsuites>"""


def test_report_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    total = Count()

    count_into(total, report)

    assert (total.passed, total.failed, total.skipped) == (2, 2, 1)


def test_missing_report_counts_nothing(tmp_path: Path) -> None:
    total = Count(passed=3)

    count_into(total, tmp_path / "nowhere.xml")

    assert total == Count(passed=3)


def test_closing_line_names_what_did_not_run_only_where_something_did_not() -> None:
    assert str(Count(passed=7)) == "7 passed, 0 failed"
    assert str(Count(passed=7, failed=1, skipped=2)) == "7 passed, 1 failed, 2 skipped"
    assert str(Count(passed=7, not_run=4)) == "7 passed, 0 failed, 4 not run (no browser could be provided)"


def test_both_databases_run_at_once_and_speak_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each waits for the other to have begun, so that one after the other would never end."""
    pipe = tmp_path / "pipe"
    subprocess.run(["mkfifo", pipe], check=True)

    def start(arguments: list[str], database: str, output: IO[bytes] | None) -> "subprocess.Popen[bytes]":
        report = arguments[0].removeprefix("--junitxml=")
        # Opening a pipe waits for its other end.
        way = "<" if database == "sqlite" else ">"
        script = f'echo "it is $0"; : {way} "$1"; echo "$2" > "$3"; exit "$4"'
        words = [database, str(pipe), REPORT, report, "0" if database == "sqlite" else "3"]
        return subprocess.Popen(["sh", "-c", script, *words], stdout=output, stderr=output)

    monkeypatch.setattr(run, "start_pytest", start)
    total = Count()

    codes = run_both([], total)

    sys.stdout.flush()
    assert codes == {0, 3}
    assert (total.passed, total.failed, total.skipped) == (4, 4, 2)
    said = capfd.readouterr().out
    assert said.index("it is sqlite") < said.index("\nPostgreSQL") < said.index("it is postgres")
