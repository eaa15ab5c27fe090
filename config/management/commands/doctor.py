"""Checks this console and the line to the other side, and can write what was found into a bundle for support."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cloud.doctor import cloud_checks, ledgers_to_check
from config.support_bundle import write_bundle
from enterprises.doctor import Check, as_json, has_failed, local_checks, summary
from licensesync.doctor import server_checks, servers_to_check


class Command(BaseCommand):
    """One line for each check; the exit status is 1 when one failed."""

    help = "Checks database, broker, keys, clouds and servers, each with its next step; exits with 1 when one failed."
    # Whoever calls a doctor may have just that trouble which a system check stops at.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
        parser.add_argument("--bundle", metavar="FILE", help="also write a redacted zip for support")

    def handle(self, *, as_json: bool, bundle: str | None, **_options: Any) -> None:
        checks = all_checks()
        self.stdout.write(_answer(checks, is_json=as_json))
        if bundle:
            try:
                write_bundle(Path(bundle), checks)
            except OSError as error:
                raise CommandError(f"{bundle} cannot be written: {error.strerror}.") from error
            self.stderr.write(f"The support bundle is {bundle}. Read it before you hand it on.")
        if has_failed(checks):
            raise SystemExit(1)


def all_checks() -> list[Check]:
    """This console, then the side or sides that are served."""
    now = timezone.now()
    found = local_checks()
    if settings.SERVES_SERVER:
        found += server_checks(servers_to_check, now)
    if settings.SERVES_CLOUD:
        found += cloud_checks(ledgers_to_check, now)
    return found


def _answer(checks: list[Check], *, is_json: bool) -> str:
    if is_json:
        return as_json(checks)
    return "\n".join([*(_line(check) for check in checks), summary(checks).text])


def _line(check: Check) -> str:
    step = f" Next: {check.next_step}" if check.next_step else ""
    return f"{check.status:<14}  {check.about}: {check.name}: {check.seen}{step}"
