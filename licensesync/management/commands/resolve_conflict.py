"""Says what the cloud and this server hold when they do not agree, and carries out what an owner decided."""

from argparse import ArgumentParser
from typing import Any

import msgspec
from django.core.management.base import CommandError
from django.utils import timezone

from connect.commands import failures, find_connection
from connect.models import Connection
from enterprises.commands import ReportingCommand
from enterprises.moments import iso
from licensesync import deciding, services
from licensesync.commands import refused
from licensesync.deciding import Choice, Decision
from licensesync.failures import explain
from licensesync.models import SyncJob


class Command(ReportingCommand):
    """``resolve_conflict SERVER [--original | --copy --hostname NAME | --shrink]``."""

    help = (
        "Decide after the cloud refused a sync: this server is the original, it is a copy, or so many accounts are "
        "meant to go; or, where the cloud lets it not in, that it is a copy. Without a choice it says what was seen, "
        "and changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the server and the choice."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the server's enterprise, by its slug")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--original",
            action="store_const",
            const=Choice.ORIGINAL,
            dest="choice",
            help="cut every copy off, go on from what the cloud holds (under a new host name, too), and sync",
        )
        choice.add_argument(
            "--copy",
            action="store_const",
            const=Choice.COPY,
            dest="choice",
            help="be a server of its own, with a new id and keys, and not connected; the original is left alone",
        )
        choice.add_argument(
            "--shrink",
            action="store_const",
            const=Choice.SHRINK,
            dest="choice",
            help="sync, although a large part of the people goes",
        )
        parser.add_argument("--hostname", default="", help="the copy's own host name; needed with --copy")

    def handle(self, *args: Any, **options: Any) -> None:
        """Decide, or say what there is to decide."""
        connection = find_connection(options["server"])
        choice: Choice | None = options["choice"]
        decision = deciding.pending(connection)
        if choice is None and decision is not None:
            self.report(_facts(decision), as_json=options["json"], **_values(decision))
            return
        # Its original may have kept it out, which no job tells of; all else follows a refusal.
        is_kept_out = choice == Choice.COPY and not connection.is_connected
        if choice is None or (decision is None and not is_kept_out):
            raise CommandError("There is nothing to decide: the cloud refused nothing, or it was decided already.")
        with (
            failures(),
            refused(
                deciding.NothingToDecide,
                deciding.HeldUnknown,
                deciding.NameTaken,
                services.SyncDisabled,
            ),
        ):
            job = self._decide(connection, decision, choice, options["hostname"])
        self.report(
            _done(connection, choice, job),
            as_json=options["json"],
            server=options["server"],
            decision=str(choice),
            state=str(connection.state),
            server_id=str(connection.server.server_id),
            hostname=connection.server.hostname,
            job=job.pk if job else None,
        )

    def _decide(
        self, connection: Connection, decision: Decision | None, choice: Choice, hostname: str
    ) -> SyncJob | None:
        """Carry a choice out; without a decision the cloud let the server not in, for another connection is there."""
        now = timezone.now()
        job = None
        if choice == Choice.COPY and not hostname:
            raise CommandError("Say with --hostname what the copy is called; the original keeps its name.")
        if decision is None:
            server = connection.server
            deciding.become_copy(server=server, hostname=hostname, taken=server.hostname, by=None, at=now)
        else:
            shared: dict[str, Any] = {"connection": connection, "job_id": decision.job.pk, "by": None, "at": now}
            if choice == Choice.COPY:
                deciding.confirm_copy(**shared, hostname=hostname)
            elif choice == Choice.ORIGINAL:
                job = deciding.confirm_original(**shared, trigger=SyncJob.Trigger.COMMAND)
            else:
                job = deciding.confirm_shrink(**shared, trigger=SyncJob.Trigger.COMMAND)
        connection.refresh_from_db()
        return job


def _facts(decision: Decision) -> str:
    job, held = decision.job, decision.held
    parts = [str(explain(decision.code).sentence)]
    name = decision.connection.server.hostname
    parts.append(f"This server: {name}, revision {job.base_revision or 'none'}, {job.accounts} accounts.")
    if held:
        since = f", synced at {held.synced_at.isoformat(timespec='seconds')}" if held.synced_at else ""
        parts.append(f"The cloud: {held.hostname}, revision {held.revision}, {held.accounts} accounts{since}.")
    else:
        parts.append("The cloud's version does not say what it holds.")
    parts.append(f"Decide with {', '.join(f'--{choice}' for choice in decision.choices)}.")
    return " ".join(parts)


def _values(decision: Decision) -> dict[str, Any]:
    job = decision.job
    return {
        "server": decision.connection.server.enterprise.slug,
        "code": decision.code,
        "choices": [str(choice) for choice in decision.choices],
        "here": {
            "hostname": decision.connection.server.hostname,
            "server_id": str(decision.connection.server.server_id),
            "revision": job.base_revision,
            "snapshot_id": str(job.base_snapshot_id) if job.base_snapshot_id else None,
            "accounts": job.accounts,
            "taken_at": iso(job.taken_at),
        },
        "cloud": msgspec.to_builtins(decision.held) if decision.held else None,
    }


def _done(connection: Connection, choice: Choice, job: SyncJob | None) -> str:
    name = connection.server.hostname
    if choice == Choice.COPY:
        return (
            f"{name} is a server of its own now, with the id {connection.server.server_id}, and not connected. "
            "The original and what the cloud holds of it were left alone: connect_enterprise connects this one."
        )
    if job is None:
        return f"{name} is the original. License sync is off, so nothing was sent."
    if choice == Choice.ORIGINAL:
        return f"{name} is the original: copies of it are cut off, and sync {job.pk} goes on from what the cloud holds."
    return f"Sync {job.pk} of {name} may remove what it does not hold."
