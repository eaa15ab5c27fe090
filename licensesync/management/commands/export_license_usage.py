"""Writes the usage file of a server: what a sync would send now, signed."""

import sys
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensesync.commands import find_server
from licensesync.snapshot import NoSeats
from licensesync.usage_file import UsageFile, export_usage


class Command(BaseCommand):
    """Export license usage, to a file or to the standard output."""

    help = "Write what a sync would send now as one signed file: the license, the server, ids and addresses."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("--output", type=Path, metavar="FILE", help="where to; the standard output unless given")

    def handle(self, *, server: str, output: Path | None, **options: Any) -> None:
        """Write it."""
        found = find_server(server)
        try:
            file = export_usage(server=found, by=None, at=timezone.now())
        except NoSeats as error:
            raise CommandError(str(error.sentence)) from error
        with closing(file):
            _write(file, output)
        if output is not None:
            self.stdout.write(f"The license usage of {found} is in {output}.")


def _write(file: UsageFile, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.writelines(file)
        return
    try:
        with output.open("wb") as written:
            written.writelines(file)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
