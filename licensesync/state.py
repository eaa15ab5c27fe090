"""Where a connection honestly stands: one function that page, command and home share."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from connect.models import Connection
from licensesync.failures import explain
from licensesync.models import Schedule, SyncJob

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise

STALE_AFTER: Final = timedelta(days=8)
_LATE: Final = timedelta(minutes=5)
"""The tick comes every minute: what has not begun after five has nobody to begin it."""


class StateCode(enum.StrEnum):
    """The states of a connection, from the reader's point of view."""

    NOT_CONNECTED = "not_connected"
    PENDING = "pending"
    SYNC_OFF = "sync_off"
    FIRST_SYNC_PENDING = "first_sync_pending"
    SYNCING = "syncing"
    SYNCED = "synced"
    STALE = "stale"
    FAILED = "failed"
    DISCONNECTED = "disconnected"


_LABELS: Final[dict[StateCode, tuple["Text", str]]] = {
    StateCode.NOT_CONNECTED: (_("Not connected"), "neutral"),
    StateCode.PENDING: (_("Setup not completed"), "attention"),
    StateCode.SYNC_OFF: (_("Connected, but license sync is off"), "attention"),
    StateCode.FIRST_SYNC_PENDING: (_("First sync pending"), "accent"),
    StateCode.SYNCING: (_("Syncing"), "accent"),
    StateCode.SYNCED: (_("Synced"), "success"),
    StateCode.STALE: (_("Stale"), "attention"),
    StateCode.FAILED: (_("Sync failed"), "danger"),
    StateCode.DISCONNECTED: (_("Disconnected"), "neutral"),
}
_NEXT_STEPS: Final[dict[StateCode, "Text"]] = {
    StateCode.NOT_CONNECTED: _("Enable GitHub Connect."),
    StateCode.PENDING: _("Complete your GitHub Connect setup."),
    StateCode.SYNC_OFF: _("Set license sync to Enabled."),
    StateCode.STALE: _("Press Sync now."),
    StateCode.DISCONNECTED: _("Enable GitHub Connect again."),
}


@dataclass(frozen=True, kw_only=True)
class ConnectionState:
    """A state with everything that a reader may ask about it.

    ``last_success`` is when the last receipt came, ``last_attempt`` when a worker last began; ``succeeded`` and
    ``attempted`` are their jobs, ``active`` the one under way. ``retry_at`` is set while a failed attempt waits.
    """

    code: StateCode
    since: datetime | None = None
    reason: "Text" = ""
    next_step: "Text" = ""
    last_success: datetime | None = None
    last_attempt: datetime | None = None
    succeeded: SyncJob | None = None
    attempted: SyncJob | None = None
    active: SyncJob | None = None
    next_run_at: datetime | None = None
    retry_at: datetime | None = None

    @property
    def label(self) -> "Text":
        """The words of the state."""
        return _LABELS[self.code][0]

    @property
    def tone(self) -> str:
        """The color of the state: neutral, accent, attention, success or danger."""
        return _LABELS[self.code][1]


def connection_state(connection: Connection, at: datetime) -> ConnectionState:
    """Return where one connection stands, in two queries."""
    return connection_states([connection.pk], at)[connection.pk]


def connection_states(connection_ids: Iterable[int], at: datetime) -> dict[int, ConnectionState]:
    """Return where connections stand, by primary key, in two queries for all of them."""
    rows = list(_with_latest(Connection.objects.filter(pk__in=list(connection_ids))))
    ids = {getattr(row, name) for row in rows for name in ("active_id", "success_id", "attempt_id")}
    found = SyncJob.objects.in_bulk([job_id for job_id in ids if job_id is not None])
    return {row.pk: _state(row, found, at) for row in rows}


