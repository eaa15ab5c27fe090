"""Creates an enterprise with everything its side needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from enterprises import services
from enterprises.commands import ReportingCommand, refusals
from enterprises.founding import Particulars, found
from enterprises.models import Deployment, Kind, User

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import datetime


class Command(ReportingCommand):
    help = "Create an enterprise and its owner; a new owner's password is printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the short name in addresses")
        parser.add_argument("--deployment", required=True, choices=Deployment.values)
        parser.add_argument("--kind", choices=Kind.values, default=str(Kind.ENTERPRISE))
        parser.add_argument("--name", default="", help="the name that people read")
        parser.add_argument("--owner", default="", metavar="USER", help="the first owner, created if new")
        parser.add_argument("--hostname", default="", help="of the server: where its users reach it (default: SLUG)")
        parser.add_argument("--server-version", default="", metavar="V", help="of the server, such as 3.19.1")
        parser.add_argument("--seats", type=int, metavar="N", help="of the cloud: how many licenses were purchased")

    def handle(self, *, slug: str, deployment: str, owner: str, json: bool, **options: Any) -> None:
        particulars = _particulars(Deployment(deployment), slug, options)
        at = timezone.now()
        with refusals(), transaction.atomic():
            person, password = _owner(owner, at) if owner else (None, "")
            enterprise = found(
                slug=slug,
                deployment=Deployment(deployment),
                kind=Kind(options["kind"]),
                name=options["name"],
                owner=person,
                particulars=particulars,
                at=at,
            )
        result: dict[str, Any] = {"slug": slug, "deployment": deployment, "kind": enterprise.kind}
        line = f"Created the {deployment} {enterprise.kind} {slug}"
        if particulars.hostname:
            result["hostname"] = particulars.hostname
            line += f" with the host name {particulars.hostname}"
            line += "" if options["hostname"] else " (--hostname sets it)"
        if person is not None:
            result["owner"] = person.username
            line += f", owned by {person.username}"
        if password:
            result["password"] = password
            line += f" with the password {password} (shown only now)"
        self.report(f"{line}.", as_json=json, **result)


def _particulars(deployment: Deployment, slug: str, options: dict[str, Any]) -> Particulars:
    """What was said about the side; a word about the other one is a mistake and not ignored."""
    if deployment == Deployment.SERVER:
        if options["seats"] is not None:
            raise CommandError("--seats belongs to a cloud enterprise; a server's come with set_license.")
        return Particulars(hostname=options["hostname"] or slug, version=options["server_version"])
    if options["hostname"] or options["server_version"]:
        raise CommandError("--hostname and --server-version belong to a server enterprise.")
    seats = options["seats"] or 0
    if seats < 0:
        raise CommandError("--seats must not be negative.")
    return Particulars(seats=seats)


def _owner(username: str, at: datetime) -> tuple[User, str]:
    """The person, and their password if they are new."""
    user = User.objects.filter(username=username.lower()).first()
    if user is not None:
        return user, ""
    new = services.create_user(username=username, at=at)
    return new.user, new.password
