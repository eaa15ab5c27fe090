"""Imports a server's seats from GHES's report or NDJSON."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError
from django.utils import timezone

from connect.models import Server
from enterprises.commands import ReportingCommand
from licensesync import services
from licensesync.commands import find_server, progress_bar, read_time, refused
from licensesync.seats.changes import SeatChange


class Command(ReportingCommand):
    """Import seats, all or nothing."""

    help = (
        "Import the seats of a server from GHES's report (CSV) or NDJSON. The file is the complete list unless "
        "--partial is given; a bad line is named and nothing is imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("file", help="a file, or - for standard input")
        parser.add_argument("--format", choices=("csv", "ndjson"), help="seen from the file unless given")
        parser.add_argument("--partial", action="store_true", help="add and change only: who is absent stays")
        parser.add_argument("--allow-shrink", action="store_true", help="let a large part of the accounts be removed")
        parser.add_argument("--taken-at", default="", metavar="TIME", help="when the list was taken; now unless given")
        parser.add_argument("--preview", action="store_true", help="say what would change, and change nothing")

    def handle(self, *, server: str, file: str, json: bool, preview: bool, **options: Any) -> None:
        """Import, and say what changed."""
        found = find_server(server)
        taken_at = read_time(options["taken_at"]) if options["taken_at"] else None
        shrink = refused(services.ShrinkNotAllowed, hint="Give --allow-shrink if it is.")
        with _opened(file) as stream, progress_bar("accounts") as progress, refused(services.SeatsInvalid), shrink:
            shared: dict[str, Any] = {
                "server": found,
                "stream": stream,
                "format": options["format"],
                "partial": options["partial"],
                "progress": progress,
            }
            if preview:
                change = services.preview_seats(**shared)
            else:
                change = services.import_seats(
                    **shared, by=None, at=timezone.now(), taken_at=taken_at, allow_shrink=options["allow_shrink"]
                )
        self.report(_line(found, change, is_preview=preview), as_json=json, **_numbers(change))


def _opened(file: str) -> IO[bytes]:
    if file == "-":
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error


def _line(server: Server, change: SeatChange, *, is_preview: bool) -> str:
    would = "would hold" if is_preview else "holds"
    return (
        f"{server} {would} {change.accounts} accounts, {change.license_consuming} of them with a license: "
        f"{change.added} added, {change.changed} changed, {change.removed} removed."
    )


def _numbers(change: SeatChange) -> dict[str, Any]:
    names = ("accounts", "license_consuming", "added", "changed", "removed", "held", "license_consuming_before")
    return {name: getattr(change, name) for name in names}
