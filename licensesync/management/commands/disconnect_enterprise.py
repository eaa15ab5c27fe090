"""Disables GitHub Connect."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from connect.commands import failures, find_connection
from enterprises.commands import ReportingCommand
from licensesync import services
from licensesync.state import connection_state


class Command(ReportingCommand):
    """``disconnect_enterprise SERVER``."""

    help = "Disable GitHub Connect: delete the App on the cloud, and the credentials on this server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the server."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the server's enterprise, by its slug")
        parser.add_argument(
            "--even-if-unreachable",
            action="store_true",
            help="delete the credentials here although the cloud cannot be told; its owner removes the server there",
        )

        parser.add_argument(
            "--although-undecided",
            action="store_true",
            help="go on although this server may be a copy: the original loses its connection, since the two share it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Disconnect, and say what stays."""
        connection = find_connection(options["server"])
        now = timezone.now()
        if connection_state(connection, now).may_be_a_copy and not options["although_undecided"]:
            raise CommandError(
                "If this server is a copy, the original loses its connection: the two share it. Say first which one "
                "this is (resolve_conflict), or give --although-undecided."
            )
        account = connection.account_slug
        url = f"{connection.cloud_url}/enterprises/{account}/licensing"
        with failures():
            connection = services.disconnect(
                connection=connection,
                by=None,
                at=now,
                even_if_unreachable=options["even_if_unreachable"],
            )
        line = (
            f"{connection.server.hostname} is disconnected from {account}. People already synced still count there "
            "until an owner of that account removes the server."
        )
        if connection.is_left_on_cloud:
            line += f" The cloud could not be told and still lists it as connected: {url}"
        self.report(
            line,
            as_json=options["json"],
            server=options["server"],
            state=str(connection.state),
            account=account,
            is_left_on_cloud=connection.is_left_on_cloud,
            url=url,
        )
