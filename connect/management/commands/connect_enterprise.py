"""Enables GitHub Connect without a browser."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from connect import services
from connect.commands import failures, find_connection
from connect.failures import NotAuthorized
from enterprises.commands import ReportingCommand

VARIABLE = "LICENSESYNC_TOKEN"


class Command(ReportingCommand):
    """``connect_enterprise SERVER --cloud-url URL --account SLUG --token-file FILE``."""

    help = "Enable GitHub Connect for a server with the token of a cloud owner (scope admin:enterprise)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the token from a file or the environment, so that no list of processes shows it."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the server's enterprise, by its slug")
        parser.add_argument("--cloud-url", default="", help="one of CLOUD_URLS; not needed where it lists one")
        parser.add_argument("--account", required=True, help="the enterprise or organization on the cloud, by its slug")
        parser.add_argument(
            "--token-file", default="", help=f"a file with the token, - for stdin; without it {VARIABLE}"
        )
        parser.add_argument("--token", default="", help="the token itself; other users of the machine see it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Connect, and say to what."""
        connection = find_connection(options["server"])
        cloud_url = options["cloud_url"] or _only_cloud()
        token = options["token"] or _token(options["token_file"])
        try:
            with failures():
                connection = services.connect_headless(
                    connection=connection,
                    cloud_url=cloud_url,
                    account_slug=options["account"],
                    token=token,
                    by=None,
                    at=timezone.now(),
                )
        except CommandError as error:
            if isinstance(error.__cause__, NotAuthorized):
                raise CommandError(
                    "The cloud does not accept the token: it must be an owner's of that account, "
                    "with the scope admin:enterprise."
                ) from error
            raise
        self.report(
            f"{connection.server.hostname} is connected to {connection.account_name} ({connection.account_slug}) on "
            f"{connection.cloud_url}. License sync is off: license_sync {options['server']} enable turns it on.",
            as_json=options["json"],
            server=options["server"],
            state=str(connection.state),
            cloud_url=connection.cloud_url,
            account=connection.account_slug,
            installation_id=connection.installation_id,
            held_revision=connection.base_revision,
        )


def _only_cloud() -> str:
    clouds: list[str] = settings.CLOUD_URLS
    if len(clouds) != 1:
        raise CommandError("Say with --cloud-url which cloud is meant: CLOUD_URLS does not list exactly one.")
    return clouds[0]


def _token(file: str) -> str:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8") if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The token file cannot be read: {file}.") from error
    token = text.strip() or os.environ.get(VARIABLE, "").strip()
    if not token:
        raise CommandError(f"There is no token: give --token-file, or set {VARIABLE}.")
    return token
