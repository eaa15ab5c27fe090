"""Looks for people who are probably one, and says what is known of the last search."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import CommandError
from django.utils import timezone

from cloud.management.naming import find_account
from cloud.models import Suspect, SuspectRun
from cloud.services import request_search
from cloud.suspects import runs, searching
from enterprises.commands import ReportingCommand
from enterprises.moments import iso

if TYPE_CHECKING:
    from argparse import ArgumentParser

_LOOK_AGAIN_SECONDS: Final = 0.5


class Command(ReportingCommand):
    help = "Have a worker look for people of a cloud account who are probably one and are counted twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--wait", action="store_true", help="search here and now, and say what was found")
        how.add_argument("--status", action="store_true", help="ask for nothing, say where the last search stands")

    def handle(self, *, cloud: str, wait: bool, status: bool, json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        now = timezone.now()
        run = runs.last_run(ledger) if status else request_search(ledger=ledger, by=None, at=now, wakes=not wait)
        if run is None:
            self.report(f"{cloud} was never searched.", as_json=json, state=None)
            return
        while wait and run.state in SuspectRun.OPEN:
            # Where a worker has it already, that one goes on with it, unless it falls silent.
            searching.search(run.pk, timezone.now)
            run.refresh_from_db()
            if run.state in SuspectRun.OPEN:
                time.sleep(_LOOK_AGAIN_SECONDS)
        if wait and run.state == SuspectRun.State.FAILED:
            raise CommandError(f"The search failed. {run.error}")
        self.report(_line(cloud, run), as_json=json, **_values(run))


def _line(cloud: str, run: SuspectRun) -> str:
    if run.state == SuspectRun.State.DONE:
        return (
            f"{cloud} was searched at revision {run.revision}: "
            f"{run.listed} pairs are probably one person, {run.added} of them are new."
        )
    if run.state == SuspectRun.State.FAILED:
        return f"The last search of {cloud} failed. {run.error}"
    return f"The search of {cloud}: {run.get_state_display()}. {run.get_step_display()}, {run.done} of {run.total}."


def _values(run: SuspectRun) -> dict[str, Any]:
    moments = {"requested_at": run.requested_at, "started_at": run.started_at, "finished_at": run.finished_at}
    listed = Suspect.objects.filter(ledger=run.ledger_id, state__in=Suspect.LISTED)
    return {
        "id": run.pk,
        "state": run.state,
        "step": run.step,
        "done": run.done,
        "total": run.total,
        "revision": run.revision,
        "listed": listed.count(),
        "added": run.added,
        "error": run.error,
        **{name: iso(at) for name, at in moments.items()},
    }
