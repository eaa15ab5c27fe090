"""Says why the number of consumed licenses changed, and whom a reason concerned."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from cloud import changes
from cloud.management.naming import find_account
from cloud.models import Ledger, Reason
from cloud.pages.changes import DAYS, equation, signed
from enterprises.commands import ReportingCommand
from enterprises.moments import iso

if TYPE_CHECKING:
    from argparse import ArgumentParser

_AT_ONCE = 1_000


class Command(ReportingCommand):
    help = (
        "Say why the number of consumed licenses changed between two days or revisions: every reason with its number. "
        "With --reason list the people of one, as far as they are listed still."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument(
            "--from",
            dest="start",
            metavar="DAY|REVISION",
            help=f"a day such as 2026-11-24, from its beginning on, or a revision; if left out, {DAYS} days ago",
        )
        parser.add_argument("--to", dest="end", metavar="DAY|REVISION", help="a day, to its end, or a revision; or now")
        parser.add_argument("--reason", choices=[one.value for one in Reason], metavar="REASON", help="list its people")
        parser.add_argument("--server", metavar="HOSTNAME", default="", help="of the reason, where it names a server")

    def handle(
        self, *, cloud: str, start: str | None, end: str | None, reason: str | None, server: str, json: bool, **_: Any
    ) -> None:
        ledger = find_account(cloud)
        first, last = _points(ledger, start, end)
        if reason:
            self._say_people(ledger, first, last, Reason(reason), server, as_json=json)
        else:
            self._say_why(changes.between(ledger, first, last), as_json=json)

    def _say_why(self, why: changes.Between, *, as_json: bool) -> None:
        lines = [equation(why), *map(_line, (*why.lines, *why.quiet))]
        if not why.is_recorded:
            numbers = f"+{why.unrecorded_added} -{why.unrecorded_removed}"
            since = f"before {iso(why.recorded_since)}" if why.recorded_since else "so far"
            lines.append(f"{numbers} not recorded: no reasons were kept {since}")
        self.report(
            "\n".join(lines),
            as_json=as_json,
            start=_values(why.start),
            end=_values(why.end),
            difference=why.difference,
            reasons=[
                {
                    "reason": line.reason.value,
                    "server": line.hostname,
                    "words": line.words,
                    "licenses": line.licenses,
                    "people": line.people,
                    "still_listed": line.listed,
                }
                for line in (*why.lines, *why.quiet)
            ],
            not_recorded={
                "added": why.unrecorded_added,
                "removed": why.unrecorded_removed,
                "recorded_since": iso(why.recorded_since),
            },
        )

    def _say_people(
        self, ledger: Ledger, start: changes.Point, end: changes.Point, reason: Reason, server: str, *, as_json: bool
    ) -> None:
        found: list[changes.Concerned] = []
        while page := changes.people_between(
            ledger,
            start,
            end,
            reason=reason,
            hostname=server,
            limit=_AT_ONCE,
            behind=found[-1].cursor if found else "",
        ):
            found += page
        people = [{"id": one.license.pk, "person": one.license.label, "revision": one.number} for one in found]
        lines = [f"{one['person']} (revision {one['revision']})" for one in people]
        self.report("\n".join(lines) or "Nobody who is listed now.", as_json=as_json, people=people)


def _points(ledger: Ledger, start: str | None, end: str | None) -> tuple[changes.Point, changes.Point]:
    zone = timezone.get_default_timezone()
    ago = (timezone.localtime(timezone=zone).date() - timedelta(days=DAYS)).isoformat()
    try:
        first = changes.read_point(ledger, start or ago, is_start=True, zone=zone)
        last = changes.read_point(ledger, end, is_start=False, zone=zone) if end else changes.point_now(ledger)
    except changes.PointUnknown as error:
        raise CommandError(str(error)) from error
    if first.number > last.number:
        raise CommandError("The end is before the beginning.")
    return first, last


def _line(line: changes.Line) -> str:
    return f"{signed(line.licenses)} {line.words} (people: {line.people}, still listed: {line.listed})"


def _values(point: changes.Point) -> dict[str, Any]:
    return {
        "revision": point.number,
        "licenses": point.licenses,
        "at": iso(point.at),
    }
