"""Print who holds a license: as a table for people, or as the CSV or JSON that the API and the page give."""

import itertools
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cloud import people, reports, services
from cloud.consumption import totals
from cloud.models import Ledger
from cloud.reports.table import PEOPLE_AT_A_TIME

_COLUMN_WIDTH = 40


class Command(BaseCommand):
    help = "Print the people that consume a license of a cloud account, and the totals."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
        parser.add_argument("--json", action="store_const", const="json", dest="format", help="as --format json")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["cloud"]
        ledger = Ledger.objects.filter(enterprise__slug=slug).first()
        if ledger is None:
            raise CommandError(f"There is no cloud account {slug!r}.")
        services.record_download(ledger=ledger, by=None, at=timezone.now())
        lines = {"table": _table, "csv": reports.csv_lines, "json": _json}[options["format"]]
        for text in lines(ledger):
            self.stdout.write(text, ending="")


def _rows(ledger: Ledger) -> Iterator[reports.ReportUser]:
    found = people.people(ledger).iterator(chunk_size=PEOPLE_AT_A_TIME)
    while licenses := list(itertools.islice(found, PEOPLE_AT_A_TIME)):
        yield from (row.user for row in reports.report_rows(ledger, licenses))


def _table(ledger: Ledger) -> Iterator[str]:
    now = totals(ledger)
    yield f"{'PERSON':{_COLUMN_WIDTH}}  {'LICENSE':29}  SERVER ACCOUNTS\n"
    for user in _rows(ledger):
        person = user.github_com_login or ", ".join(user.enterprise_server_emails) or user.enterprise_server_user_ids[0]
        yield f"{person:{_COLUMN_WIDTH}}  {user.license_type:29}  {', '.join(user.enterprise_server_user_ids)}\n"
    yield (
        f"{now.consumed} consumed of {now.purchased} purchased: counted apart {now.counted_apart}, "
        f"with license sync {now.consumed}, saved {now.saved}.\n"
    )


def _json(ledger: Ledger) -> Iterator[str]:
    """One object, written while it is read."""
    now = totals(ledger)
    yield f'{{"total_seats_consumed":{now.consumed},"total_seats_purchased":{now.purchased},"users":['
    for number, user in enumerate(_rows(ledger)):
        yield f"{',' if number else ''}\n{msgspec.json.encode(user).decode()}"
    yield "\n]}\n"
