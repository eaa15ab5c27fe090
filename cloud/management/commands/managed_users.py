"""Says whether an account is an enterprise with managed users, and makes it one: who may see which address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from cloud.management.naming import find_account
from cloud.services import set_managed_users
from enterprises.commands import ReportingCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser

_SAID = {
    True: "{cloud} is an enterprise with managed users: all addresses of its members are shown.",
    False: "{cloud} has no managed users: members' addresses are shown on verified and approved domains only.",
}


class Command(ReportingCommand):
    help = "Show or set 'Enterprise with managed users' of a cloud account, which decides whose addresses are shown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("--set", choices=("on", "off"), dest="wanted", help="without it nothing is changed")

    def handle(self, *, cloud: str, wanted: str | None, json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        if wanted is not None:
            set_managed_users(ledger=ledger, managed_users=wanted == "on", by=None, at=timezone.now())
            ledger.refresh_from_db()
        self.report(_SAID[ledger.managed_users].format(cloud=cloud), as_json=json, managed_users=ledger.managed_users)
