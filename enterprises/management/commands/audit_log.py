"""Prints the audit log, for people or as the lines that GitHub's export has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from enterprises import audit_log, audit_words
from enterprises.commands import ReportingCommand, find_enterprise

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "Print who did what, newest first; --json streams one JSON object a line and is itself an event of the log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "enterprise", nargs="?", default="", help="without one: what concerns people, their tokens and links only"
        )
        parser.add_argument("--actor", default="", metavar="USER", help="what this person did, or system")
        parser.add_argument("--action", default="", help="such as license_sync.failed, or license_sync for all of them")
        parser.add_argument("--since", metavar="TIME", help="a day of UTC, or a time such as 2026-03-02T09:30:00Z")
        parser.add_argument("--until", metavar="TIME", help="the first moment that is not meant")

    def handle(
        self,
        *,
        enterprise: str,
        actor: str,
        action: str,
        since: str | None,
        until: str | None,
        json: bool,
        **options: Any,
    ) -> None:
        filters = audit_log.Filters(actor=actor, action=action, since=_moment(since), until=_moment(until))
        of = find_enterprise(enterprise) if enterprise else None
        if json:
            found = audit_log.begin_export(of, filters, by=None, at=timezone.now())
            for line in audit_log.ndjson(found, of):
                self.stdout.write(line, ending="")
            return
        for event in audit_log.events(of, filters).iterator():
            changed = "; ".join(
                f"{change.name}: {' -> '.join(filter(None, (change.before, change.after)))}"
                for change in audit_words.changes(event)
            )
            said = [f"{event.at:%Y-%m-%d %H:%M:%S} UTC", event.actor_name, event.action, event.target, changed]
            self.stdout.write("  ".join(filter(None, said)))


def _moment(text: str | None) -> datetime | None:
    """:raises CommandError: when it is neither a day nor a time."""
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
        day = parse_date(text)
        if day and len(text) <= len("2026-03-02"):
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if moment is not None:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        # The same as what cannot be read: there is no such day in UTC.
        pass
    raise CommandError(f"{text!r} is neither a day nor a time such as 2026-03-02T09:30:00Z.")
