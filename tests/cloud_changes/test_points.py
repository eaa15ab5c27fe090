"""The number as of a date, where the reader is, or as of a revision."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cloud.changes import PointUnknown, point_now, read_point
from cloud.models import Ledger, Revision

pytestmark = pytest.mark.django_db

CHANGES = ("added", "split", "removed", "merged", "matched", "unmatched")
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture
def history(ledger: Ledger) -> Ledger:
    """One license from 1 November, 23:30 UTC, two from 3 November, none from 5 November."""
    moments = [
        datetime(2026, 11, 1, 23, 30, tzinfo=UTC),
        datetime(2026, 11, 3, 12, tzinfo=UTC),
        datetime(2026, 11, 5, 12, tzinfo=UTC),
    ]
    numbers = ["licenses_added", "licenses_removed", *(f"people_{change}" for change in CHANGES)]
    none = dict.fromkeys(numbers, 0)
    Revision.objects.bulk_create(
        Revision(ledger=ledger, number=number, at=at, licenses_before=before, licenses_after=after, **none)
        for number, (at, before, after) in enumerate(zip(moments, (0, 1, 2), (1, 2, 0), strict=True), start=1)
    )
    return ledger


@pytest.mark.parametrize(
    ("text", "is_start", "zone", "number", "licenses"),
    [
        ("0001-01-01", True, TOKYO, 0, 0),
        ("2026-10-01", True, UTC, 0, 0),
        ("2026-11-01", True, UTC, 0, 0),
        ("2026-11-01", False, UTC, 1, 1),
        ("2026-11-01", False, TOKYO, 0, 0),
        ("2026-11-02", True, TOKYO, 0, 0),
        ("2026-11-03", False, UTC, 2, 2),
        ("2026-11-05", True, UTC, 2, 2),
        ("2030-01-01", False, UTC, 3, 0),
        ("9999-12-30", False, UTC, 3, 0),
        ("0", True, UTC, 0, 0),
        ("2", False, UTC, 2, 2),
    ],
)
def test_point_is_the_number_at_that_moment(
    history: Ledger, text: str, is_start: bool, zone: ZoneInfo, number: int, licenses: int
) -> None:
    point = read_point(history, text, is_start=is_start, zone=zone)

    assert (point.number, point.licenses, point.text) == (number, licenses, text)


@pytest.mark.parametrize(
    "text", ["", "4", "-1", "9" * 19, "1.5", "yesterday", "2026-13-01", "2026-02-30", "26-11-01", "9999-12-31", "²"]
)
def test_what_is_no_point_is_said(history: Ledger, text: str) -> None:
    with pytest.raises(PointUnknown) as refused:
        read_point(history, text, is_start=False, zone=UTC)

    assert len(str(refused.value)) > 20


def test_books_without_history_have_one_point(ledger: Ledger) -> None:
    assert point_now(ledger) == read_point(ledger, "0", is_start=True, zone=UTC)
    assert point_now(ledger).licenses == 0


def test_first_kept_revision_tells_what_was_before(history: Ledger) -> None:
    history.revisions.get(number=1).delete()

    before = read_point(history, "2020-01-01", is_start=True, zone=UTC)

    assert (before.number, before.licenses, before.at) == (1, 1, None)
