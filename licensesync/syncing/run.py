"""Run one job: claim it, do what its kind says, and write down how it ended.

A usage job: refresh the seats from their source, freeze them (once), open, send the missing parts, commit, wait for
the receipt, verify it, and take over what the cloud now holds. Whatever interrupts it, the next run goes on from the
frozen parts. A usage file speaks with no cloud: see `licensesync.syncing.export`.
"""

import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from connect.client import CloudClient
from connect.failures import CloudFailure
from connect.models import Connection
from connect.receipts import newer_key, pin_followers, signer_of, verify_receipt
from enterprises import audit
from enterprises.outbound import Adapter
from licensesync import differences, jobs, snapshot
from licensesync.jobs import ClaimLost
from licensesync.models import SyncJob, SyncPart
from licensesync.syncing import outcomes
from licensesync.syncing.exchange import BeginAnew, StillApplying, Worker, converse
from licensesync.syncing.export import export
from licensesync.syncing.record import connection_record, features
from licensesync.syncing.refreshing import refresh_seats
from licensesync.syncing.unanswered import unanswered
from wire.messages import Receipt, SyncStatus

logger = logging.getLogger(__name__)

_BEGINNINGS: Final = 3
_LONGEST_APPLYING: Final = timedelta(hours=1)
_MOST_DEATHS: Final = 5
"""Where so many workers died over a job, one after the other, it counts as a failure: somebody has to hear of it."""


