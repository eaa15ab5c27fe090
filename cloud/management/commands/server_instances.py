"""Says where every server of a cloud account stands, and removes one that is left over."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from cloud.instances import InstanceState, instance_states
from cloud.management.naming import find_account
from cloud.models import Channel
from cloud.services import remove_installation
from cloud.shares import RemovalEffect, removal_effect
from enterprises.commands import ReportingCommand
from enterprises.moments import iso

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "List the servers of a cloud account as its licensing page does; --remove takes one off, with its people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument(
            "--remove", metavar="SERVER_ID", help="remove this server; people who are known elsewhere stay"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="with --remove: say what that would do, and do nothing"
        )

    def handle(self, *, cloud: str, remove: str | None, dry_run: bool, json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        now = timezone.now()
        states = instance_states(ledger, now)
        if remove is None:
            if dry_run:
                raise CommandError("--dry-run goes with --remove.")
            lines = "\n".join(map(_line, states)) or f"No server is connected to {cloud}."
            self.report(lines, as_json=json, servers=[_values(state) for state in states])
            return
        state = next((each for each in states if str(each.installation.server_id) == remove), None)
        if state is None:
            raise CommandError(f"{cloud} has no server with the id {remove!r}; without --remove they are listed.")
        name = state.installation.hostname
        if dry_run:
            effect = removal_effect(state.installation)
            line = (
                f"Removing {name} from {cloud} would delete {effect.accounts} accounts and free {effect.freed} licenses"
            )
            self.report(f"{line}: {_people(effect)}", as_json=json, server=_values(state), effect=asdict(effect))
            return
        done = remove_installation(installation=state.installation, by=None, at=now)
        if done is None:
            raise CommandError(f"{name} was removed by somebody else at this moment.")
        line = f"{name} and its people were removed from {cloud}; that freed {done.freed} licenses: {_people(done)}"
        self.report(line, as_json=json, removed=_values(state), freed=done.freed, effect=asdict(done))


def _people(effect: RemovalEffect) -> str:
    stay = effect.stay_on_cloud + effect.stay_on_servers
    return f"{effect.people_gone} people go, {stay} stay through other accounts."


def _line(state: InstanceState) -> str:
    held = state.installation
    parts = [
        f"{held.hostname} ({held.server_id}): {state.label}.",
        held.version and f"Version {held.version}.",
        state.problem,
    ]
    moments = {
        "Last sync" if held.held_channel == Channel.WIRE else "Last usage file": held.last_sync_at,
        "Last attempt": held.last_attempt_at,
        "Next report by": state.next_expected_at,
        "Seats of": held.taken_at,
    }
    parts += [f"{name}: {iso(moment)}." for name, moment in moments.items() if moment]
    parts.append(f"{held.accounts} accounts, {state.added_licenses} licenses that only it adds.")
    return " ".join(filter(None, parts))


def _values(state: InstanceState) -> dict[str, Any]:
    held = state.installation
    return {
        "server_id": str(held.server_id),
        "hostname": held.hostname,
        "version": held.version,
        "state": held.state,
        "channel": held.held_channel,
        "upload": state.upload_state,
        "standing": state.standing.name.lower(),
        "status": str(state.status),
        "label": str(state.label),
        "tone": state.tone,
        "problem": state.problem,
        "last_sync": iso(held.last_sync_at),
        "last_attempt": iso(held.last_attempt_at),
        "seats_taken_at": iso(held.taken_at),
        "next_expected_at": iso(state.next_expected_at),
        "is_overdue": state.is_overdue,
        "accounts": held.accounts,
        "added_licenses": state.added_licenses,
    }
