"""Export license usage, as people and commands ask for it: one transaction each, audited."""

from collections.abc import Callable
from datetime import datetime
from functools import partial as later

from django.db import transaction
from django.utils.translation import gettext as _

from connect.models import Server
from enterprises import audit
from enterprises.models import User
from licensesync import jobs
from licensesync.models import SeatSource, SyncJob
from licensesync.snapshot import NoSeats
from licensesync.sources.refreshing import automatic
from licensesync.syncing.exchange import Worker
from licensesync.syncing.run import work
from licensesync.tasks import publish
from licensesync.usage_files import UsageFile


class ExportUnderWay(Exception):
    """A worker makes a file of this server at this moment."""

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return _("A usage file of this server is being made already. Try again when it is done.")


@transaction.atomic
def request_export(
    *,
    server: Server,
    by: User | None,
    at: datetime,
    trigger: SyncJob.Trigger = SyncJob.Trigger.PERSON,
    ip: str = "",
) -> SyncJob:
    """Return the job that makes a usage file: a new one, or the one that is active already, awake.

    :raises licensesync.snapshot.NoSeats: no seats were ever imported, and no source would bring them
    """
    job = _asked(server, by=by, at=at, trigger=trigger, ip=ip)
    transaction.on_commit(later(publish, job.pk))
    return job


def _asked(server: Server, *, by: User | None, at: datetime, trigger: SyncJob.Trigger, ip: str) -> SyncJob:
    if not SeatSource.objects.filter(server=server).exists() and not automatic(server).exists():
        raise NoSeats
    kind = SyncJob.Kind.FILE
    job, is_new = jobs.create(connection=server.connection, kind=kind, trigger=trigger, by=by, at=at)
    is_woken = not is_new and jobs.wake(job.pk, at)
    if is_new or is_woken:
        audit.record(
            enterprise=server.enterprise,
            action="license.export_requested",
            by=by,
            at=at,
            ip=ip,
            target=server.hostname,
            after={"trigger": trigger} | ({"tried_again": job.pk} if is_woken else {}),
        )
    return job


def export_now(
    *,
    server: Server,
    clock: Callable[[], datetime],
    wait: Callable[[float], None],
    show: Callable[[int], None],
) -> SyncJob:
    """Make a usage file right here, without a worker; ``show`` is told how many accounts came in.

    The job is the same as the page's. Return it, over: a file that could not be made is not tried again by itself.

    :raises licensesync.snapshot.NoSeats: no seats were ever imported, and no source would bring them
    :raises ExportUnderWay: a worker is at it
    """
    # Claimed before anybody else can see it.
    with transaction.atomic():
        job = _asked(server, by=None, at=clock(), trigger=SyncJob.Trigger.COMMAND, ip="")
        held = jobs.claim(job.pk, clock())
    if held is None:
        raise ExportUnderWay
    try:
        work(Worker(held=held, clock=clock, wait=wait, show=show))
    except BaseException:
        jobs.cancel(job.pk, clock(), code="cancelled_by_person")
        raise
    job.refresh_from_db()
    if job.is_active and jobs.cancel(job.pk, clock(), code=job.error_code, error=job.error):
        job.refresh_from_db()
    return job


def record_download(*, server: Server, file: UsageFile, by: User | None, at: datetime, ip: str = "") -> None:
    """Audit that somebody takes a usage file away."""
    audit.record(
        enterprise=server.enterprise,
        action="report.download",
        by=by,
        at=at,
        ip=ip,
        target=server.hostname,
        after={
            "report": "usage_file",
            "snapshot_id": file.header.snapshot_id,
            "sha256": file.header.sha256,
            "accounts": file.header.accounts,
        },
    )
