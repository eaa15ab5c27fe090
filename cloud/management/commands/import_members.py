"""Imports the members of a cloud account, all of the file or nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from cloud.management.naming import find_account
from cloud.members import MembersInvalid, ShrinkNotAllowed
from cloud.services import import_members
from enterprises.commands import ReportingCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import BinaryIO


class Command(ReportingCommand):
    help = "Import members from GitHub's consumed-licenses CSV or NDJSON; the file is the complete list."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--partial", action="store_true", help="members that are not in the file stay")
        parser.add_argument("--allow-shrink", action="store_true", help="it is meant that many members go")

    def handle(self, *, cloud: str, file: Path, partial: bool, allow_shrink: bool, json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        try:
            with file.open("rb") as stream, _Watched(stream, file.stat().st_size) as watched:
                change = import_members(
                    ledger=ledger,
                    stream=watched,
                    by=None,
                    at=timezone.now(),
                    partial=partial,
                    allow_shrink=allow_shrink,
                )
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except ShrinkNotAllowed as error:
            raise CommandError(
                f"Nothing was imported: {error.removed} of {error.held} members would go; "
                "add --allow-shrink if the list is complete, --partial if it is not."
            ) from error
        except MembersInvalid as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        line = (
            f"Imported {change.members} members into {cloud}: {change.added} added, {change.changed} changed, "
            f"{change.removed} removed; licenses {change.licenses_before} before, {change.licenses_after} after."
        )
        self.report(
            line,
            as_json=json,
            members=change.members,
            added=change.added,
            changed=change.changed,
            removed=change.removed,
            licenses_before=change.licenses_before,
            licenses_after=change.licenses_after,
        )


class _Watched:
    """A file whose reading shows as a progress bar on a terminal."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._bar = tqdm(total=size, unit="B", unit_scale=True, disable=not sys.stderr.isatty())

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._bar.close()

    def readline(self, limit: int = -1, /) -> bytes:
        line = self._stream.readline(limit)
        self._bar.update(len(line))
        return line
