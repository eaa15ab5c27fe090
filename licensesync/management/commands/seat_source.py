"""Says or sets where a server's seats come from: GHES, a watched file, or imports alone."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from enterprises.commands import ReportingCommand
from licensesync.commands import find_server
from licensesync.models import SeatSource
from licensesync.sources.choosing import MAX_TOKEN, Choice, choose
from licensesync.sources.files import folder_of
from licensesync.sources.status import source_values


class Command(ReportingCommand):
    """Show the source, or choose another one."""

    help = (
        "Say where the seats of a server come from, or set it: ghes (GHES's report of all accounts, and its license), "
        "file (a file that is watched), or import. Syncs refresh the seats of the first two before they send."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        kinds = [*SeatSource.Kind.values, "show"]
        parser.add_argument("kind", nargs="?", choices=kinds, default="show", help="what to set; show is the default")
        parser.add_argument("--base-url", default="", metavar="URL", help="of GHES, such as https://ghes.octo.example")
        parser.add_argument("--user", default="", help="a site administrator of GHES; without one the token goes alone")
        parser.add_argument(
            "--token-file", default="", metavar="FILE", help="holds the token, - is standard input; kept unless given"
        )
        parser.add_argument("--path", default="", help="of the watched file, below the server's folder")

    def handle(self, *, server: str, kind: str, json: bool, **options: Any) -> None:
        """Choose, then show."""
        found = find_server(server)
        if kind != "show":
            choice = Choice(
                kind=SeatSource.Kind(kind),
                base_url=options["base_url"],
                user_name=options["user"],
                token=_token(options["token_file"]),
                path=options["path"],
            )
            try:
                choose(server=found, choice=choice, by=None, at=timezone.now(), is_operator=True)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        values = {**source_values(found), "folder": str(folder_of(found))}
        self.report(_line(found, values), as_json=json, **values)


def _token(file: str) -> str:
    """Read the token from a file, which no list of processes shows.

    :raises CommandError: it cannot be read
    """
    if not file:
        return ""
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as stream:
            return stream.read(MAX_TOKEN + 2).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as a token.") from error


def _line(server: Any, values: dict[str, Any]) -> str:
    places = {
        SeatSource.Kind.GHES: f"GHES at {values['base_url']}",
        SeatSource.Kind.FILE: f"the file {values['path']} in {values['folder']}",
        SeatSource.Kind.IMPORT: "imports alone",
    }
    parts = [f"The seats of {server} come from {places[SeatSource.Kind(values['kind'])]}."]
    if values["taken_at"]:
        parts.append(f"{values['accounts']} accounts, taken at {values['taken_at']} ({values['seats_from']}).")
    if values["last_attempt"]:
        parts.append(f"Last attempt: {values['last_attempt']}.")
    parts += [text for text in (values["error"], values["detail"], values["next_step"]) if text]
    return " ".join(parts)
