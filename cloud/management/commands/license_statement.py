"""Writes a signed statement of a cloud account into a file, or onto standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from cloud import statements
from cloud.management.naming import find_account
from cloud.statements.months import read_month
from cloud.statements.pdf import pdf_file

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from cloud.models import Ledger, Statement


class Command(BaseCommand):
    help = "Write a signed statement of a cloud account: of a month, or as of now (docs/statements.md)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--month", metavar="YYYY-MM", help="the statement of this month (default: the newest one)")
        which.add_argument("--now", action="store_true", help="make one as of now, and keep it like the others")
        parser.add_argument("--format", choices=("json", "pdf"), default="json", help="default: json")
        parser.add_argument("--language", choices=("en", "fr"), default="en", help="of the PDF (default: en)")
        parser.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")

    def handle(self, *, cloud: str, month: str | None, now: bool, output: str | None, **options: Any) -> None:
        made = _statement(find_account(cloud), month, is_new=now)
        with translation.override(options["language"]):
            file = pdf_file(made) if options["format"] == "pdf" else statements.json_file(made)
        if output is None:
            sys.stdout.buffer.write(file)
            sys.stdout.buffer.flush()
            return
        try:
            Path(output).write_bytes(file)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        self.stdout.write(
            f"{output}: the statement of {made}, signed by {made.kid}, "
            f"whose fingerprint is {statements.signing_fingerprint(made)}."
        )


def _statement(ledger: Ledger, month: str | None, *, is_new: bool) -> Statement:
    at = timezone.now()
    if is_new:
        try:
            return statements.make_now(ledger=ledger, by=None, at=at)
        except statements.TooManyStatements as error:
            limit = statements.MOST_AN_HOUR
            raise CommandError(f"There are {limit} statements of the last hour already; --month takes one.") from error
    if month is None:
        made = statements.statements(ledger).first()
        if made is None:
            raise CommandError("There is no statement yet; --now makes one.")
        return made
    wanted = read_month(month)
    if wanted is None:
        raise CommandError(f"--month: {month!r} is no month, such as 2026-11.")
    try:
        return statements.make_month(ledger=ledger, month=wanted, at=at)
    except statements.MonthNotStated as error:
        sentence = f"There is no statement of {month}; one is made when the month is over. --now makes one as of now."
        raise CommandError(sentence) from error
