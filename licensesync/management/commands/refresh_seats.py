"""Fetches a server's seats anew from its source, here and now, without a worker."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from enterprises.commands import ReportingCommand
from licensesync.commands import find_server
from licensesync.failures.sources import OF_SOURCES
from licensesync.jobs import ClaimLost
from licensesync.seats.changes import SeatChange
from licensesync.sources.failure import SourceFailure
from licensesync.sources.refreshing import Refresher, automatic
from licensesync.sources.status import source_values


class Command(ReportingCommand):
    """Refresh the seats, whole or not at all."""

    help = (
        "Refresh the seats of a server from its source: GHES's report of all accounts, or the watched file. The list "
        "is taken whole or not at all; a sync does the same before it sends."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("--allow-shrink", action="store_true", help="let a large part of the accounts be removed")

    def handle(self, *, server: str, json: bool, allow_shrink: bool, **_options: Any) -> None:
        """Refresh, and say what changed."""
        found = find_server(server)
        if not automatic(found).exists():
            raise CommandError(f"{found} has no source but imports: seat_source {server} ghes or file sets one.")
        try:
            change = Refresher().refresh(found, allow_shrink=allow_shrink)
        except SourceFailure as failure:
            hint = "Give --allow-shrink if it is." if failure.code == "source_shrink" else ""
            step = hint or OF_SOURCES[failure.code].next_step
            raise CommandError(f"{failure} {step}") from failure
        except ClaimLost as lost:
            raise CommandError("The source was changed meanwhile, so nothing was used.") from lost
        names = ("added", "changed", "removed")
        values = source_values(found)
        changes = {name: getattr(change, name) if change else 0 for name in names}
        self.report(_line(found, change, values), as_json=json, **changes, source=values)


def _line(server: Any, change: SeatChange | None, values: dict[str, Any]) -> str:
    held = f"{values['accounts']} accounts, {values['license_consuming']} of them with a license"
    taken = f"The list was taken at {values['taken_at']}."
    if change is None:
        return f"{server} holds {held}: the file has not changed since it was read. {taken}"
    counts = f"{change.added} added, {change.changed} changed, {change.removed} removed"
    return f"{server} holds {held}: {counts}. {taken}"
