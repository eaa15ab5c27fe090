"""Says where every server of a cloud account stands, and removes one that is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from cloud.instances import InstanceState, instance_states
from cloud.models import Ledger
from cloud.services import remove_installation
from enterprises.commands import ReportingCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import datetime


class Command(ReportingCommand):
    help = "List the servers of a cloud account as its licensing page does; --remove takes one off, with its people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument(
            "--remove", metavar="SERVER_ID", help="remove this server; people who are known elsewhere stay"
        )

    def handle(self, *, cloud: str, remove: str | None, json: bool, **options: Any) -> None:
        ledger = Ledger.objects.select_related("enterprise").filter(enterprise__slug=cloud).first()
        if ledger is None:
            raise CommandError(f"There is no cloud account {cloud!r}; create_enterprise makes one.")
        now = timezone.now()
        states = instance_states(ledger, now)
        if remove is None:
            lines = "\n".join(map(_line, states)) or f"No server is connected to {cloud}."
            self.report(lines, as_json=json, servers=[_values(state) for state in states])
            return
        state = next((each for each in states if str(each.installation.server_id) == remove), None)
        if state is None:
            raise CommandError(f"{cloud} has no server with the id {remove!r}; without --remove they are listed.")
        remove_installation(installation=state.installation, by=None, at=now)
        name, freed = state.installation.hostname, state.added_licenses
        line = f"{name} and its people were removed from {cloud}; that freed {freed} licenses."
        self.report(line, as_json=json, removed=_values(state), freed=freed)


def _line(state: InstanceState) -> str:
    held = state.installation
    parts = [f"{held.hostname} ({held.server_id}): {state.label}.", state.problem]
    moments = {"Last sync": held.last_sync_at, "Last attempt": held.last_attempt_at, "Seats of": held.taken_at}
    parts += [f"{name}: {_iso(moment)}." for name, moment in moments.items() if moment]
    parts.append(f"{held.accounts} accounts, {state.added_licenses} licenses that only it adds.")
    return " ".join(filter(None, parts))


def _values(state: InstanceState) -> dict[str, Any]:
    held = state.installation
    return {
        "server_id": str(held.server_id),
        "hostname": held.hostname,
        "version": held.version,
        "state": held.state,
        "label": str(state.label),
        "tone": state.tone,
        "problem": state.problem,
        "last_sync": _iso(held.last_sync_at),
        "last_attempt": _iso(held.last_attempt_at),
        "seats_taken_at": _iso(held.taken_at),
        "next_expected_at": _iso(state.next_expected_at),
        "is_overdue": state.is_overdue,
        "accounts": held.accounts,
        "added_licenses": state.added_licenses,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
