"""Takes the usage file of a server in, as "Add server usage" does, for servers that no line leads to."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

import msgspec
from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from cloud.management.naming import find_account
from cloud.models import Channel
from cloud.usage_files import (
    UnknownServer,
    UploadCode,
    UploadRefused,
    receipt_fingerprint,
    receipt_of,
    status_of,
    upload_now,
)
from enterprises.commands import ReportingCommand
from enterprises.moments import iso
from wire.messages import ErrorCode

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from cloud.models import Intake
    from cloud.usage_files import Progress

STDIN: Final = "-"
_OPENINGS: Final = {
    "SUCCESS": "The usage of {host} is applied to {cloud}, revision {revision}:",
    "ALREADY_APPLIED": "This file of {host} was applied to {cloud} before, revision {revision}; nothing changed now:",
    "READY": "Preview, nothing is applied: the usage of {host} in {cloud} at revision {revision}:",
}
_RESULT: Final = (
    "{accounts} accounts ({added} added, {changed} changed, {removed} removed), people {people_added} added and "
    "{people_removed} removed, licenses {licenses_added} added and {licenses_removed} removed: "
    "{licenses_before} before, {licenses_after} after."
)
_UNKNOWN: Final = (
    "{cloud} does not know the server {hostname}. Its file is signed by a key with the fingerprint {fingerprint}. "
    "Compare that with the one on the server's page of usage files; if it is the same, run this again with "
    "--fingerprint '{fingerprint}'."
)
_OPTIONS: Final[dict[str, str]] = {
    ErrorCode.SHRINK_UNCONFIRMED: "--allow-shrink",
    ErrorCode.HOSTNAME_CHANGED: "--allow-rename",
}


class Command(ReportingCommand):
    help = "Take in the usage file of a server; a file that was applied before changes nothing, and is no error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("file", metavar="FILE", help="as export_license_usage wrote it; - is the standard input")
        parser.add_argument("--preview", action="store_true", help="say what it would change, and change nothing")
        parser.add_argument("--receipt", type=Path, metavar="FILE", help="where the receipt for the server goes")
        parser.add_argument(
            "--fingerprint", default="", metavar="FP", help="of the server's key: registers a server that is not known"
        )
        parser.add_argument("--allow-shrink", action="store_true", help="it is meant that many accounts go")
        parser.add_argument("--allow-rename", action="store_true", help="the server was renamed")

    def handle(self, *, cloud: str, file: str, preview: bool, receipt: Path | None, json: bool, **options: Any) -> None:
        """Exit with 0 where the file is in the books, also from an earlier time; with 1 where it is not."""
        ledger = find_account(cloud)
        _check_receipt(receipt, is_preview=preview)
        try:
            with _opened(file) as stream, _progress_bar() as progress:
                intake = upload_now(
                    ledger=ledger,
                    stream=stream,
                    name="" if file == STDIN else Path(file).name,
                    by=None,
                    at=timezone.now(),
                    preview=preview,
                    fingerprint=options["fingerprint"],
                    allow_shrink=options["allow_shrink"],
                    allow_rename=options["allow_rename"],
                    progress=progress,
                )
        except UploadRefused as error:
            before = None if preview else _applied_before(error)
            if before is None:
                self._refuse(error, cloud, as_json=json)
            self._say(before, "ALREADY_APPLIED", cloud, receipt, as_json=json)
        else:
            self._say(intake, status_of(intake).state.value, cloud, receipt, as_json=json)

    def _say(self, intake: Intake, state: str, cloud: str, receipt: Path | None, *, as_json: bool) -> None:
        if state not in _OPENINGS:
            raise CommandError("A worker is at this very file: run the same again when it is done.")
        if receipt is not None:
            _keep_receipt(receipt, receipt_of(intake))
        status = status_of(intake)
        facts = msgspec.to_builtins(status.difference)
        # Addresses of people are for the pages, not for the log of a script.
        facts.pop("samples")
        host, key = status.header.host_name, receipt_fingerprint(intake)
        text = f"{_OPENINGS[state]} {_RESULT}".format(host=host, cloud=cloud, **facts)
        self.report(
            f"{text} The receipt is in {receipt}; its key has the fingerprint {key}." if receipt else text,
            as_json=as_json,
            state=state,
            id=intake.pk,
            hostname=host,
            snapshot_id=status.header.snapshot_id,
            taken_at=iso(status.taken_at),
            receipt_fingerprint=key,
            **facts,
        )

    def _refuse(self, error: UploadRefused, cloud: str, *, as_json: bool) -> NoReturn:
        """With --json the code comes too, for whoever decides by it."""
        sentence, facts = str(error), {}
        if isinstance(error, UnknownServer):
            facts = {"fingerprint": error.fingerprint, "hostname": error.header.host_name}
            sentence = _UNKNOWN.format(cloud=cloud, **facts)
        elif error.code in _OPTIONS:
            sentence = f"{sentence} Then run the same with {_OPTIONS[error.code]}."
        if as_json:
            self.report("", as_json=True, state="FAILURE", code=error.code.value, message=sentence, **facts)
        raise CommandError(f"Nothing was applied. {sentence}")


def _applied_before(error: UploadRefused) -> Intake | None:
    """The upload of this file, where a script that was stopped runs again: its receipt is still there."""
    is_known = error.intake is not None and error.intake.channel == Channel.FILE
    return error.intake if is_known and error.code is UploadCode.ALREADY_APPLIED else None


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """:raises CommandError: it cannot be read"""
    if file == STDIN:
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """Count accounts on a terminal, and stay quiet anywhere else."""
    with tqdm(unit=" accounts", unit_scale=True, leave=False, disable=not sys.stderr.isatty()) as bar:

        def show(read: int, accounts: int) -> None:
            bar.total = accounts
            bar.update(read - bar.n)

        yield show


def _check_receipt(receipt: Path | None, *, is_preview: bool) -> None:
    """:raises CommandError: there will be none, or nowhere to write it; said before anything is applied"""
    if receipt is None:
        return
    if is_preview:
        raise CommandError("A preview has no receipt: leave out --receipt, or --preview.")
    if receipt.is_dir() or not os.access(receipt.parent, os.W_OK):
        raise CommandError(f"{receipt} cannot be written: its folder is missing or closed, or it is a folder itself.")


def _keep_receipt(receipt: Path, content: bytes) -> None:
    """Write it whole or not at all: a script may be stopped at any moment.

    :raises CommandError: it cannot be written
    """
    waiting = receipt.with_name(f".{receipt.name}.{os.getpid()}")
    try:
        waiting.write_bytes(content)
        waiting.replace(receipt)
    except OSError as error:
        waiting.unlink(missing_ok=True)
        raise CommandError(
            f"The file is applied, but {receipt} cannot be written: {error.strerror}. "
            "Run the same with another --receipt; nothing is applied twice."
        ) from error
