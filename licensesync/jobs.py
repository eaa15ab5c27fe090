"""The rows of sync jobs: who holds one, how it moves on, and how it ends.

queued -> preparing -> uploading -> applying -> succeeded | failed | cancelled

Every write of a worker is one conditional UPDATE on the job's id and the worker's claim. Where no row
matches, another worker took over or somebody cancelled: ``ClaimLost``, and the worker stops at once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from connect.models import Connection
from enterprises.models import User
from licensesync.models import Schedule, SyncJob, SyncJobEvent, SyncPart

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=5)
_ATTEMPTS: Final = 5
SLOTS: Final = {
    SyncJob.Kind.USAGE: Schedule.Slot.SYNC,
    SyncJob.Kind.PREVIEW: Schedule.Slot.SYNC,
    SyncJob.Kind.RECORD: Schedule.Slot.RECORD,
    SyncJob.Kind.FILE: Schedule.Slot.FILE,
}
_UNFROZEN: Final[dict[str, Any]] = {
    "sync_id": None,
    "hostname": "",
    "taken_at": None,
    "accounts": 0,
    "omitted": 0,
    "part_count": 0,
    "parts_sent": 0,
    "bytes_sent": 0,
    "sha256": "",
    "size": 0,
    "base_revision": None,
    "base_snapshot_id": None,
    "unanswered": [],
    "opened_at": None,
    "commit_sent_at": None,
}


class ClaimLost(Exception):
    """The job is no longer this worker's."""


class SlotContested(Exception):
    """Jobs came and went in the slot faster than this one could get in."""


@dataclass(frozen=True)
class Claim:
    """A worker's hold on a job: it lasts until somebody else's number is higher."""

    job_id: int
    number: int


def create(
    *,
    connection: Connection,
    kind: SyncJob.Kind,
    trigger: SyncJob.Trigger,
    by: User | None,
    at: datetime,
    allow_shrink: bool = False,
    omits: SyncJob.Omits = SyncJob.Omits.NOBODY,
) -> tuple[SyncJob, bool]:
    """Return a new job and True, or the one that is active in its slot and False; the database decides.

    A preview gives way to a sync: nothing of it would be kept anyway.
    """
    slot = SLOTS[kind]
    for _attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                job = SyncJob.objects.create(
                    connection=connection,
                    slot=slot,
                    kind=kind,
                    trigger=trigger,
                    requested_by=by,
                    created_at=at,
                    allow_shrink=allow_shrink,
                    omits=omits,
                )
                note(job.pk, "requested", at, trigger=trigger)
            return job, True
        except IntegrityError:
            active = SyncJob.objects.active().filter(connection=connection, slot=slot).first()
            if active is None:
                # The one in the way ended between our INSERT and our SELECT, so the slot is free now.
                continue
            if kind != SyncJob.Kind.USAGE or active.kind != SyncJob.Kind.PREVIEW:
                return active, False
            # A question must not keep a sync waiting, least of all one that is tried again for a day.
            _end(SyncJob.objects.active().filter(pk=active.pk), active.pk, at, code="preview_overtaken")
    raise SlotContested


def claim(job_id: int, at: datetime) -> Claim | None:
    """Take a job that is due and that nobody holds; None where there is no such job."""
    with transaction.atomic():
        won = (
            SyncJob.objects.due(at)
            .filter(pk=job_id)
            .update(
                claim=F("claim") + 1,
                attempts=F("attempts") + 1,
                lease_until=at + LEASE,
                not_before=None,
                attempted_at=at,
                started_at=Coalesce(F("started_at"), at),
            )
        )
        if not won:
            return None
        number, attempts = SyncJob.objects.values_list("claim", "attempts").get(pk=job_id)
        # A turn in which the cloud is only waited for is no new attempt.
        if SyncJobEvent.objects.filter(job_id=job_id, event="attempt").count() < attempts:
            note(job_id, "attempt", at, number=attempts)
        return Claim(job_id, number)


def advance(held: Claim, at: datetime, **changes: Any) -> None:
    """Write to the job and renew the lease; without changes it only renews.

    :raises ClaimLost: another worker holds it, or it is over
    """
    _write(held, lease_until=at + LEASE, **changes)


def give_back(held: Claim, *, not_before: datetime) -> None:
    """Let go of a job that only waits for the cloud; its state stays and the attempt does not count.

    :raises ClaimLost: another worker holds it, or it is over
    """
    _write(held, lease_until=None, not_before=not_before, attempts=F("attempts") - 1)


def retry_later(held: Claim, at: datetime, *, not_before: datetime, code: str, error: str) -> None:
    """Put the job back into the queue, with the reason in sight.

    :raises ClaimLost: another worker holds it, or it is over
    """
    with transaction.atomic():
        _write(held, state=SyncJob.State.QUEUED, lease_until=None, not_before=not_before, error_code=code, error=error)
        note(held.job_id, "will_retry", at, code=code, not_before=not_before.isoformat())


