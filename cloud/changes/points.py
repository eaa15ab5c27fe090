"""A point of the history: the number as of a date, or as of a revision."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from django.utils.translation import gettext as _

from cloud.models import Ledger

_REVISION: Final = re.compile(r"\A\d{1,18}\Z", re.ASCII)
# Nothing was counted before, and no time zone leads out of what a database can compare.
_EARLIEST: Final = date(1970, 1, 1)
_DAY: Final = re.compile(r"\A\d{4}-\d{2}-\d{2}\Z", re.ASCII)


class PointUnknown(ValueError):
    """What was asked for is no date and no revision that is kept; its text says so."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where the count stood after revision ``number``, in licenses; ``number`` is 0 before the first one.

    ``day`` is the date that was asked for, if it was one; ``at`` when the revision was made, None before the first one
    that is kept.
    """

    number: int
    licenses: int
    at: datetime | None
    day: date | None = None

    @property
    def text(self) -> str:
        """The point as it is written in an address or a command."""
        return self.day.isoformat() if self.day else str(self.number)


def read_point(ledger: Ledger, text: str, *, is_start: bool, zone: tzinfo) -> Point:
    """Return the point that a text names: ``2026-11-24``, or ``17`` for what revision 17 led to.

    A date means its beginning in ``zone`` where it is the start of a span, else its end. One or two queries.

    :raises PointUnknown: neither a date, nor a revision that is kept.
    """
    if _REVISION.match(text):
        return _at_revision(ledger, int(text))
    day = _read_day(text)
    try:
        first = day if is_start else day + timedelta(days=1)
        moment = datetime.combine(max(first, _EARLIEST), time.min, tzinfo=zone)
        return point_at(ledger, moment, day=day)
    except OverflowError as error:
        raise _no_date(text) from error


def point_at(ledger: Ledger, moment: datetime, *, day: date | None = None) -> Point:
    """Return where the count stood right before a moment."""
    last = ledger.revisions.filter(at__lt=moment).order_by("-number").first()
    if last is None:
        return _before_all(ledger, day)
    return Point(number=last.number, licenses=last.licenses_after, at=last.at, day=day)


def point_now(ledger: Ledger) -> Point:
    """Return where the count stands."""
    last = ledger.revisions.order_by("-number").first()
    return Point(number=last.number, licenses=last.licenses_after, at=last.at) if last else _before_all(ledger, None)


def _before_all(ledger: Ledger, day: date | None) -> Point:
    """Where the count stood before the first revision that is kept."""
    first = ledger.revisions.order_by("number").first()
    number, licenses = (first.number - 1, first.licenses_before) if first else (0, ledger.consumed)
    return Point(number=number, licenses=licenses, at=None, day=day)


def _at_revision(ledger: Ledger, number: int) -> Point:
    found = ledger.revisions.filter(number=number).first()
    if found:
        return Point(number=number, licenses=found.licenses_after, at=found.at)
    before = _before_all(ledger, None)
    if number == before.number:
        return before
    raise PointUnknown(_("There is no revision %(number)s, or it is not kept any more.") % {"number": number})


def _read_day(text: str) -> date:
    if not _DAY.match(text):
        raise _no_date(text)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _no_date(text) from error


def _no_date(text: str) -> PointUnknown:
    shown = text if len(text) <= len("2026-11-24") else f"{text[:10]}…"
    return PointUnknown(_("“%(text)s” is no date, such as 2026-11-24, and no revision.") % {"text": shown})
