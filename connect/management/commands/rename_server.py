"""Gives a server its new host name."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from connect import services
from connect.commands import find_connection
from enterprises.commands import ReportingCommand


class Command(ReportingCommand):
    """``rename_server SERVER HOSTNAME``."""

    help = "Give a server its new host name. The cloud stops its next sync until an owner says that it was renamed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the server and its name."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the server's enterprise, by its slug")
        parser.add_argument("hostname", help="where its users reach it now, without scheme and port")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rename it, and say what comes next."""
        connection = find_connection(options["server"])
        former = connection.server.hostname
        try:
            is_new = services.rename_server(
                server=connection.server, hostname=options["hostname"], by=None, at=timezone.now()
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        name = connection.server.hostname
        line = f"{former} is called {name} now." if is_new else f"{name} is its name already."
        if is_new and connection.is_connected:
            line += " The cloud asks at the next sync: license_sync, then resolve_conflict --original."
        self.report(line, as_json=options["json"], server=options["server"], hostname=name, changed=is_new)