def begin_anew(held: Claim, at: datetime, code: str) -> None:
    """Forget the frozen snapshot, so that the next one has a new id.

    :raises ClaimLost: another worker holds it, or it is over
    """
    with transaction.atomic():
        advance(held, at, state=SyncJob.State.PREPARING, **_UNFROZEN)
        SyncPart.objects.filter(job_id=held.job_id).delete()
        note(held.job_id, "began_anew", at, code=code)


def finish(held: Claim, at: datetime, state: SyncJob.State, **changes: Any) -> None:
    """End the job. The caller's transaction holds what belongs to the end.

    :raises ClaimLost: another worker holds it, or it is over already
    """
    _write(held, state=state, finished_at=at, lease_until=None, not_before=None, **changes)
    note(held.job_id, state, at, **{key: value for key, value in changes.items() if key == "error_code" and value})


def cancel(job_id: int, at: datetime, *, code: str, error: str = "") -> bool:
    """End a job that the cloud was not yet asked to apply; whether this call did it. Its worker finds out by itself."""
    return _end(SyncJob.objects.active().filter(pk=job_id, commit_sent_at=None), job_id, at, code=code, error=error)


def end_stranded(at: datetime) -> None:
    """End the jobs of connections that are gone, committed or not: nobody will answer them any more.

    A usage file needs none.
    """
    unconnected = SyncJob.objects.active().exclude(connection__state=Connection.State.CONNECTED)
    stranded = unconnected.exclude(kind=SyncJob.Kind.FILE)
    for job_id in stranded.values_list("pk", flat=True):
        _end(stranded.filter(pk=job_id), job_id, at, code="not_connected")


def end_files(connection: Connection, at: datetime) -> None:
    """End the usage files of a server that was called a copy, also those that wait: they are the original's."""
    states = (*SyncJob.ACTIVE, SyncJob.State.EXPORTED)
    files = SyncJob.objects.filter(connection=connection, kind=SyncJob.Kind.FILE)
    for job_id in files.filter(state__in=states).values_list("pk", flat=True):
        _end(files.filter(pk=job_id, state__in=states), job_id, at, code="declared_copy")
    SyncPart.objects.filter(job__in=files).delete()


def _end(job: QuerySet[SyncJob], job_id: int, at: datetime, *, code: str, error: str = "") -> bool:
    with transaction.atomic():
        won = job.update(
            state=SyncJob.State.CANCELLED,
            finished_at=at,
            lease_until=None,
            not_before=None,
            error_code=code,
            error=error,
        )
        if won:
            SyncPart.objects.filter(job_id=job_id).delete()
            note(job_id, "cancelled", at, code=code)
    return bool(won)


def wake(job_id: int, at: datetime) -> bool:
    """End the waiting of a job that would be looked at again later; whether it was waiting."""
    waiting = SyncJob.objects.active().filter(pk=job_id, lease_until=None, not_before__gt=at)
    with transaction.atomic():
        won = waiting.update(not_before=at)
        if won:
            note(job_id, "woken", at)
    return bool(won)


def state_of(job_id: int) -> str:
    """Return where a job stands; empty where it is gone."""
    return SyncJob.objects.filter(pk=job_id).values_list("state", flat=True).first() or ""


def note(job_id: int, event: str, at: datetime, **data: Any) -> None:
    """Add a line to the job's log; never a secret, never an address."""
    SyncJobEvent.objects.create(job_id=job_id, at=at, event=event, data=data)


def attempts_without_an_end(job_id: int) -> int:
    """Return how many attempts began since the last one that said how it ended, the present one among them."""
    events = SyncJobEvent.objects.filter(job_id=job_id)
    said = events.filter(event="will_retry").order_by("-pk").values_list("pk", flat=True).first()
    return events.filter(event="attempt", pk__gt=said or 0).count()


def keep_only_the_latest_parts(connection_id: int, job_id: int, kind: str = SyncJob.Kind.USAGE) -> None:
    """Delete the frozen bytes of every job that is over, but those of the one that just succeeded.

    What a sync sent and what a usage file holds is kept apart: neither takes the place of the other.
    """
    over = SyncPart.objects.filter(job__connection_id=connection_id, job__state__in=SyncJob.OVER)
    is_file = Q(job__kind=SyncJob.Kind.FILE)
    over.filter(is_file if kind == SyncJob.Kind.FILE else ~is_file).exclude(job_id=job_id).delete()


def _write(held: Claim, **changes: Any) -> None:
    rows = SyncJob.objects.active().filter(pk=held.job_id, claim=held.number).update(**changes)
    if not rows:
        logger.info("A worker lost its claim.", extra={"job_id": held.job_id})
        raise ClaimLost
