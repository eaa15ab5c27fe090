"""Writes down a server's license."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from enterprises.commands import ReportingCommand
from licensesync import services
from licensesync.commands import find_server, read_date, refused

MAX_SEATS = 2_147_483_647


class Command(ReportingCommand):
    """Set the license of a server."""

    help = "Set the license of a server: customer, seats, expiry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("--customer", required=True)
        parser.add_argument("--seats", required=True, metavar="N", help="how many were bought, or unlimited")
        parser.add_argument("--expires", required=True, metavar="DATE", help="such as 2027-12-31, or never")
        parser.add_argument("--kind", default="standard")

    def handle(
        self, *, server: str, customer: str, seats: str, expires: str, kind: str, json: bool, **options: Any
    ) -> None:
        """Set it, and say so."""
        found = find_server(server)
        with refused():
            held = services.set_license(
                server=found,
                customer=customer,
                seats=_seats(seats),
                expires_on=None if expires == "never" else read_date(expires),
                kind=kind,
                by=None,
                at=timezone.now(),
            )
        until = f"until {held.expires_on}" if held.expires_on else "without end"
        self.report(
            f"{found} has a license of {held.customer} for {seats} seats {until}.",
            as_json=json,
            customer=held.customer,
            kind=held.kind,
            seats=held.seats if held.seats is not None else "unlimited",
            expires_on=held.expires_on.isoformat() if held.expires_on else None,
        )


def _seats(text: str) -> int | None:
    if text == "unlimited":
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_SEATS):
        raise CommandError(f"--seats must be a number or unlimited, not {text!r}.")
    return int(text)
