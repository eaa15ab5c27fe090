"""Print who holds a license: as a table for people, or as the CSV or JSON that the API and the page give."""

import itertools
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

import msgspec
from django.core.management.base import BaseCommand
from django.utils import timezone

from cloud import people, reports, services
from cloud.consumption import totals
from cloud.management.naming import find_account
from cloud.models import Ledger
from cloud.people import PARAMETERS, PeopleFilter
from cloud.people.filters import CHOICES
from cloud.reports.table import PEOPLE_AT_A_TIME

_COLUMN_WIDTH = 40


class Command(BaseCommand):
    help = "Print the people that consume a license of a cloud account, all or some, and the totals of the account."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
        parser.add_argument("--json", action="store_const", const="json", dest="format", help="as --format json")
        parser.add_argument("--search", default="", dest="q", help="a part of a login, name or address, or host:id")
        parser.add_argument("--server", metavar="HOSTNAME", default="", help="people with an account on this server")
        parser.add_argument("--organization", default="", help="members of it, collaborators, and who is invited")
        parser.add_argument("--role", default="", help="such as owner, outside_collaborator or enterprise_owner")
        parser.add_argument("--domain", default="", help="members with an address on it; none: on no verified one")
        for name, kind in CHOICES.items():
            help_ = "such as --sort=-accounts: most server accounts first" if name == "sort" else None
            parser.add_argument(f"--{name.replace('_', '-')}", choices=list(kind), default="", help=help_)

    def handle(self, *args: Any, **options: Any) -> None:
        ledger = find_account(options["cloud"])
        wanted = PeopleFilter.from_query({name: options[name] for name in (*PARAMETERS, "sort")})
        services.record_download(ledger=ledger, by=None, at=timezone.now(), wanted=wanted)
        lines = {"table": _table, "csv": reports.csv_lines, "json": _json}[options["format"]]
        for text in lines(ledger, wanted):
            self.stdout.write(text, ending="")


def _rows(ledger: Ledger, wanted: PeopleFilter) -> Iterator[reports.ReportUser]:
    found = people.people(ledger, wanted).iterator(chunk_size=PEOPLE_AT_A_TIME)
    while licenses := list(itertools.islice(found, PEOPLE_AT_A_TIME)):
        yield from (row.user for row in reports.report_rows(ledger, licenses))


def _table(ledger: Ledger, wanted: PeopleFilter) -> Iterator[str]:
    return reports.spooled(_table_lines(ledger, wanted))


def _table_lines(ledger: Ledger, wanted: PeopleFilter) -> Iterator[str]:
    now = totals(ledger)
    yield f"{'PERSON':{_COLUMN_WIDTH}}  {'LICENSE':29}  SERVER ACCOUNTS\n"
    for user in _rows(ledger, wanted):
        person = user.github_com_login or ", ".join(user.enterprise_server_emails) or user.enterprise_server_user_ids[0]
        yield f"{person:{_COLUMN_WIDTH}}  {user.license_type:29}  {', '.join(user.enterprise_server_user_ids)}\n"
    yield (
        f"{now.consumed} consumed of {now.purchased} purchased: counted apart {now.counted_apart}, "
        f"with license sync {now.consumed}, saved {now.saved}.\n"
    )


def _json(ledger: Ledger, wanted: PeopleFilter) -> Iterator[str]:
    return reports.spooled(_json_lines(ledger, wanted))


def _json_lines(ledger: Ledger, wanted: PeopleFilter) -> Iterator[str]:
    """One object, written while it is read."""
    now = totals(ledger)
    yield f'{{"total_seats_consumed":{now.consumed},"total_seats_purchased":{now.purchased},"users":['
    for number, user in enumerate(_rows(ledger, wanted)):
        yield f"{',' if number else ''}\n{msgspec.json.encode(user).decode()}"
    yield "\n]}\n"
