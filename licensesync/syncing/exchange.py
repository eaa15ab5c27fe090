"""One conversation with the cloud about a frozen snapshot: open, send what is missing, commit, wait.

Every step may be repeated: opening and parts are idempotent by the sync's id, a commit answers the
same receipt again. So a run that was interrupted anywhere goes on from the cloud's own answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from connect.answers import held_in
from connect.client import CloudClient
from connect.failures import CloudRejected
from licensesync import jobs
from licensesync.models import SyncJob, SyncPart
from wire.messages import Base, ErrorCode, OpenSync, SyncStatus

PATIENCE: Final = timedelta(seconds=5)
"""Short, so that a worker never keeps waiting what it waits for: on one machine the cloud uses the same workers."""

_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
_ROUNDS: Final = 3
_PART_LINES: Final = 10

ANEW: Final = frozenset({ErrorCode.SUPERSEDED, ErrorCode.UNKNOWN_SYNC, ErrorCode.SYNC_ID_REUSED})
"""Answers after which the same snapshot is of no use and a new one is."""
_GIVEN_UP: Final = ANEW | {ErrorCode.BUSY}
"""As a request's answer "busy" means later; a snapshot that ended so stays what it is, however often one asks."""


class BeginAnew(Exception):
    """The cloud cannot go on with this snapshot; a new one will do. No alarm."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class StillApplying(Exception):
    """The cloud is at work for longer than a worker waits; others get their turn, then this job again."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """What a run holds while it works: its claim, a clock, how it waits, and who wants to see that it gets on."""

    held: jobs.Claim
    clock: Callable[[], datetime]
    wait: Callable[[float], None]
    show: Callable[[int], None] = lambda _accounts: None

    def load(self) -> SyncJob:
        """Return the job with its connection and server, fresh."""
        return SyncJob.objects.select_related("connection__server__enterprise", "requested_by").get(pk=self.held.job_id)

    def advance(self, **changes: object) -> None:
        """Write to the job; raises ClaimLost."""
        jobs.advance(self.held, self.clock(), **changes)

    def note(self, event: str, **data: object) -> None:
        """Add a line to the job's log."""
        jobs.note(self.held.job_id, event, self.clock(), **data)


def converse(worker: Worker, cloud: CloudClient, job: SyncJob) -> SyncStatus:
    """Bring a frozen job to its end on the cloud, and return the status that holds receipt or preview.

    :raises BeginAnew: superseded, expired or unknown
    :raises StillApplying: the cloud needs longer than a worker waits
    :raises connect.failures.CloudRejected: the cloud refused it for good
    """
    try:
        status = _first_answer(worker, cloud, job)
        for _round in range(_ROUNDS):
            if status.state == "receiving":
                status = _send(worker, cloud, job, status)
            status = _until_over(worker, cloud, status)
            if status.state != "receiving":
                break
    except CloudRejected as error:
        if error.code in ANEW:
            raise BeginAnew(error.code) from error
        raise
    return _end(status)


def opening(job: SyncJob) -> OpenSync:
    """Return the opening of a job: the same words at every retry."""
    base = None
    if job.base_revision is not None and job.base_snapshot_id is not None:
        base = Base(revision=job.base_revision, snapshot_id=str(job.base_snapshot_id))
    if job.taken_at is None:
        raise ValueError("the snapshot is not frozen yet")
    return OpenSync(
        sync_id=str(job.sync_id),
        hostname=job.hostname,
        taken_at=job.taken_at,
        accounts=job.accounts,
        parts=job.part_count,
        sha256=job.sha256,
        kind="preview" if job.kind == SyncJob.Kind.PREVIEW else "usage",
        base=base,
        unanswered=tuple(job.unanswered),
        allow_shrink=job.allow_shrink,
    )


def _first_answer(worker: Worker, cloud: CloudClient, job: SyncJob) -> SyncStatus:
    if job.commit_sent_at is not None:
        worker.advance(state=SyncJob.State.APPLYING)
        return cloud.status(str(job.sync_id))
    # Written first: an opening whose answer is lost may have been applied, so it counts as unanswered.
    worker.advance(state=SyncJob.State.UPLOADING, opened_at=job.opened_at or worker.clock())
    status = cloud.open_sync(opening(job))
    worker.note("opened", missing=len(status.missing), state=status.state)
    return status


def _send(worker: Worker, cloud: CloudClient, job: SyncJob, status: SyncStatus) -> SyncStatus:
    """Send the missing parts, one in memory at a time, then ask the cloud to apply them.

    :raises BeginAnew: they were all sent before; whether people's data may travel once more is for a new beginning
    """
    if job.commit_sent_at is not None and status.missing:
        raise BeginAnew("unfinished")
    worker.advance(parts_sent=job.part_count - len(status.missing))
    sent = job.part_count - len(status.missing)
    for number in status.missing:
        body = _frozen(worker, job, number)
        cloud.put_part(str(job.sync_id), number, body)
        worker.advance(parts_sent=F("parts_sent") + 1, bytes_sent=F("bytes_sent") + len(body))
        sent += 1
        if _is_worth_a_line(sent, job.part_count):
            worker.note("part_sent", number=sent, parts=job.part_count)
    # From here on nobody can cancel; where somebody did, this write finds no row.
    worker.advance(state=SyncJob.State.APPLYING, commit_sent_at=worker.clock())
    worker.note("commit_sent")
    return cloud.commit(str(job.sync_id))


def _is_worth_a_line(sent: int, parts: int) -> bool:
    """Whether the log says that a part was sent: each of a few, each tenth of many."""
    return sent == parts or sent * _PART_LINES // parts > (sent - 1) * _PART_LINES // parts


def _frozen(worker: Worker, job: SyncJob, number: int) -> bytes:
    """Return the bytes of a part.

    :raises ClaimLost: whoever ended the job a moment ago deleted them
    """
    try:
        return bytes(job.parts.values_list("body", flat=True).get(number=number))
    except SyncPart.DoesNotExist:
        worker.advance()
        raise


def _until_over(worker: Worker, cloud: CloudClient, status: SyncStatus) -> SyncStatus:
    """Ask again until the cloud is done, renewing the lease each time."""
    waited = 0.0
    asked = 0
    while status.state == "applying":
        if waited >= PATIENCE.total_seconds():
            raise StillApplying
        pause = _PAUSES[min(asked, len(_PAUSES) - 1)]
        worker.wait(pause)
        waited += pause
        asked += 1
        worker.advance()
        status = cloud.status(status.sync_id)
    return status


def _end(status: SyncStatus) -> SyncStatus:
    if status.state == "applied":
        return status
    if status.state == "expired":
        raise BeginAnew("expired")
    if status.state == "refused" and status.problem is not None:
        if status.problem.code in _GIVEN_UP:
            raise BeginAnew(status.problem.code)
        raise CloudRejected(status.problem.code, status.problem.message, held=held_in(status.problem))
    raise BeginAnew("unfinished")
