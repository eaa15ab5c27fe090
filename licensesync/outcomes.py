"""How a run that did not succeed ends: retried later, failed for good, or cancelled."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from connect.failures import ClockSkew, CloudFailure, CloudRejected, CloudUnavailable, NotConnected
from enterprises import audit
from licensesync import jobs
from licensesync.exchange import Worker
from licensesync.models import SyncJob, SyncPart
from licensesync.snapshot import NoSeats
from wire.messages import ErrorCode

logger = logging.getLogger(__name__)

_FIRST_DELAY: Final = timedelta(minutes=1)
_LONGEST_DELAY: Final = timedelta(days=1)
_SURPRISES: Final = 8
_TRANSIENT_CODES: Final = frozenset({ErrorCode.BUSY, ErrorCode.RATE_LIMITED, ErrorCode.PART_DIGEST})


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
    is_transient: bool = False
    is_cancelled: bool = False
    retry_after: timedelta = timedelta()


def refuse_unless_allowed(job: SyncJob) -> None:
    """Check again at every attempt that the owner still wants it.

    :raises NotConnected: there is no connection any more
    :raises SyncDisabled: people's data must not travel; a committed snapshot is only waited for
    """
    if not job.connection.is_connected:
        raise NotConnected
    carries_people = job.kind != SyncJob.Kind.RECORD and job.commit_sent_at is None
    if carries_people and not job.connection.license_sync_enabled:
        raise SyncDisabled


def outcome_of(error: Exception, attempts: int) -> Outcome:
    """Return what a failure means; a surprise is retried a few times and then left to people."""
    match error:
        case NotConnected():
            return Outcome(error.code, is_cancelled=True)
        case SyncDisabled():
            return Outcome("sync_disabled", is_cancelled=True)
        case NoSeats():
            return Outcome("no_seats")
        case NoEndInSight():
            return Outcome(error.code, is_transient=True)
        case CloudFailure():
            return _outcome_of_the_line(error)
    return _surprise(error, attempts)


def _outcome_of_the_line(error: CloudFailure) -> Outcome:
    wait = timedelta()
    if isinstance(error, CloudUnavailable) and error.retry_after:
        wait = timedelta(seconds=error.retry_after)
    # Clocks are set right and parts travel again without an owner's doing.
    passes = error.is_transient or isinstance(error, ClockSkew) or error.code in _TRANSIENT_CODES
    message = error.message if isinstance(error, CloudRejected) else ""
    return Outcome(error.code, message, is_transient=passes, retry_after=wait)


def _surprise(error: Exception, attempts: int) -> Outcome:
    logger.error("A sync job broke.", exc_info=error)
    return Outcome("internal_error", type(error).__name__, is_transient=attempts < _SURPRISES)


def record_failure(worker: Worker, error: Exception) -> None:
    """Write down what a failed attempt means for its job.

    :raises ClaimLost: the job is somebody else's already
    """
    job = worker.load()
    outcome = outcome_of(error, job.attempts)
    logger.warning("A sync job did not succeed.", extra={"job_id": job.pk, "code": outcome.code})
    if outcome.is_transient:
        delay = max(backoff(job.pk, job.attempts), outcome.retry_after)
        now = worker.clock()
        jobs.retry_later(worker.held, now, not_before=now + delay, code=outcome.code, error=outcome.message)
    else:
        _end(worker, job, outcome)


def _end(worker: Worker, job: SyncJob, outcome: Outcome) -> None:
    state = SyncJob.State.CANCELLED if outcome.is_cancelled else SyncJob.State.FAILED
    with transaction.atomic():
        jobs.finish(worker.held, worker.clock(), state, error_code=outcome.code, error=outcome.message)
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
    """Return how long to wait after a number of attempts: doubling from a minute to about a day.

    A quarter more or less, stable per job and attempt, keeps servers that failed together apart.
    """
    doubled = _FIRST_DELAY * (1 << min(max(attempts, 1) - 1, 20))
    spread = int.from_bytes(hashlib.sha256(f"{job_id}:{attempts}".encode()).digest()[:2]) / 65_535
    return min(doubled, _LONGEST_DELAY) * (0.75 + spread / 2)
