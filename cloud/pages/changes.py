"""The page that says why the number changed: a span and its reasons, the people of one, the changes in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from cloud.changes import (
    Between,
    Line,
    Point,
    PointUnknown,
    between,
    cause_words,
    people_between,
    point_at,
    point_now,
    read_point,
    revisions_between,
)
from cloud.models import Ledger, Revision
from cloud.people import Person, with_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAYS: Final = 30
"""So far the page looks back where nothing is chosen."""
_SPANS: Final = (7, 30, 90)
PEOPLE_PER_PAGE: Final = 50
REVISIONS_PER_PAGE: Final = 25


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A line of the equation, and where its people are listed; without an address where nobody is kept."""

    line: Line
    url: str

    @property
    def licenses(self) -> str:
        """What it does to the number, with its sign."""
        return signed(self.line.licenses)


@dataclass(frozen=True, kw_only=True)
class Tab:
    """A span that can be chosen."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Step:
    """A change of the books between the two points."""

    revision: Revision
    url: str

    @property
    def cause(self) -> str:
        """What made it."""
        return cause_words(self.revision.cause, self.revision.hostname)


@dataclass(frozen=True, kw_only=True)
class ChangesPage:
    """What the page shows; ``problem`` says what is wrong with the address, and then there is nothing else."""

    tabs: list[Tab]
    given: Mapping[str, str]
    problem: str = ""
    why: Between | None = None
    counted: tuple[Shown, ...] = ()
    quiet: tuple[Shown, ...] = ()
    steps: tuple[Step, ...] = ()
    chosen: Line | None = None
    people: tuple[Person, ...] = ()
    back_url: str = ""
    first_url: str = ""
    next_url: str = ""

    @property
    def start_label(self) -> str:
        """Of when the first number is."""
        return _label(self.why.start, _("At the beginning of %(day)s")) if self.why else ""

    @property
    def end_label(self) -> str:
        """Of when the second number is."""
        if self.why is None:
            return ""
        return _label(self.why.end, _("At the end of %(day)s")) if self.given["to"] else _("Now")

    @property
    def change(self) -> str:
        """How the number changed, with its sign."""
        return signed(self.why.difference) if self.why else ""

    @property
    def sentence(self) -> str:
        """The equation in words."""
        return equation(self.why) if self.why else self.problem


def changes_page(ledger: Ledger, query: Mapping[str, str], now: datetime) -> ChangesPage:
    """Read the address, and put together what the page shows: a bounded number of queries."""
    path = reverse("cloud:changes", args=[ledger.enterprise.slug])
    given = {name: query.get(name, "").strip() for name in ("from", "to", "reason", "host", "before")}
    given["from"] = given["from"] or _days_before(now, DAYS)
    tabs = list(_tabs(ledger, path, given, now))
    try:
        start, end = _points(ledger, given)
    except PointUnknown as problem:
        return ChangesPage(tabs=tabs, given=given, problem=str(problem))
    why = between(ledger, start, end)
    span = {"from": given["from"], "to": given["to"]}
    line = next((one for one in (*why.lines, *why.quiet) if _is_meant(one, given)), None)
    rest = _people(ledger, why, line, given) if line else _steps(ledger, why, given)
    cursor = rest.pop("cursor")
    here = {name: value for name, value in given.items() if name != "before"}
    return ChangesPage(
        tabs=tabs,
        given=given,
        why=why,
        counted=tuple(shown(path, one, span) for one in why.lines),
        quiet=tuple(shown(path, one, span) for one in why.quiet),
        back_url=_address(path, span),
        first_url=_address(path, here) if given["before"] else "",
        next_url=_address(path, {**here, "before": cursor}) if cursor else "",
        **rest,
    )


def shown(path: str, line: Line, span: Mapping[str, str]) -> Shown:
    """A line with its address, where there is somebody to list."""
    chosen = {**span, "reason": line.reason.value, "host": line.hostname}
    return Shown(line=line, url=_address(path, chosen) if line.listed else "")


def reasons_of(ledger: Ledger, revision: Revision) -> tuple[Shown, ...]:
    """The lines of one revision; those that change the number first."""
    before = Point(number=revision.number - 1, licenses=revision.licenses_before, at=None)
    after = Point(number=revision.number, licenses=revision.licenses_after, at=revision.at)
    path = reverse("cloud:changes", args=[ledger.enterprise.slug])
    why, span = between(ledger, before, after), {"from": before.text, "to": after.text}
    return tuple(shown(path, line, span) for line in (*why.lines, *why.quiet))


def equation(why: Between) -> str:
    """Say from where to where the number went, and why."""
    parts = [f"{signed(line.licenses)} {line.words}" for line in why.lines]
    if not why.is_recorded:
        parts.append(f"{signed(why.unrecorded_added - why.unrecorded_removed)} {_('not recorded')}")
    numbers = {"before": _number(why.start.licenses), "after": _number(why.end.licenses)}
    if not parts:
        sentence = ngettext(
            "%(after)s license before and after: no license came or went.",
            "%(after)s licenses before and after: no license came or went.",
            why.end.licenses,
        )
        return sentence % numbers
    joined = pgettext("between the reasons of an equation", "; ").join(parts)
    return _("From %(before)s to %(after)s licenses: %(reasons)s.") % {**numbers, "reasons": joined}


def signed(number: int) -> str:
    """A number with its sign, as people read it."""
    return f"{'+' if number > 0 else '−' if number else ''}{_number(abs(number))}"


@dataclass(frozen=True, kw_only=True)
class Recent:
    """How the number changed lately, and where that is explained."""

    words: str
    day: datetime
    url: str
    is_change: bool


def recent_change(ledger: Ledger, now: datetime) -> Recent:
    """What the licensing page says beside the total, in at most three queries."""
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    before = point_at(ledger, day)
    path = reverse("cloud:changes", args=[ledger.enterprise.slug])
    return Recent(
        words=signed(ledger.consumed - before.licenses),
        day=day,
        url=_address(path, {"from": day.date().isoformat()}),
        is_change=ledger.consumed != before.licenses,
    )


def _points(ledger: Ledger, given: Mapping[str, str]) -> tuple[Point, Point]:
    zone = timezone.get_current_timezone()
    start = read_point(ledger, given["from"], is_start=True, zone=zone)
    end = read_point(ledger, given["to"], is_start=False, zone=zone) if given["to"] else point_now(ledger)
    if start.number > end.number:
        raise PointUnknown(_("The end is before the beginning."))
    return start, end


def _tabs(ledger: Ledger, path: str, given: Mapping[str, str], now: datetime) -> Iterator[Tab]:
    last = ledger.revisions.filter(cause=Revision.Cause.SYNC).order_by("-number").values_list("number", flat=True)
    number = last.first()
    spans = {} if number is None else {str(number - 1): _("Since the last sync")}
    for days in _SPANS:
        spans.setdefault(_days_before(now, days), _("%(days)s days") % {"days": days})
    bought = ledger.usage.exclude(purchased=ledger.seats_purchased).order_by("-day").values_list("day", flat=True)
    if day := bought.first():
        spans.setdefault((day + timedelta(days=1)).isoformat(), _("Since the purchase changed"))
    for start, label in spans.items():
        is_current = given["from"] == start and not given["to"]
        yield Tab(label=label, url=_address(path, {"from": start}), is_current=is_current)


def _is_meant(line: Line, given: Mapping[str, str]) -> bool:
    return (line.reason.value, line.hostname) == (given["reason"], given["host"])


def _people(ledger: Ledger, why: Between, line: Line, given: Mapping[str, str]) -> dict[str, Any]:
    found = people_between(
        ledger,
        why.start,
        why.end,
        reason=line.reason,
        hostname=line.hostname,
        limit=PEOPLE_PER_PAGE + 1,
        behind=given["before"],
    )
    listed = found[:PEOPLE_PER_PAGE]
    return {
        "chosen": line,
        "people": tuple(with_accounts(ledger, [one.license for one in listed])),
        "cursor": listed[-1].cursor if len(found) > len(listed) else "",
    }


def _steps(ledger: Ledger, why: Between, given: Mapping[str, str]) -> dict[str, Any]:
    before, slug = given["before"], ledger.enterprise.slug
    revisions = revisions_between(ledger, why.start, why.end)
    if before.isascii() and before.isdecimal() and len(before) <= len("9" * 18):
        revisions = revisions.filter(number__lt=int(before))
    found = list(revisions[: REVISIONS_PER_PAGE + 1])
    listed = found[:REVISIONS_PER_PAGE]
    return {
        "steps": tuple(Step(revision=one, url=reverse("cloud:change", args=[slug, one.number])) for one in listed),
        "cursor": str(listed[-1].number) if len(found) > len(listed) else "",
    }


def _label(point: Point, of_day: str) -> str:
    if point.day:
        return of_day % {"day": formats.date_format(point.day, "DATE_FORMAT")}
    return _("After revision %(number)s") % {"number": point.number} if point.at else _("Before the first count")


def _days_before(now: datetime, days: int) -> str:
    return (timezone.localtime(now).date() - timedelta(days=days)).isoformat()


def _address(path: str, query: Mapping[str, str]) -> str:
    said = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{said}" if said else path


def _number(number: int) -> str:
    return formats.number_format(number, force_grouping=True)
