"""What suspending the dormant users of a server would free, by the cloud's own count and not by the server's.

A dormant user frees a license only where nobody else is the same person: no cloud member, no account of another server.
Only the cloud knows that. So a preview is sent that leaves these users out, and the cloud says what it would count.
"""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connect.models import Connection, Server
from licensesync.failures import Failure, failure_of
from licensesync.models import DormancyExclusion, Seat, SeatSource, SyncJob
from licensesync.users.exclusions import suspendable

OLD_AFTER: Final = timedelta(days=8)


class Missing(enum.StrEnum):
    """What has to be there before the cloud can be asked; the first that is missing counts."""

    NOT_CONNECTED = "not_connected"
    SYNC_OFF = "sync_off"
    NO_SEATS = "no_seats"
    NEVER_SYNCED = "never_synced"
    NOBODY = "nobody"


class Stale(enum.StrEnum):
    """Why an answer may not be true any more."""

    SEATS_CHANGED = "seats_changed"
    EXCLUSIONS_CHANGED = "exclusions_changed"
    SYNCED_SINCE = "synced_since"
    OLD = "old"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the cloud answered, as of the end of ``job``.

    ``users`` were left out, ``freed`` licenses fewer would be counted. ``is_mixed``: the list had changed since the
    last sync, so that the number holds these changes as well.
    """

    job: SyncJob
    users: int
    freed: int
    is_mixed: bool
    stale: tuple[Stale, ...]


@dataclass(frozen=True, kw_only=True)
class Suspending:
    """Where the question stands: whom it is about now, the last answer, the job under way or the one that failed."""

    users: int
    missing: Missing | None
    answer: Answer | None
    active: SyncJob | None
    failure: Failure | None


def suspending(server: Server, at: datetime) -> Suspending:
    """Read where the question stands, in a bounded number of queries."""
    connection = server.connection
    source = SeatSource.objects.filter(server=server).first()
    users = suspendable(Seat.objects.filter(server=server)).count()
    asked = SyncJob.objects.filter(connection=connection, omits=SyncJob.Omits.DORMANT).order_by("-created_at", "-pk")
    last = asked.first()
    answered = last
    if last is not None and last.state != SyncJob.State.SUCCEEDED:
        answered = asked.filter(state=SyncJob.State.SUCCEEDED).first()
    return Suspending(
        users=users,
        missing=_missing(connection, source, users),
        answer=_answer(answered, connection, source, users, at) if answered is not None else None,
        active=last if last is not None and last.is_active else None,
        failure=failure_of(last) if last is not None else None,
    )


def freed_by(job: SyncJob) -> int:
    """How many licenses fewer the cloud would count; 0 where it would count more, or did not say."""
    return max(0, int(job.result["licenses_before"]) - int(job.result["licenses_after"])) if job.result else 0


def is_mixed(job: SyncJob) -> bool:
    """Whether the cloud's answer is about more than the users that were left out: the list differed otherwise, too."""
    if not job.result:
        return False
    return tuple(int(job.result[name]) for name in ("added", "changed", "removed")) != (0, 0, job.omitted)


def _missing(connection: Connection, source: SeatSource | None, users: int) -> Missing | None:
    if not connection.is_connected:
        return Missing.NOT_CONNECTED
    if not connection.license_sync_enabled:
        return Missing.SYNC_OFF
    if source is None:
        return Missing.NO_SEATS
    if connection.base_revision is None:
        return Missing.NEVER_SYNCED
    return None if users else Missing.NOBODY


def _answer(job: SyncJob, connection: Connection, source: SeatSource | None, users: int, at: datetime) -> Answer | None:
    if not job.result:
        return None
    return Answer(
        job=job,
        users=job.omitted,
        freed=freed_by(job),
        is_mixed=is_mixed(job),
        stale=tuple(_stale(job, connection, source, users, at)),
    )


def _stale(job: SyncJob, connection: Connection, source: SeatSource | None, users: int, at: datetime) -> list[Stale]:
    begun, ended = job.seats_of, job.finished_at or job.created_at
    reasons = []
    if source is not None and source.imported_at > begun:
        reasons.append(Stale.SEATS_CHANGED)
    newer = DormancyExclusion.objects.filter(server_id=connection.server_id, added_at__gt=begun)
    # Whoever was taken off the list makes the users more.
    if not reasons and (users != job.omitted or newer.exists()):
        reasons.append(Stale.EXCLUSIONS_CHANGED)
    if job.base_snapshot_id != connection.base_snapshot_id:
        reasons.append(Stale.SYNCED_SINCE)
    if at - ended > OLD_AFTER:
        reasons.append(Stale.OLD)
    return reasons
