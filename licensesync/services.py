"""What people and commands can do to a server's license, seats and sync: one transaction each, audited."""

from datetime import date, datetime
from functools import partial as later

from django.db import transaction
from django.utils.translation import gettext as _

from connect import services as connecting
from connect.failures import NotConnected
from connect.models import Connection, Server
from enterprises import audit
from enterprises.models import User
from enterprises.outbound import Adapter
from licensesync import jobs
from licensesync.licenses import keep_license
from licensesync.models import License, Schedule, SyncJob
from licensesync.seats.auditing import audit_import
from licensesync.seats.changes import SeatChange, ShrinkNotAllowed
from licensesync.seats.importing import import_file, preview_file
from licensesync.seats.reading import Stream
from licensesync.seats.rows import SeatsInvalid
from licensesync.seats.staging import Progress
from licensesync.sources.asking import NothingToRefresh, ask, waiting
from licensesync.syncing import schedule
from licensesync.syncing.outcomes import SyncDisabled
from licensesync.tasks import publish, publish_refresh

__all__ = ["NotConnected", "NothingToRefresh", "SeatChange", "SeatsInvalid", "ShrinkNotAllowed", "SyncDisabled"]


class CannotCancel(Exception):
    """The job is over, or the cloud was asked to apply it already."""

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return _("The sync is over, or the cloud was asked to apply it already.")


def import_seats(
    *,
    server: Server,
    stream: Stream,
    by: User | None,
    at: datetime,
    format: str | None = None,  # noqa: A002 - the word of the command line
    taken_at: datetime | None = None,
    partial: bool = False,
    allow_shrink: bool = False,
    ip: str = "",
    progress: Progress | None = None,
) -> SeatChange:
    """Make a server's seats what a file says, all or nothing.

    :raises SeatsInvalid: a line that is no good
    :raises ShrinkNotAllowed: over 20 % and over 20 accounts, or everybody, would be removed
    """
    return import_file(
        server=server,
        stream=stream,
        file_format=format,
        at=at,
        taken_at=taken_at,
        is_partial=partial,
        allow_shrink=allow_shrink,
        progress=progress,
        after_switch=lambda made: audit_import(server, made, by=by, at=at, ip=ip),
    )


def preview_seats(
    *,
    server: Server,
    stream: Stream,
    format: str | None = None,  # noqa: A002 - the word of the command line
    partial: bool = False,
    progress: Progress | None = None,
) -> SeatChange:
    """Say what importing a file would change; ``needs_confirmation`` says whether it has to be allowed.

    :raises SeatsInvalid: a line that is no good
    """
    return preview_file(server=server, stream=stream, file_format=format, is_partial=partial, progress=progress)


def set_license(
    *,
    server: Server,
    customer: str,
    seats: int | None,
    by: User | None,
    at: datetime,
    expires_on: date | None = None,
    kind: str = "standard",
    ip: str = "",
) -> License:
    """Write down a server's license as a person enters it; ``seats`` None is unlimited.

    :raises django.core.exceptions.ValidationError: a value does not fit
    """
    return keep_license(
        server=server,
        customer=customer,
        kind=kind,
        seats=seats,
        expires_on=expires_on,
        source=License.Source.FORM,
        by=by,
        at=at,
        ip=ip,
    )


@transaction.atomic
def set_license_sync(*, connection: Connection, enabled: bool, by: User | None, at: datetime, ip: str = "") -> bool:
    """Set "Server can sync user license count and usage"; whether that changed anything.

    Enabling plans the first sync within ten minutes; disabling cancels what can be cancelled. Either way the cloud is
    told at once by a connection record, so that its page does not wait a week for the news.

    :raises NotConnected: GitHub Connect is not enabled
    """
    mine = Connection.objects.filter(pk=connection.pk, state=Connection.State.CONNECTED)
    if enabled:
        won = mine.filter(license_sync_enabled_at=None).update(license_sync_enabled_at=at)
    else:
        won = mine.exclude(license_sync_enabled_at=None).update(license_sync_enabled_at=None)
    connection.refresh_from_db(fields=["state", "license_sync_enabled_at"])
    if not connection.is_connected:
        raise NotConnected
    if not won:
        return False
    if enabled:
        schedule.plan(connection, Schedule.Slot.SYNC, at)
    else:
        schedule.forget(connection, Schedule.Slot.SYNC)
        _cancel_slot(connection, at)
    _tell_the_cloud(connection, by=by, at=at)
    audit.record(
        enterprise=connection.server.enterprise,
        action="config_entry.update",
        by=by,
        at=at,
        ip=ip,
        target="license_sync",
        before={"license_sync": "disabled" if enabled else "enabled"},
        after={"license_sync": "enabled" if enabled else "disabled"},
    )
    return True


def _tell_the_cloud(connection: Connection, *, by: User | None, at: datetime) -> None:
    trigger = SyncJob.Trigger.PERSON if by is not None else SyncJob.Trigger.COMMAND
    record, is_new = jobs.create(connection=connection, kind=SyncJob.Kind.RECORD, trigger=trigger, by=by, at=at)
    if not is_new:
        jobs.wake(record.pk, at)
    transaction.on_commit(later(publish, record.pk))


