"""Lists the users of a server, and keeps the list of those that nobody means to suspend."""

import json as encoding
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from connect.models import Server
from enterprises.commands import ReportingCommand
from licensesync.commands import find_server, refused
from licensesync.models import Seat
from licensesync.users import exclusions
from licensesync.users.listing import Filter, Wanted, each_user, record_download, state_of, user_values

_LOGIN_WIDTH = 32


class Command(ReportingCommand):
    """The users of a server, one a line; with --json one JSON object a line."""

    help = "List the users of a server, or put one on the list of those that nobody means to suspend."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("--search", default="", metavar="TEXT", help="a part of the login or address, or the id")
        parser.add_argument(
            "--filter",
            action="append",
            default=[],
            choices=[each.value for each in Filter],
            help="may be given several times; all of them hold",
        )
        change = parser.add_mutually_exclusive_group()
        change.add_argument("--exclude", metavar="LOGIN", help="put this account (login or id) on the exclusion list")
        change.add_argument("--include", metavar="LOGIN", help="take this account off the exclusion list")

    def handle(self, *, server: str, exclude: str | None, include: str | None, **options: Any) -> None:
        """List, or change the exclusion list."""
        found = find_server(server)
        with refused(exclusions.NoSuchAccount):
            if exclude is not None:
                self._exclude(found, exclude, as_json=options["json"])
            elif include is not None:
                self._include(found, include, as_json=options["json"])
            else:
                self._list(found, options)

    def _exclude(self, server: Server, account: str, *, as_json: bool) -> None:
        user_id = exclusions.find_account(server, account)
        changed = exclusions.exclude(server=server, user_id=user_id, by=None, at=timezone.now())
        line = f"Account {user_id} of {server} is on the exclusion list" + ("." if changed else " already.")
        self.report(line, as_json=as_json, id=user_id, excluded=True, changed=changed)

    def _include(self, server: Server, account: str, *, as_json: bool) -> None:
        user_id = exclusions.find_excluded(server, account)
        changed = exclusions.include(server=server, user_id=user_id, by=None, at=timezone.now())
        line = f"Account {user_id} of {server} is off the exclusion list" + ("." if changed else " already.")
        self.report(line, as_json=as_json, id=user_id, excluded=False, changed=changed)

    def _list(self, server: Server, options: dict[str, Any]) -> None:
        wanted = Wanted(options["search"], frozenset(Filter(name) for name in options["filter"]))
        record_download(server=server, wanted=wanted, by=None, at=timezone.now())
        listed = 0
        for seat in each_user(server, wanted):
            self.stdout.write(encoding.dumps(user_values(seat)) if options["json"] else _line(seat))
            listed += 1
        if not options["json"]:
            self.stdout.write(f"{listed} {'user' if listed == 1 else 'users'} of {server}.")


def _line(seat: Seat) -> str:
    words = [state_of(seat), "excluded" if getattr(seat, "is_excluded", False) else "", seat.primary_email]
    return f"{seat.user_id:>8}  {seat.login:{_LOGIN_WIDTH}}  {'  '.join(filter(None, words))}"
