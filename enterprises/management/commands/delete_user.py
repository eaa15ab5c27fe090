"""Deletes a person who may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from enterprises import services
from enterprises.commands import ReportingCommand, find_user, refusals

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "Delete a person with their roles, tokens and links; the audit log keeps the username."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")

    def handle(self, *, username: str, json: bool, **options: Any) -> None:
        user = find_user(username)
        with refusals():
            services.delete_user(user=user, at=timezone.now())
        self.report(f"Deleted user {user.username}.", as_json=json, username=user.username)