def _with_latest(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    usage = SyncJob.objects.filter(connection=OuterRef("pk"), kind=SyncJob.Kind.USAGE).order_by("-pk").values("pk")
    sync = SyncJob.objects.filter(connection=OuterRef("pk"), slot=Schedule.Slot.SYNC).active().values("pk")
    planned = Schedule.objects.filter(connection=OuterRef("pk"), slot=Schedule.Slot.SYNC).values("next_run_at")
    begun = Q(started_at__isnull=False)
    return connections.annotate(
        active_id=Subquery(sync[:1]),
        success_id=Subquery(usage.filter(state=SyncJob.State.SUCCEEDED)[:1]),
        attempt_id=Subquery(usage.filter(begun)[:1]),
        next_run_at=Subquery(planned[:1]),
    )


def _state(connection: Connection, found: dict[int, SyncJob], at: datetime) -> ConnectionState:
    active, success, attempt = (
        found.get(getattr(connection, name) or 0) for name in ("active_id", "success_id", "attempt_id")
    )
    # The tick forgets schedules of a line that ended; until then they mean nothing.
    is_on = connection.is_connected and connection.license_sync_enabled
    next_run_at: datetime | None = getattr(connection, "next_run_at", None) if is_on else None
    code = _line_code(connection) or _sync_code(active, success, attempt, at)
    reason, next_step = _why(code, active=active, attempt=attempt, next_run_at=next_run_at, at=at)
    return ConnectionState(
        code=code,
        since=_since(code, connection, active=active, success=success, attempt=attempt),
        reason=reason,
        next_step=next_step,
        last_success=success.finished_at if success else None,
        last_attempt=attempt.attempted_at if attempt else None,
        succeeded=success,
        attempted=attempt,
        active=active,
        next_run_at=next_run_at,
        retry_at=active.not_before if active and active.is_waiting_to_retry else None,
    )


def _line_code(connection: Connection) -> StateCode | None:
    """What the line alone says: without one, or with sync off, jobs do not matter."""
    match connection.state:
        case Connection.State.NOT_CONNECTED:
            return StateCode.NOT_CONNECTED
        case Connection.State.PENDING:
            return StateCode.PENDING
        case Connection.State.DISCONNECTED:
            return StateCode.DISCONNECTED
    return None if connection.license_sync_enabled else StateCode.SYNC_OFF


def _sync_code(active: SyncJob | None, success: SyncJob | None, attempt: SyncJob | None, at: datetime) -> StateCode:
    if active is not None and active.kind == SyncJob.Kind.USAGE:
        if active.is_waiting_to_retry:
            return StateCode.FAILED
        if active.started_at is not None or success is not None:
            return StateCode.SYNCING
        return StateCode.FIRST_SYNC_PENDING
    if attempt is not None and attempt.state == SyncJob.State.FAILED:
        return StateCode.FAILED
    if success is None or success.finished_at is None:
        return StateCode.FIRST_SYNC_PENDING
    return StateCode.STALE if at - success.finished_at > STALE_AFTER else StateCode.SYNCED


def _why(
    code: StateCode, *, active: SyncJob | None, attempt: SyncJob | None, next_run_at: datetime | None, at: datetime
) -> tuple["Text", "Text"]:
    """One sentence and one next step; nobody at work is said before anything else that would wait for them."""
    if code == StateCode.FAILED:
        failed = active if active is not None and active.is_waiting_to_retry else attempt
        explanation = explain(failed.error_code if failed else "")
        return str(explanation.sentence), str(explanation.next_step)
    if code in {StateCode.FIRST_SYNC_PENDING, StateCode.SYNCING, StateCode.SYNCED, StateCode.STALE} and _nobody_works(
        active, next_run_at, at
    ):
        return (
            _("No worker has begun what is due for more than five minutes."),
            _("Check that the worker and the beat of this server are running."),
        )
    return "", _NEXT_STEPS.get(code, "")


def _nobody_works(active: SyncJob | None, next_run_at: datetime | None, at: datetime) -> bool:
    if active is not None:
        free_since = active.lease_until or active.not_before or active.created_at
        return at - free_since > _LATE
    return next_run_at is not None and at - next_run_at > _LATE


def _since(
    code: StateCode,
    connection: Connection,
    *,
    active: SyncJob | None,
    success: SyncJob | None,
    attempt: SyncJob | None,
) -> datetime | None:
    match code:
        case StateCode.SYNCED | StateCode.STALE:
            return success.finished_at if success else None
        case StateCode.SYNCING:
            return active.started_at or active.created_at if active else None
        case StateCode.FAILED:
            failed = active or attempt
            return failed.finished_at or failed.attempted_at if failed else None
        case StateCode.FIRST_SYNC_PENDING:
            return connection.license_sync_enabled_at
        case StateCode.SYNC_OFF:
            return connection.connected_at
        case StateCode.DISCONNECTED:
            return connection.disconnected_at
    return None
