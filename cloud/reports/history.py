"""How the count went, day by day: what the page's chart and table, the CSV file and the command say.

A day has a row whether it was counted or not: where nothing happened, the numbers are those of the day before. Days are
days in UTC.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Final, TypeVar

from django.db.models import QuerySet

from cloud.models import Installation, InstallationPoint, Ledger, UsagePoint
from enterprises.csv_cells import Line, cell

SPANS: Final[dict[str, int | None]] = {"90": 90, "365": 365, "all": None}
"""How far back a history goes, in days."""
DEFAULT_SPAN: Final = "90"

PACE_DAYS: Final = 90
MIN_PACE_DAYS: Final = 60
MAX_UNEVENNESS: Final = 3
MAX_FORECAST_DAYS: Final = 730


@dataclass(frozen=True, kw_only=True)
class HistoryDay:
    """The licenses of an account on one day: the last count, and ``peak``, the highest."""

    day: date
    consumed: int
    peak: int
    counted_apart: int
    saved: int
    purchased: int


@dataclass(frozen=True, kw_only=True)
class ServerDay:
    """What one server had on one day: its accounts, and the licenses that only it adds."""

    day: date
    accounts: int
    added_licenses: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """When the purchased licenses are used up, and of how many days the pace is."""

    of_days: int
    used_up_on: date


_Point = TypeVar("_Point", UsagePoint, InstallationPoint)


def history(ledger: Ledger, *, span: str, today: date) -> list[HistoryDay]:
    """The days of an account until today, oldest first, from its first count at the earliest; in two queries.

    ``span`` is one of ``SPANS``, everything else is the default one.
    """
    counted = _points(ledger.usage.all(), span, today)
    return [
        HistoryDay(
            day=day,
            consumed=point.consumed,
            # The highest count is one of the day on which it was counted.
            peak=point.peak if point.day == day else point.consumed,
            counted_apart=point.counted_apart,
            saved=point.counted_apart - point.consumed,
            purchased=point.purchased,
        )
        for day, point in _every_day(counted, span, today)
    ]


def server_history(installation: Installation, *, span: str, today: date) -> list[ServerDay]:
    """The days of a server until today, oldest first, from its first count at the earliest; in two queries."""
    counted = _points(installation.points.all(), span, today)
    return [
        ServerDay(day=day, accounts=point.accounts, added_licenses=point.added_licenses)
        for day, point in _every_day(counted, span, today)
    ]


def forecast(days: Sequence[HistoryDay]) -> Forecast | None:
    """Say when the purchased licenses are used up at the pace of the last 90 days; None where nobody can.

    It takes 60 days at the least and free licenses, and growth in both halves of these days, in neither more than
    three times that in the other: a server that was connected is no pace. Nothing is said of what is more than two
    years away.
    """
    recent = days[-PACE_DAYS - 1 :]
    if len(recent) <= MIN_PACE_DAYS:
        return None
    first, middle, last = recent[0], recent[len(recent) // 2], recent[-1]
    halves = (middle.consumed - first.consumed, last.consumed - middle.consumed)
    available = last.purchased - last.consumed
    if min(halves) <= 0 or max(halves) > MAX_UNEVENNESS * min(halves) or available <= 0:
        return None
    length = (last.day - first.day).days
    left = available * length // sum(halves)
    if left > MAX_FORECAST_DAYS:
        return None
    return Forecast(of_days=length, used_up_on=last.day + timedelta(days=left))


def history_csv(days: Sequence[HistoryDay | ServerDay], kind: type[HistoryDay] | type[ServerDay]) -> Iterator[str]:
    """The header, then one line per day."""
    names = [field.name for field in fields(kind)]
    pen = csv.writer(Line())
    yield pen.writerow(["date" if name == "day" else name for name in names])
    for each in days:
        yield pen.writerow([cell(getattr(each, name)) for name in names])


def _points(points: QuerySet[_Point], span: str, today: date) -> list[_Point]:
    """The points of a span by day, after the last one before it."""
    length = SPANS.get(span, SPANS[DEFAULT_SPAN])
    if length is None:
        return list(points.order_by("day"))
    first = today - timedelta(days=length)
    before = points.filter(day__lt=first).order_by("-day")[:1]
    return list(before) + list(points.filter(day__gte=first).order_by("day"))


def _every_day(points: Sequence[_Point], span: str, today: date) -> Iterator[tuple[date, _Point]]:
    """Every day of a span with the point that holds on it."""
    length = SPANS.get(span, SPANS[DEFAULT_SPAN])
    start = date.min if length is None else today - timedelta(days=length)
    for at, point in enumerate(points):
        # What is held on the last day holds until today, also where another clock was ahead.
        end = points[at + 1].day if at + 1 < len(points) else max(today, point.day) + timedelta(days=1)
        day = max(point.day, start)
        while day < end:
            yield day, point
            day += timedelta(days=1)
