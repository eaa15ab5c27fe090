"""How a run that did not succeed ends: retried later, failed for good, or cancelled."""

import errno
import hashlib
import logging
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from connect.failures import ClockSkew, CloudFailure, CloudRejected, CloudUnavailable, NotConnected
from enterprises import audit
from licensesync import jobs
from licensesync.failures import explain
from licensesync.models import SyncJob, SyncPart
from licensesync.snapshot import NoSeats
from licensesync.sources.failure import SourceFailure
from licensesync.syncing.exchange import Worker
from wire.messages import Held

logger = logging.getLogger(__name__)

_FIRST_DELAY: Final = timedelta(minutes=1)
_LONGEST_DELAY: Final = timedelta(hours=4)
GIVE_UP_AFTER: Final = timedelta(days=1)
"""A job that would be tried again later than this after its first attempt is over."""
_DISK_FULL_OF_POSTGRESQL: Final = "53100"
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class SyncDisabled(Exception):
    """License sync is set to Disabled: people's data must not travel."""

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return _("License sync is disabled.")


class NoEndInSight(Exception):
    """The cloud made us begin anew too often in one run."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Outcome:
    """What a failure means for the job. ``code`` is explained by ``licensesync.failures``."""

    code: str
    message: str = ""
    is_cancelled: bool = False
    retry_after: timedelta = timedelta()
    held: Held | None = None


def refuse_unless_allowed(job: SyncJob) -> None:
    """Check again at every attempt that the owner still wants it; a usage file asks for no connection.

    :raises NotConnected: there is no connection any more
    :raises SyncDisabled: people's data must not travel; a committed snapshot is only waited for
    """
    if job.kind == SyncJob.Kind.FILE:
        return
    if not job.connection.is_connected:
        raise NotConnected
    carries_people = job.kind != SyncJob.Kind.RECORD and job.commit_sent_at is None
    if carries_people and not job.connection.license_sync_enabled:
        raise SyncDisabled


def outcome_of(error: Exception) -> Outcome:
    """Return what a failure means; its code says in `licensesync.failures` whether it is tried again."""
    match error:
        case NotConnected():
            return Outcome(error.code, is_cancelled=True)
        case SyncDisabled():
            return Outcome("sync_disabled", is_cancelled=True)
        case NoSeats():
            return Outcome("no_seats")
        case NoEndInSight():
            return Outcome(error.code)
        case SourceFailure():
            return Outcome(error.code, error.detail, retry_after=timedelta(seconds=error.retry_after))
        case CloudFailure():
            return _outcome_of_the_line(error)
    return _surprise(error)


def _outcome_of_the_line(error: CloudFailure) -> Outcome:
    match error:
        case CloudUnavailable():
            return Outcome(error.code, retry_after=timedelta(seconds=error.retry_after or 0))
        case ClockSkew() if error.ahead is not None:
            return Outcome(error.code, f"{error.ahead.total_seconds():.0f}")
        case CloudRejected():
            return Outcome(error.code, error.message, held=error.held)
    return Outcome(error.code)


def _surprise(error: Exception) -> Outcome:
    if is_disk_full(error):
        return Outcome("disk_full")
    if isinstance(error, (OperationalError, InterfaceError)):
        return Outcome("database_unreachable", type(error).__name__)
    logger.error("A sync job broke.", exc_info=error)
    return Outcome("internal_error", type(error).__name__)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether a disk had no room: the operating system's, SQLite's and PostgreSQL's word for it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            return True
        if getattr(error, "sqlstate", None) == _DISK_FULL_OF_POSTGRESQL:
            return True
        error = error.__cause__
    return False


def record_failure(worker: Worker, error: Exception) -> None:
    """Write down what a failed attempt means for its job: tried again, or over.

    :raises ClaimLost: the job is somebody else's already
    """
    job = worker.load()
    outcome = outcome_of(error)
    logger.warning("A sync job did not succeed.", extra={"job_id": job.pk, "code": outcome.code})
    now = worker.clock()
    not_before = now + max(backoff(job.pk, job.attempts), outcome.retry_after)
    is_retried = not outcome.is_cancelled and explain(outcome.code).is_transient
    if is_retried and not_before <= (job.started_at or now) + GIVE_UP_AFTER:
        jobs.retry_later(worker.held, now, not_before=not_before, code=outcome.code, error=outcome.message)
    else:
        _end(worker, job, outcome)


def _end(worker: Worker, job: SyncJob, outcome: Outcome) -> None:
    state = SyncJob.State.CANCELLED if outcome.is_cancelled else SyncJob.State.FAILED
    with transaction.atomic():
        held = msgspec.to_builtins(outcome.held) if outcome.held else None
        jobs.finish(worker.held, worker.clock(), state, error_code=outcome.code, error=outcome.message, cloud_held=held)
        SyncPart.objects.filter(job=job).delete()
        if job.kind == SyncJob.Kind.USAGE:
            audit.record(
                enterprise=job.connection.server.enterprise,
                action=f"license_sync.{state}",
                by=job.requested_by,
                at=worker.clock(),
                target=job.connection.server.hostname,
                after={"code": outcome.code},
            )


def backoff(job_id: int, attempts: int) -> timedelta:
    """Return how long to wait after a number of attempts: doubling from a minute to four hours.

    A quarter more or less, stable per job and attempt, keeps servers that failed together apart.
    """
    doubled = _FIRST_DELAY * (1 << min(max(attempts, 1) - 1, 20))
    spread = int.from_bytes(hashlib.sha256(f"{job_id}:{attempts}".encode()).digest()[:2]) / 65_535
    return min(doubled, _LONGEST_DELAY) * (0.75 + spread / 2)
