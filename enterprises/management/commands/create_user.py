"""Creates a person who can sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from enterprises import services
from enterprises.commands import ReportingCommand, refusals

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "Create a person; the password is made up and printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--email", default="", help="where to reach the person")

    def handle(self, *, username: str, email: str, json: bool, **options: Any) -> None:
        with refusals():
            new = services.create_user(username=username, email=email, at=timezone.now())
        line = f"Created user {new.user.username} with the password {new.password} (shown only now)."
        self.report(line, as_json=json, username=new.user.username, password=new.password)
