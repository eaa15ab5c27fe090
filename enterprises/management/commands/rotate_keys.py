"""Puts every stored secret under the first of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from enterprises import keys
from enterprises.commands import ReportingCommand
from enterprises.secrets import WRONG_KEY


class Command(ReportingCommand):
    help = "Encrypt every stored secret under the first of FIELD_ENCRYPTION_KEYS; the older ones can then be removed."

    def handle(self, *, json: bool, **_options: Any) -> None:
        done = keys.rotate_keys()
        self.report(
            f"{done.rotated} secrets were encrypted anew, {done.current} were under the first key already.",
            as_json=json,
            **asdict(done),
        )
        if done.unreadable:
            raise CommandError(f"{done.unreadable} secrets stay as they are. {WRONG_KEY}")
        if done.changed_meanwhile:
            raise CommandError(f"{done.changed_meanwhile} secrets changed meanwhile: run rotate_keys again.")
