"""Creates a token for the API."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from enterprises import services
from enterprises.commands import ReportingCommand, find_user, refusals
from enterprises.models import Scope

if TYPE_CHECKING:
    from argparse import ArgumentParser

# A hundred years; beyond it a date has no meaning and soon no representation.
MAX_DAYS = 36_500


class Command(ReportingCommand):
    help = "Create an API token of a person and print it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument(
            "--scope", action="append", required=True, choices=Scope.values, help="what it may do; may be repeated"
        )
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument("--expires", type=int, metavar="DAYS", help="how long it works; without it, until revoked")

    def handle(
        self, *, username: str, scope: list[str], name: str, expires: int | None, json: bool, **options: Any
    ) -> None:
        if expires is not None and not 0 < expires <= MAX_DAYS:
            raise CommandError(f"--expires must be between 1 and {MAX_DAYS} days.")
        now = timezone.now()
        expires_at = now + timedelta(days=expires) if expires else None
        user = find_user(username)
        with refusals():
            new = services.create_api_token(user=user, scopes=scope, name=name, expires_at=expires_at, at=now)
        self.report(
            new.secret,
            as_json=json,
            token=new.secret,
            username=user.username,
            scopes=new.token.scopes,
            expires_at=expires_at.isoformat() if expires_at else None,
        )
