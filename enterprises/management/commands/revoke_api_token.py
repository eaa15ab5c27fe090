"""Closes a person's tokens for the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from enterprises import services
from enterprises.commands import ReportingCommand, find_user

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "Revoke the API tokens of a person that still work, all of them or those of one name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--name", help="only tokens that were created with this name")

    def handle(self, *, username: str, name: str | None, json: bool, **options: Any) -> None:
        user, now = find_user(username), timezone.now()
        tokens = user.api_tokens.filter(revoked_at=None)
        if name is not None:
            tokens = tokens.filter(name=name)
        names = [token.name for token in tokens.order_by("pk") if services.revoke_api_token(token=token, at=now)]
        if not names:
            raise CommandError(f"{user.username} has no such token.")
        self.report(f"Revoked: {'; '.join(names)}.", as_json=json, username=user.username, revoked=names)
