"""Gives a person a role in an enterprise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from enterprises import services
from enterprises.commands import ReportingCommand, find_enterprise, find_user, refusals
from enterprises.models import Role, RoleName

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "Give a person a role in an enterprise, in place of the one they have there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("enterprise", help="the short name in addresses")
        parser.add_argument("username")
        parser.add_argument("--role", required=True, choices=RoleName.values)

    def handle(self, *, enterprise: str, username: str, role: str, json: bool, **options: Any) -> None:
        place = find_enterprise(enterprise)
        user = find_user(username)
        held = Role.objects.filter(user=user, enterprise=place).first()
        before = held.role if held else None
        with refusals():
            services.grant_role(user=user, enterprise=place, role=RoleName(role), at=timezone.now())
        line = f"{user.username} is now {_words(role)} of {place.slug}"
        if before == role:
            line = f"{user.username} is {_words(role)} of {place.slug} already"
        elif before:
            line += f", no longer {_words(before)}"
        self.report(f"{line}.", as_json=json, enterprise=place.slug, username=user.username, role=role, before=before)


def _words(role: str) -> str:
    return role.replace("_", " ")