def _cancel_slot(connection: Connection, at: datetime) -> None:
    active = SyncJob.objects.active().filter(connection=connection, slot=Schedule.Slot.SYNC)
    for job_id in active.values_list("pk", flat=True):
        if jobs.cancel(job_id, at, code="sync_disabled"):
            _withdraw_later(job_id)


def _withdraw_later(job_id: int) -> None:
    """Have a worker tell the cloud that nothing more of a cancelled job will come."""
    transaction.on_commit(later(publish, job_id))


def disconnect(
    *,
    connection: Connection,
    by: User | None,
    at: datetime,
    ip: str = "",
    adapter: Adapter | None = None,
    even_if_unreachable: bool = False,
) -> Connection:
    """Disable GitHub Connect, and with it what is under way. No transaction: the cloud is asked in the middle.

    :raises NotConnected: it is not enabled
    :raises connect.failures.CloudFailure: nothing was changed here; see `connect.services.disconnect`
    """
    ended = connecting.disconnect(
        connection=connection, by=by, at=at, ip=ip, adapter=adapter, even_if_unreachable=even_if_unreachable
    )
    jobs.end_stranded(at)
    return ended


@transaction.atomic
def request_sync(
    *,
    connection: Connection,
    by: User | None,
    at: datetime,
    trigger: SyncJob.Trigger = SyncJob.Trigger.PERSON,
    kind: SyncJob.Kind = SyncJob.Kind.USAGE,
    allow_shrink: bool = False,
    omits: SyncJob.Omits = SyncJob.Omits.NOBODY,
    ip: str = "",
) -> SyncJob:
    """Return the job that does what is asked: a new one, or the one that is active already, awake.

    ``omits`` is for previews: what the cloud would count without some of the accounts.

    :raises NotConnected: GitHub Connect is not enabled
    :raises SyncDisabled: license sync is Disabled, and the job would carry people's data
    """
    connection.refresh_from_db(fields=["state", "license_sync_enabled_at"])
    if not connection.is_connected:
        raise NotConnected
    if kind != SyncJob.Kind.RECORD and not connection.license_sync_enabled:
        raise SyncDisabled
    job, is_new = jobs.create(
        connection=connection, kind=kind, trigger=trigger, by=by, at=at, allow_shrink=allow_shrink, omits=omits
    )
    is_changed = not is_new and allow_shrink and _may_shrink_too(job)
    is_woken = not is_new and jobs.wake(job.pk, at)
    if is_new or is_changed or is_woken:
        audit.record(
            enterprise=connection.server.enterprise,
            action="license_sync.requested",
            by=by,
            at=at,
            ip=ip,
            target=connection.server.hostname,
            after={"kind": kind, "trigger": trigger, "allow_shrink": allow_shrink}
            | ({"omits": omits} if omits else {})
            | ({"tried_again": job.pk} if is_woken else {}),
        )
    if not is_new:
        job.refresh_from_db()
    transaction.on_commit(later(publish, job.pk))
    return job


def _may_shrink_too(job: SyncJob) -> bool:
    """Let a job that waits already remove many accounts; whether that is new. A frozen one keeps every word."""
    return bool(SyncJob.objects.active().filter(pk=job.pk, sync_id=None, allow_shrink=False).update(allow_shrink=True))


@transaction.atomic
def cancel_sync(*, job: SyncJob, by: User | None, at: datetime, ip: str = "") -> None:
    """End a job that the cloud was not yet asked to apply.

    :raises CannotCancel: it is too late
    """
    if not jobs.cancel(job.pk, at, code="cancelled_by_person"):
        raise CannotCancel
    _withdraw_later(job.pk)
    job.refresh_from_db()
    audit.record(
        enterprise=job.connection.server.enterprise,
        action="license.export_cancelled" if job.kind == SyncJob.Kind.FILE else "license_sync.cancelled",
        by=by,
        at=at,
        ip=ip,
        target=job.connection.server.hostname,
        after={"kind": job.kind},
    )


def record_download(*, server: Server, job: SyncJob | None, by: User | None, at: datetime, ip: str = "") -> None:
    """Audit that somebody takes the lines of a sync, or without one those of the next one, away in a file."""
    sent = {"sync_id": str(job.sync_id), "sha256": job.sha256, "accounts": job.accounts} if job else {}
    audit.record(
        enterprise=server.enterprise,
        action="report.download",
        by=by,
        at=at,
        ip=ip,
        target=server.hostname,
        after={"report": "sent_lines" if job else "outgoing_lines", **sent},
    )


def tick(at: datetime) -> int:
    """Start what is due and wake workers for what nobody holds; returns how many messages the broker took."""
    schedule.put_right()
    schedule.start_due(at)
    jobs.end_stranded(at)
    due = SyncJob.objects.due(at).order_by("pk").values_list("pk", flat=True)
    return sum(publish(job_id) for job_id in due) + sum(publish_refresh(pk) for pk in waiting(at))


@transaction.atomic
def request_refresh(*, server: Server, by: User | None, at: datetime, allow_shrink: bool = False) -> None:
    """Have a worker fetch the seats anew from their source.

    :raises NothingToRefresh: seats of this server come only by import
    """
    source = ask(server=server, by=by, at=at, allow_shrink=allow_shrink)
    transaction.on_commit(later(publish_refresh, source.pk))
