"""When weekly runs are due, and the creation of their jobs: once, however many ticks run at the same time."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from connect.models import Connection
from enterprises import audit
from licensesync import jobs
from licensesync.models import Schedule, SyncJob

WEEK: Final = timedelta(days=7)
_JITTER_SECONDS: Final = 600
_KINDS: Final = {Schedule.Slot.SYNC: SyncJob.Kind.USAGE, Schedule.Slot.RECORD: SyncJob.Kind.RECORD}


def jitter(server_id: uuid.UUID) -> timedelta:
    """Return a server's own delay: the same every week, less than ten minutes."""
    digest = hashlib.sha256(str(server_id).encode()).digest()
    return timedelta(seconds=int.from_bytes(digest) % _JITTER_SECONDS)


def first_run_at(slot: Schedule.Slot, anchor_at: datetime, server_id: uuid.UUID) -> datetime:
    """Return the first run: the record at once, a sync within ten minutes of enabling."""
    return anchor_at.astimezone(UTC) + (jitter(server_id) if slot == Schedule.Slot.SYNC else timedelta())


def next_run_after(run_at: datetime, at: datetime) -> datetime:
    """Return the next run a whole number of weeks after ``run_at`` that lies after ``at``; missed ones are one."""
    weeks = max(1, (at - run_at) // WEEK + 1)
    return run_at + weeks * WEEK


def plan(connection: Connection, slot: Schedule.Slot, anchor_at: datetime) -> Schedule:
    """Begin a slot's weeks at ``anchor_at``; those of another anchor are forgotten, those of this one stay."""
    begun = {"anchor_at": anchor_at, "next_run_at": first_run_at(slot, anchor_at, connection.server.server_id)}
    Schedule.objects.filter(connection=connection, slot=slot).exclude(anchor_at=anchor_at).update(**begun)
    planned, _is_new = Schedule.objects.get_or_create(connection=connection, slot=slot, defaults=begun)
    return planned


def forget(connection: Connection, slot: Schedule.Slot) -> None:
    """Plan nothing in a slot any more."""
    Schedule.objects.filter(connection=connection, slot=slot).delete()


def put_right() -> None:
    """Bring the schedules in line with the connections, which other code connects, disables and disconnects."""
    gone = ~Q(connection__state=Connection.State.CONNECTED)
    off = Q(slot=Schedule.Slot.SYNC, connection__license_sync_enabled_at=None)
    Schedule.objects.filter(gone | off).delete()
    for slot, anchor in (
        (Schedule.Slot.RECORD, "connected_at"),
        (Schedule.Slot.SYNC, "license_sync_enabled_at"),
    ):
        planned = Schedule.objects.filter(slot=slot, anchor_at=F(f"connection__{anchor}"))
        wanted = Connection.objects.filter(state=Connection.State.CONNECTED).exclude(**{anchor: None})
        for connection in wanted.exclude(pk__in=planned.values("connection")).select_related("server"):
            plan(connection, slot, getattr(connection, anchor))


def start_due(at: datetime) -> list[int]:
    """Create the jobs of all slots that are due, or wake those that wait there; return their ids."""
    due = Schedule.objects.filter(next_run_at__lte=at).select_related("connection__server__enterprise")
    started = [_start(planned, at) for planned in due]
    return [job_id for job_id in started if job_id is not None]


def _start(planned: Schedule, at: datetime) -> int | None:
    """Advance one schedule and create its job in one transaction; None where another tick was first."""
    following = next_run_after(planned.next_run_at, at)
    with transaction.atomic():
        mine = Schedule.objects.filter(pk=planned.pk, next_run_at=planned.next_run_at).update(next_run_at=following)
        if not mine:
            return None
        kind = _KINDS[Schedule.Slot(planned.slot)]
        job, is_new = jobs.create(
            connection=planned.connection, kind=kind, trigger=SyncJob.Trigger.SCHEDULE, by=None, at=at
        )
        if not is_new:
            jobs.wake(job.pk, at)
        elif kind == SyncJob.Kind.USAGE:
            audit.record(
                enterprise=planned.connection.server.enterprise,
                action="license_sync.requested",
                by=None,
                at=at,
                target=planned.connection.server.hostname,
                after={"trigger": SyncJob.Trigger.SCHEDULE},
            )
    return job.pk
