"""Prints the books of savings: the total, and what each sync and import proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.management.naming import find_account
from cloud.models import Saving
from cloud.worklist.savings import proved, savings
from cloud.worklist.telling import saving_values
from enterprises.commands import ReportingCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "Print what the corrections of the worklist freed, revision by revision, in numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")

    def handle(self, *, cloud: str, json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        rows, total = list(savings(ledger)), proved(ledger)
        lines = [_line(row) for row in rows]
        lines.append(f"Proved savings: {total.licenses} licenses ({total.freed} freed, {total.taken_back} taken back).")
        self.report(
            "\n".join(lines),
            as_json=json,
            licenses=total.licenses,
            freed=total.freed,
            taken_back=total.taken_back,
            entries=total.entries,
            savings=[saving_values(row) for row in rows],
        )


def _line(row: Saving) -> str:
    where = f" of {row.hostname}" if row.hostname else ""
    freed = f"{row.entries} entries confirmed, {row.licenses} licenses freed"
    back = f", {row.licenses_back} taken back" if row.licenses_back else ""
    return f"{row.at.isoformat(timespec='seconds')} revision {row.revision}, {row.cause}{where}: {freed}{back}"
