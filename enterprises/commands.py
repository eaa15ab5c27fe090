"""What the commands about people share: finding the person and the enterprise, and saying a refusal in one sentence."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from enterprises.models import Enterprise, User

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator


def find_user(username: str) -> User:
    """:raises CommandError: when there is nobody of that name."""
    user = User.objects.filter(username=username.lower()).first()
    if user is None:
        raise CommandError(f"There is no user {username!r}; create_user makes one.")
    return user


def find_enterprise(slug: str) -> Enterprise:
    """:raises CommandError: when there is none of that name."""
    enterprise = Enterprise.objects.filter(slug=slug).first()
    if enterprise is None:
        raise CommandError(f"There is no enterprise {slug!r}; create_enterprise makes one.")
    return enterprise


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what a service refuses into the command's one sentence."""
    try:
        yield
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error


class ReportingCommand(BaseCommand):
    """A command whose result is one line, or with --json one JSON object."""

    # They look at pages and addresses, which no command needs: loading those is a quarter of a start.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def report(self, line: str, *, as_json: bool, **result: Any) -> None:
        self.stdout.write(json.dumps(result) if as_json else line)
