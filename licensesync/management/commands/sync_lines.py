"""The exact lines that will be sent, or were: printed or stored, with their digest."""

import hashlib
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from connect.models import Server
from enterprises.commands import ReportingCommand
from licensesync import services, snapshot
from licensesync.commands import find_server, written
from licensesync.models import SyncJob


class Command(ReportingCommand):
    """Print what travels, byte by byte."""

    help = "Print the lines that will be sent, or store them in a file; --sent: those of the last successful sync."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("--sent", action="store_true", help="what was sent last, not what will be")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write them here, and print size and digest")

    def handle(self, *, server: str, sent: bool, output: Path | None, **options: Any) -> None:
        """Write them, or with --json alone only count them."""
        found = find_server(server)
        job = _last(found) if sent else None
        content = _Counted(snapshot.sent_bytes(job) if job else snapshot.outgoing_lines(found))
        if output is not None:
            services.record_download(server=found, job=job, by=None, at=timezone.now())
            written(output, content)
        elif options["json"]:
            for _lines in content:
                pass
        else:
            services.record_download(server=found, job=job, by=None, at=timezone.now())
            for lines in content:
                self.stdout.write(lines.decode(), ending="")
            return
        self.report(
            f"{content.lines} lines, {content.size} bytes, SHA-256 {content.sha256.hexdigest()}, are in {output}.",
            as_json=options["json"],
            lines=content.lines,
            bytes=content.size,
            sha256=content.sha256.hexdigest(),
            job=job.pk if job else None,
        )


class _Counted:
    """Passes lines on, and knows afterwards how many there were."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._content = content
        self.lines = self.size = 0
        self.sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        """Each piece once."""
        for piece in self._content:
            self.lines += piece.count(b"\n")
            self.size += len(piece)
            self.sha256.update(piece)
            yield piece


def _last(server: Server) -> SyncJob:
    job = snapshot.last_sent(server)
    if job is None:
        raise CommandError("Nothing was sent yet.")
    if job.part_count and not job.parts.exists():
        raise CommandError("The lines are not kept any more: GitHub Connect was disabled.")
    return job
