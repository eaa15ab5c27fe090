"""The closing line of `make test`."""

from pathlib import Path

from tests.run import Count, count_into

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
