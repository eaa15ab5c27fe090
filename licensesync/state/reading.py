"""Where a connection honestly stands: one function that page, command and home share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext

from connect.models import Connection
from licensesync.failures import Failure, failure_of
from licensesync.models import License, Schedule, SeatSource, SourceConfig, SyncJob
from licensesync.state.carried import (
    FILE_JOBS,
    Carried,
    accepted_words,
    adopted_words,
    carried_of,
    waiting_words,
    with_files,
)
from licensesync.state.codes import BY_FILE, WORDS, StateCode
from licensesync.state.words import (
    OLD_SEATS_AFTER,
    STALE_AFTER,
    day_of,
    expired_on,
    had_old_seats,
    remarks_of,
    why_of,
)
from wire.messages import ErrorCode

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise

__all__ = ["OLD_SEATS_AFTER", "STALE_AFTER", "ConnectionState", "StateCode", "connection_state", "connection_states"]

_EVER: Final = datetime.min.replace(tzinfo=UTC)
_ACCEPTED: Final = frozenset({StateCode.FILE_ACCEPTED, StateCode.FILE_STALE, StateCode.SYNCED})
_JOBS: Final = ("active_id", "success_id", "attempt_id", "judged_id")
_COLUMNS: Final = (
    "state",
    "base_revision",
    "pending_until",
    "connected_at",
    "disconnected_at",
    "license_sync_enabled_at",
    "account_slug",
    "account_name",
)


@dataclass(frozen=True, kw_only=True)
class ConnectionState:
    """A state with everything that a reader may ask about it.

    ``last_success`` is when the last receipt came, or the last usage file was applied; ``accepted`` says so of a file.
    ``last_attempt`` when a worker last began; ``succeeded`` and
    ``attempted`` are their jobs, ``active`` the one under way. ``retry_at`` is set while a failed attempt waits,
    ``setup_until`` while a setup is not completed, also after it. ``error_code`` is why it failed or what is to be
    decided. ``place`` names the page of the next step: ``licensesync:<place>``, with the slug. ``remarks`` are true
    beside the state, one sentence each.
    """

    code: StateCode
    place: str = "license"
    since: datetime | None = None
    reason: "Text" = ""
    next_step: "Text" = ""
    remarks: tuple["Text", ...] = ()
    error_code: str = ""
    setup_until: datetime | None = None
    last_success: datetime | None = None
    last_attempt: datetime | None = None
    succeeded: SyncJob | None = None
    attempted: SyncJob | None = None
    active: SyncJob | None = None
    next_run_at: datetime | None = None
    retry_at: datetime | None = None
    license_expired_on: date | None = None
    accepted: str = ""

    @property
    def label(self) -> "Text":
        """The words of the state; those of old seats say of which day they are, those of files who accepted one."""
        if self.accepted:
            return self.accepted
        if self.code == StateCode.SYNCED_OLD_SEATS and self.seats_taken_at and self.last_success:
            return gettext("Synced, with seats of %(day)s") % {"day": day_of(self.seats_taken_at, self.last_success)}
        return WORDS[self.code].label

    @property
    def tone(self) -> str:
        """Neutral, accent, attention, success or danger; nothing is green while something is wrong with it."""
        tone = WORDS[self.code].tone
        return "attention" if (self.reason or self.remarks) and tone in {"success", "accent"} else tone

    @property
    def is_off_line(self) -> bool:
        """Whether there is no connection that anything could be sent over."""
        return self.code in {StateCode.NOT_CONNECTED, StateCode.PENDING, StateCode.DISCONNECTED} | BY_FILE

    @property
    def is_by_file(self) -> bool:
        """Whether usage files are carried to the cloud instead."""
        return self.code in BY_FILE

    @property
    def fingerprint(self) -> str:
        """Everything of the state that a page shows, so that one which shows it knows whether it changed."""
        shown = (self.code, self.since, self.reason, self.next_step, self.remarks, self.last_success, self.last_attempt)
        job = self.active.pk if self.active else None
        return "|".join(map(str, (*shown, self.accepted, self.next_run_at, self.retry_at, self.setup_until, job)))

    @property
    def seats_taken_at(self) -> datetime | None:
        """When the seats that were synced last were taken."""
        return self.succeeded.taken_at if self.succeeded else None

    @property
    def may_be_a_copy(self) -> bool:
        """Whether nobody has said yet that this server is the original: the two share one App."""
        return self.code == StateCode.NEEDS_DECISION and self.error_code != ErrorCode.SHRINK_UNCONFIRMED


def connection_state(connection: Connection, at: datetime) -> ConnectionState:
    """Return where one connection stands, in two queries."""
    return connection_states([connection.pk], at)[connection.pk]


def connection_states(connection_ids: Iterable[int], at: datetime) -> dict[int, ConnectionState]:
    """Return where connections stand, by primary key, in two queries for all of them."""
    rows = list(_with_latest(Connection.objects.filter(pk__in=list(connection_ids))))
    ids = {getattr(row, name) for row in rows for name in (*_JOBS, *FILE_JOBS)}
    found = SyncJob.objects.in_bulk([job_id for job_id in ids if job_id is not None])
    return {row.pk: _state(row, found, at) for row in rows}


def _with_latest(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    usage = SyncJob.objects.filter(connection=OuterRef("pk"), kind=SyncJob.Kind.USAGE).order_by("-pk").values("pk")
    sync = SyncJob.objects.filter(connection=OuterRef("pk"), slot=Schedule.Slot.SYNC).active().values("pk")
    planned = Schedule.objects.filter(connection=OuterRef("pk"), slot=Schedule.Slot.SYNC).values("next_run_at")
    begun = Q(started_at__isnull=False)
    # A sync fetches the first seats itself.
    fetched = SourceConfig.objects.filter(server=OuterRef("server")).exclude(kind=SeatSource.Kind.IMPORT)
    # Whole rows would bring their secrets with them, and have them decrypted.
    return with_files(connections.only(*_COLUMNS)).annotate(
        active_id=Subquery(sync[:1]),
        success_id=Subquery(usage.filter(state=SyncJob.State.SUCCEEDED)[:1]),
        attempt_id=Subquery(usage.filter(begun)[:1]),
        # Whoever cancels an attempt says nothing about the one before it.
        judged_id=Subquery(usage.filter(begun).exclude(state=SyncJob.State.CANCELLED)[:1]),
        next_run_at=Subquery(planned[:1]),
        expires_on=Subquery(License.objects.filter(server=OuterRef("server")).values("expires_on")[:1]),
        has_seats=Exists(SeatSource.objects.filter(server=OuterRef("server"))) | Exists(fetched),
        source_code=Subquery(SourceConfig.objects.filter(server=OuterRef("server")).values("error_code")[:1]),
    )


def _state(connection: Connection, found: dict[int, SyncJob], at: datetime) -> ConnectionState:
    active, success, attempt, judged = (found.get(getattr(connection, name) or 0) for name in _JOBS)
    files = carried_of(connection, *(found.get(getattr(connection, name) or 0) for name in FILE_JOBS))
    success = _later(success, files.accepted)
    # The tick forgets schedules of a line that ended; until then they mean nothing.
    is_on = connection.is_connected and connection.license_sync_enabled
    next_run_at: datetime | None = getattr(connection, "next_run_at", None) if is_on else None
    over_since = expired_on(connection, at)
    # What happened before this connection came about is told, and says nothing of this one.
    arrived, begun = (job if is_of_this_connection(connection, job) else None for job in (success, judged))
    code = _line_code(connection, files, at) or _sync_code(
        active, arrived, begun, at, is_expired=over_since is not None
    )
    failure = _failure(code, active, begun)
    is_pending = code == StateCode.PENDING
    if code in BY_FILE:
        attempt = files.newest
    source_code: str | None = getattr(connection, "source_code", None)
    why = why_of(code, connection, failure=failure, active=active, next_run_at=next_run_at, success=success, at=at)
    return ConnectionState(
        code=code,
        # Where nothing else is to be done, what ails the source is mended on its page.
        place="seats" if source_code and not why.next_step else why.place,
        since=_since(code, connection, active=active, success=success, attempt=judged),
        reason=why.reason,
        next_step=why.next_step,
        remarks=(
            *remarks_of(code, connection, failure, success, over_since, source_code),
            *_waiting(code, connection, files, at),
        ),
        error_code=failure.code if failure else "",
        setup_until=connection.pending_until if is_pending else None,
        last_success=success.arrived_at if success else None,
        last_attempt=attempt.attempted_at if attempt else None,
        succeeded=success,
        attempted=attempt,
        active=active,
        next_run_at=next_run_at,
        retry_at=active.not_before if active and active.is_waiting_to_retry else None,
        license_expired_on=over_since,
        accepted=accepted_words(connection, success, at) if code in _ACCEPTED and success == files.accepted else "",
    )


def _later(sync: SyncJob | None, file: SyncJob | None) -> SyncJob | None:
    """The success of which the cloud holds the seats: an upload counts as much as a sync."""
    arrived = [job for job in (sync, file) if job is not None and job.arrived_at is not None]
    return max(arrived, key=lambda job: job.arrived_at or _EVER, default=None)


def _waiting(code: StateCode, connection: Connection, files: Carried, at: datetime) -> tuple["Text", ...]:
    if code not in {StateCode.FILE_ACCEPTED, StateCode.FILE_STALE}:
        return ()
    words = adopted_words(connection, files) or waiting_words(files.waiting, at)
    return (words,) if words else ()


def is_of_this_connection(connection: Connection, job: SyncJob | None) -> bool:
    """Whether a job is one of the connection as it was made last."""
    return job is not None and (connection.connected_at is None or job.created_at >= connection.connected_at)


def _line_code(connection: Connection, files: Carried, at: datetime) -> StateCode | None:
    """What the line alone says: without one, or with sync off, syncs do not matter, and without one, usage files do."""
    match connection.state:
        case Connection.State.NOT_CONNECTED:
            return files.code(at) or StateCode.NOT_CONNECTED
        case Connection.State.PENDING:
            return StateCode.PENDING
        case Connection.State.DISCONNECTED:
            return files.code(at) or StateCode.DISCONNECTED
    return None if connection.license_sync_enabled else StateCode.SYNC_OFF


def _sync_code(
    active: SyncJob | None, success: SyncJob | None, attempt: SyncJob | None, at: datetime, *, is_expired: bool
) -> StateCode:
    """What the jobs say. What is worse goes first; an expired license does not keep a sync from working."""
    if active is not None and active.kind == SyncJob.Kind.USAGE:
        if active.is_waiting_to_retry:
            return StateCode.FAILED
        if active.started_at is not None or success is not None:
            return StateCode.SYNCING
        return StateCode.FIRST_SYNC_PENDING
    # What was decided is over, also where the sync that followed was cancelled.
    if attempt is not None and attempt.state == SyncJob.State.FAILED and not attempt.decision:
        return StateCode.NEEDS_DECISION if _needs_decision(attempt) else StateCode.FAILED
    if success is None or success.arrived_at is None:
        return StateCode.FIRST_SYNC_PENDING
    if at - success.arrived_at > STALE_AFTER:
        return StateCode.STALE
    if is_expired:
        return StateCode.LICENSE_EXPIRED
    return StateCode.SYNCED_OLD_SEATS if had_old_seats(success) else StateCode.SYNCED


def _failure(code: StateCode, active: SyncJob | None, attempt: SyncJob | None) -> Failure | None:
    """What the state is about, where something failed."""
    if code not in {StateCode.FAILED, StateCode.NEEDS_DECISION}:
        return None
    job = active if active is not None and active.is_waiting_to_retry else attempt
    return failure_of(job) if job is not None else None


def _needs_decision(attempt: SyncJob) -> bool:
    failure = failure_of(attempt)
    return failure is not None and failure.needs_decision


def _since(
    code: StateCode,
    connection: Connection,
    *,
    active: SyncJob | None,
    success: SyncJob | None,
    attempt: SyncJob | None,
) -> datetime | None:
    match code:
        case StateCode.SYNCED | StateCode.SYNCED_OLD_SEATS | StateCode.STALE | StateCode.LICENSE_EXPIRED:
            return success.arrived_at if success else None
        case StateCode.FILE_ACCEPTED | StateCode.FILE_STALE:
            return success.arrived_at if success else None
        case StateCode.FILE_EXPORTED:
            return attempt.finished_at if attempt else None
        case StateCode.SYNCING:
            return active.started_at or active.created_at if active else None
        case StateCode.FAILED | StateCode.NEEDS_DECISION:
            failed = active or attempt
            return failed.finished_at or failed.attempted_at if failed else None
        case StateCode.FIRST_SYNC_PENDING:
            return connection.license_sync_enabled_at
        case StateCode.SYNC_OFF:
            return connection.connected_at
        case StateCode.DISCONNECTED:
            return connection.disconnected_at
    return None
