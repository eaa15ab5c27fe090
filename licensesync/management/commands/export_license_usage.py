"""Writes the usage file of a server: what a sync would send now, signed."""

import sys
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import CommandError
from django.utils import timezone

from enterprises.commands import ReportingCommand
from licensesync.commands import find_server, written
from licensesync.snapshot import NoSeats
from licensesync.usage_file import export_usage


class Command(ReportingCommand):
    """Export license usage, to a file or to the standard output; the file is JSON, also without --json."""

    help = "Write what a sync would send now as one signed file: the license, the server, ids and addresses."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to; the standard output unless given")

    def handle(self, *, server: str, output: Path | None, json: bool, **options: Any) -> None:
        """Write it, and say what it holds where that does not stand in the way of the file."""
        found = find_server(server)
        try:
            file = export_usage(server=found, by=None, at=timezone.now())
        except NoSeats as error:
            raise CommandError(str(error.sentence)) from error
        with closing(file):
            if output is None:
                sys.stdout.buffer.writelines(file)
                return
            written(output, file)
        header = file.header
        self.report(
            f"The license usage of {found} is in {output}.",
            as_json=json,
            file=str(output),
            snapshot_id=header.snapshot_id,
            accounts=header.accounts,
            sha256=header.sha256,
            taken_at=msgspec.to_builtins(header.taken_at),
        )
