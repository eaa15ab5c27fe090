"""Writes the usage file of a server: what a sync would send now, signed."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import CommandError
from django.utils import timezone

from connect.models import Server
from enterprises.commands import ReportingCommand
from enterprises.moments import iso
from licensesync.commands import find_server, progress_bar, written
from licensesync.exporting import ExportUnderWay, export_now, record_download
from licensesync.failures import explain
from licensesync.models import SeatSource, SyncJob
from licensesync.snapshot import NoSeats
from licensesync.usage_files import UsageFile, usage_file
from wire import signing


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
        file = _made(found)
        record_download(server=found, file=file, by=None, at=timezone.now())
        if output is None:
            sys.stdout.buffer.writelines(file)
            return
        written(output, file)
        header = file.header
        key = signing.fingerprint(header.server_key)
        self.report(
            f"The license usage of {found} is in {output}: {header.accounts} accounts, seats "
            f"of {iso(header.taken_at)}. It is signed by the key with the fingerprint {key}, which the cloud "
            "asks for the first time. Upload it there, and bring the receipt back with import_receipt.",
            as_json=json,
            file=str(output),
            snapshot_id=header.snapshot_id,
            accounts=header.accounts,
            sha256=header.sha256,
            taken_at=msgspec.to_builtins(header.taken_at),
            fingerprint=key,
        )


def _made(server: Server) -> UsageFile:
    """:raises CommandError: there is no file, and why"""
    seats = SeatSource.objects.filter(server=server).values_list("license_consuming", flat=True).first()
    try:
        with progress_bar("accounts", total=seats) as show:
            job = export_now(server=server, clock=timezone.now, wait=time.sleep, show=show)
    except NoSeats as error:
        raise CommandError(str(error.sentence)) from error
    except ExportUnderWay as error:
        raise CommandError(str(error)) from error
    if job.state != SyncJob.State.EXPORTED:
        why = explain(job.error_code)
        raise CommandError(f"{why.sentence} {why.next_step}".strip())
    return usage_file(server, job)
