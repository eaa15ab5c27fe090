"""Prints a one-time address that signs a person in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from enterprises import services
from enterprises.commands import ReportingCommand, find_user, refusals

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "Print an address that signs a person in once, within fifteen minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")

    def handle(self, *, username: str, json: bool, **options: Any) -> None:
        user = find_user(username)
        with refusals():
            new = services.sign_in_link(user=user, at=timezone.now())
        # Behind the # sign, which browsers keep to themselves: no log of any server or proxy sees it.
        url = f"{settings.BASE_URL}{reverse('sign_in_link')}#{new.secret}"
        self.report(url, as_json=json, url=url, expires_at=new.link.expires_at.isoformat())
