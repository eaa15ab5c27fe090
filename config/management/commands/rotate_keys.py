"""Puts every stored secret under the first of FIELD_ENCRYPTION_KEYS, or makes App keys or the receipt key anew."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from cloud import signer
from connect import services
from connect.commands import find_connection
from connect.failures import CloudFailure
from connect.models import Connection
from enterprises import keys
from enterprises.commands import ReportingCommand
from enterprises.secrets import WRONG_KEY

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = (
        "Encrypt every stored secret under the first of FIELD_ENCRYPTION_KEYS; the older ones can then be removed. "
        "With an option, make other keys anew instead."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--app-keys",
            nargs="*",
            metavar="SERVER",
            help="give the App of each of these servers, or of every connected one, a new key on its cloud",
        )

        parser.add_argument(
            "--receipt-key", action="store_true", help="on a cloud: make a new key for receipts; servers go over to it"
        )

    def handle(self, *, json: bool, app_keys: list[str] | None, receipt_key: bool, **_options: Any) -> None:
        if receipt_key:
            self._rotate_receipt_key(as_json=json)
        if app_keys is not None:
            self._rotate_app_keys(app_keys, as_json=json)
        elif not receipt_key:
            self._rotate_secrets(as_json=json)

    def _rotate_receipt_key(self, *, as_json: bool) -> None:
        if not settings.SERVES_CLOUD:
            raise CommandError("This console is no cloud: it signs no receipts.")
        newest = signer.rotate(timezone.now())
        waiting = signer.waiting_for(newest).count()
        self.report(
            f"The new receipt key is {newest.kid}; servers that go over to it with their next syncs: {waiting}.",
            as_json=as_json,
            kid=newest.kid,
            waiting=waiting,
        )

    def _rotate_secrets(self, *, as_json: bool) -> None:
        done = keys.rotate_keys()
        self.report(
            f"{done.rotated} secrets were encrypted anew, {done.current} were under the first key already.",
            as_json=as_json,
            **asdict(done),
        )
        if done.unreadable:
            raise CommandError(f"{done.unreadable} secrets stay as they are. {WRONG_KEY}")
        if done.changed_meanwhile:
            raise CommandError(f"{done.changed_meanwhile} secrets changed meanwhile: run rotate_keys again.")

    def _rotate_app_keys(self, slugs: list[str], *, as_json: bool) -> None:
        failed = 0
        for connection in [find_connection(slug) for slug in slugs] or _every_connection():
            slug = connection.server.enterprise.slug
            try:
                is_over = services.rotate_app_key(connection=connection, by=None, at=timezone.now())
            except CloudFailure as failure:
                failed += 1
                line = f"{slug}: nothing has changed. {failure.explanation.sentence} {failure.explanation.next_step}"
                self.report(line, as_json=as_json, server=slug, outcome=failure.code)
                continue
            former = "was deleted on the cloud" if is_over else "is accepted by the cloud until the next sync"
            self.report(
                f"{slug}: the App has a new key, and the former one {former}.",
                as_json=as_json,
                server=slug,
                outcome="rotated" if is_over else "unused",
            )
        if failed:
            raise CommandError(f"{failed} App keys stay as they are.")


def _every_connection() -> list[Connection]:
    connected = Connection.objects.filter(state=Connection.State.CONNECTED)
    return list(connected.select_related("server__enterprise").order_by("server__enterprise__slug"))