def run(
    job_id: int,
    *,
    clock: Callable[[], datetime] = timezone.now,
    adapter: Adapter | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> bool:
    """Do a job that is due; True where it only waits for the cloud and wants another turn.

    Ends quietly where nobody needs it to do anything: not due, or taken over meanwhile. A job that is over without
    having succeeded leaves no people's data on the cloud.
    """
    held = jobs.claim(job_id, clock())
    wants_a_turn = held is not None and work(Worker(held=held, clock=clock, wait=wait), adapter)
    _withdraw_unfinished(job_id, clock, adapter)
    return wants_a_turn


def work(worker: Worker, adapter: Adapter | None = None) -> bool:
    """Do a job that is claimed already; as `run`, but for what a job leaves behind on the cloud."""
    try:
        return _outcome(worker, adapter)
    except ClaimLost:
        return False


def _outcome(worker: Worker, adapter: Adapter | None) -> bool:
    try:
        _attempt(worker, adapter)
    except ClaimLost:
        raise
    except StillApplying:
        if not _is_taking_too_long(worker):
            jobs.give_back(worker.held, not_before=worker.clock())
            return True
        outcomes.record_failure(worker, outcomes.NoEndInSight("still_applying"))
    except Exception as error:  # noqa: BLE001 - the job must say how it ended, whatever it was
        outcomes.record_failure(worker, error)
    return False


def _is_taking_too_long(worker: Worker) -> bool:
    """Whether the cloud applies for so long that an owner has to hear of it; it is asked again all the same."""
    asked_at = worker.load().commit_sent_at
    return asked_at is not None and worker.clock() - asked_at > _LONGEST_APPLYING


def _withdraw_unfinished(job_id: int, clock: Callable[[], datetime], adapter: Adapter | None) -> None:
    """Have the cloud forget what it received of a job that ended early; if it cannot be told, it forgets by itself."""
    given_up = SyncJob.objects.filter(state__in=(SyncJob.State.FAILED, SyncJob.State.CANCELLED))
    opened = given_up.filter(sync_id__isnull=False, opened_at__isnull=False)
    job = opened.filter(pk=job_id).select_related("connection__server__enterprise").first()
    if job is None or not job.connection.is_connected:
        return
    try:
        with CloudClient(job.connection, adapter=adapter, clock=clock) as cloud:
            cloud.withdraw(str(job.sync_id))
        jobs.note(job_id, "withdrawn", clock())
    except CloudFailure as failure:
        extra = {"job_id": job_id, "code": failure.code}
        logger.info("The cloud was not told that a snapshot will not be finished.", extra=extra)


def _attempt(worker: Worker, adapter: Adapter | None) -> None:
    job = worker.load()
    outcomes.refuse_unless_allowed(job)
    if jobs.attempts_without_an_end(job.pk) > _MOST_DEATHS:
        raise outcomes.NoEndInSight("internal_error")
    if job.kind == SyncJob.Kind.FILE:
        refresh_seats(worker, job)
        export(worker, job)
        return
    with CloudClient(job.connection, adapter=adapter, clock=worker.clock) as cloud:
        if job.kind == SyncJob.Kind.RECORD:
            _send_record(worker, cloud, job)
        else:
            _sync(worker, cloud)


def _send_record(worker: Worker, cloud: CloudClient, job: SyncJob) -> None:
    """Tell the cloud, and once more where license sync was switched meanwhile: whoever did so left it to this job."""
    worker.advance(state=SyncJob.State.UPLOADING)
    is_told = False
    while not is_told:
        record = connection_record(job.connection)
        cloud.put_record(record)
        with transaction.atomic():
            # Ended first: a switch after this finds the slot free, one before it is seen below.
            jobs.finish(worker.held, worker.clock(), SyncJob.State.SUCCEEDED, error_code="", error="")
            job.connection.refresh_from_db(fields=["license_sync_enabled_at"])
            is_told = features(job.connection) == record.features
            if is_told:
                _audit(worker, job, "dotcom_connection.upload_usage_metrics", seats=record.license_consuming_seats)
            transaction.set_rollback(not is_told)


def _sync(worker: Worker, cloud: CloudClient) -> None:
    code = ""
    for _beginning in range(_BEGINNINGS):
        job = worker.load()
        outcomes.refuse_unless_allowed(job)
        if job.sync_id is not None and _history_moved_on(job):
            jobs.begin_anew(worker.held, worker.clock(), "base_changed")
            job = worker.load()
        if job.sync_id is None:
            refresh_seats(worker, job)
            _freeze(worker, job)
            job = worker.load()
        try:
            status = converse(worker, cloud, job)
        except BeginAnew as anew:
            code = anew.code
            jobs.begin_anew(worker.held, worker.clock(), code)
            continue
        job = worker.load()
        _settle(worker, job, status)
        if status.receipt_keys:
            _accept_newer_key(worker, cloud, job, status)
        return
    raise outcomes.NoEndInSight(code)


def _accept_newer_key(worker: Worker, cloud: CloudClient, job: SyncJob, status: SyncStatus) -> None:
    """Have the next receipt come under the newest key. The sync is over, so a failure waits for the next one."""
    job.connection.refresh_from_db()
    kid = newer_key(job.connection, status.receipt, status.receipt_keys)
    if not kid:
        return
    try:
        cloud.accept_receipt_key(kid)
    except CloudFailure as failure:
        extra = {"job_id": job.pk, "code": failure.code}
        logger.warning("The cloud was not told that its newer receipt key is accepted.", extra=extra)


def _history_moved_on(job: SyncJob) -> bool:
    """Whether the connection was made anew since the job froze what it builds on, and nothing was committed."""
    frozen = (job.base_revision, job.base_snapshot_id)
    held = (job.connection.base_revision, job.connection.base_snapshot_id)
    return job.commit_sent_at is None and frozen != held


def _freeze(worker: Worker, job: SyncJob) -> None:
    """Store the snapshot and every word of its opening in one transaction, fenced at its first and last write."""
    worker.advance(state=SyncJob.State.PREPARING)
    connection = job.connection
    with transaction.atomic():
        worker.advance()
        frozen = snapshot.freeze(job.pk, connection.server, job.omits)
        worker.advance(
            state=SyncJob.State.UPLOADING,
            sync_id=uuid.uuid4(),
            hostname=connection.server.hostname,
            taken_at=frozen.taken_at,
            accounts=frozen.accounts,
            omitted=frozen.omitted,
            part_count=frozen.parts,
            sha256=frozen.sha256,
            size=frozen.size,
            base_revision=connection.base_revision,
            base_snapshot_id=connection.base_snapshot_id,
            unanswered=unanswered(connection),
        )
        worker.note("prepared", accounts=frozen.accounts, parts=frozen.parts)


def _settle(worker: Worker, job: SyncJob, status: SyncStatus) -> None:
    if job.kind == SyncJob.Kind.PREVIEW:
        _settle_preview(worker, job, status)
    else:
        _settle_usage(worker, job, status)


def _settle_preview(worker: Worker, job: SyncJob, status: SyncStatus) -> None:
    result, kept = differences.read_preview(status.preview)
    with transaction.atomic():
        jobs.finish(
            worker.held,
            worker.clock(),
            SyncJob.State.SUCCEEDED,
            result=result,
            error_code="",
            error="",
            **kept.columns,
        )
        SyncPart.objects.filter(job=job).delete()
        differences.forget_addresses(job)


def _settle_usage(worker: Worker, job: SyncJob, status: SyncStatus) -> None:
    """Believe the receipt only when it is verified; then job, base, kept parts and audit change together."""
    receipt = verify_receipt(
        connection=job.connection,
        receipt=status.receipt,
        sync_id=str(job.sync_id),
        sha256=job.sha256,
        offered=status.receipt_keys,
    )
    _same, key = signer_of(status.receipt, job.connection.receipt_keys, status.receipt_keys)
    kept = differences.read_applied(status.preview, receipt)
    result = msgspec.to_builtins(receipt) | kept.numbers
    with transaction.atomic():
        worker.note("receipt_verified", revision=receipt.revision, kid=key["kid"])
        jobs.finish(
            worker.held,
            worker.clock(),
            SyncJob.State.SUCCEEDED,
            receipt=status.receipt,
            receipt_key=key,
            result=result,
            error_code="",
            error="",
            **kept.columns,
        )
        differences.forget_addresses(job)
        _go_on_from(job, receipt)
        if status.receipt_keys:
            pin_followers(job.connection, status.receipt_keys, at=worker.clock())
        jobs.keep_only_the_latest_parts(job.connection_id, job.pk)
        _audit(
            worker,
            job,
            "dotcom_connection.upload_license_usage",
            accounts=job.accounts,
            parts=job.parts_sent,
            bytes=job.bytes_sent,
        )
        counts = {name: result[name] for name in ("accounts", "added", "changed", "removed", "revision")}
        _audit(worker, job, "license_sync.succeeded", sync_id=str(job.sync_id), sha256=job.sha256, **counts)


def _go_on_from(job: SyncJob, receipt: Receipt) -> None:
    """Build on what the cloud holds now.

    Only of the connection that this run spoke for: it may have been made anew meanwhile. And not where the receipt of a
    usage file, which was applied later, came in first.
    """
    built_on = Q(base_revision=job.base_revision, base_snapshot_id=job.base_snapshot_id)
    is_older = Q(base_revision=None) | Q(base_revision__lt=receipt.revision)
    same = Connection.objects.filter(pk=job.connection_id, installation_id=job.connection.installation_id)
    same.filter(built_on | is_older).update(base_revision=receipt.revision, base_snapshot_id=job.sync_id)


def _audit(worker: Worker, job: SyncJob, action: str, **after: object) -> None:
    audit.record(
        enterprise=job.connection.server.enterprise,
        action=action,
        by=job.requested_by,
        at=worker.clock(),
        target=job.connection.server.hostname,
        after=after,
    )
