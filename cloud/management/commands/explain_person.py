"""Says why a person is one license, as their page does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cloud.management.naming import PERSON, named
from cloud.people import Viewer, explain, telling
from enterprises.commands import ReportingCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser

ACCOUNTS_PER_PAGE: Final = 1000


class Command(ReportingCommand):
    help = "Say why a person is one license: every account, the rule and the address that matched, since when."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("person", metavar="PERSON", help=PERSON)
        parser.add_argument("--page", type=int, default=1, help=f"of the accounts, {ACCOUNTS_PER_PAGE} on each")

    def handle(self, *, cloud: str, person: str, page: int, json: bool, **options: Any) -> None:
        explanation = explain(named(cloud, person), Viewer.OWNER, page=page, per_page=ACCOUNTS_PER_PAGE)
        text = "\n".join(telling.lines(explanation))
        self.report(text, as_json=json, **telling.values(explanation))
