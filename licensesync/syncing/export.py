"""Make a usage file: freeze the seats in short steps, then sign what was frozen.

No lock is held while the list is read, so that imports and syncs of a large server go on: each step stores a part of it
only if no import switched the seats since the first one. Where one did, the list is begun anew; after a few times,
imports wait. So all lines are of one list, the one that ``taken_at`` says the time of.
"""

import uuid
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction

from connect.models import Connection, Server
from enterprises import audit
from licensesync import jobs, snapshot
from licensesync.licenses import license_hash
from licensesync.locks import hold
from licensesync.models import License, SeatSource, SyncJob, SyncPart
from licensesync.syncing.exchange import Worker
from licensesync.syncing.record import features
from licensesync.syncing.unanswered import unanswered
from wire import signing
from wire.lines import SnapshotDigest
from wire.messages import Base
from wire.parts import pack
from wire.usage import UsageHeader

_BEGINNINGS: Final = 3


class SeatsSwitched(Exception):
    """An import came between two parts of the list."""


@dataclass(kw_only=True)
class _Frozen:
    """How much of the list is stored by now."""

    source: SeatSource
    accounts: int = 0
    parts: int = 0
    size: int = 0
    digest: SnapshotDigest = field(default_factory=SnapshotDigest)


def export(worker: Worker, job: SyncJob) -> None:
    """Freeze the list, sign it, and end the job.

    :raises licensesync.snapshot.NoSeats: no seats were ever imported
    :raises licensesync.jobs.ClaimLost: it is somebody else's job, or was cancelled
    """
    for _beginning in range(_BEGINNINGS):
        try:
            _export(worker, job)
        except SeatsSwitched:
            worker.note("began_anew", code="seats_switched")
        else:
            return
    with transaction.atomic():
        hold(job.connection.server)
        _export(worker, job)


def _export(worker: Worker, job: SyncJob) -> None:
    server = job.connection.server
    frozen = _Frozen(source=_begin(worker, server))
    last = 0
    while lines := snapshot.next_lines(server, after=last):
        _keep(worker, job.pk, frozen, lines)
        worker.show(len(lines))
        last = snapshot.user_id_of(lines[-1])
    with transaction.atomic():
        worker.advance()
        _refuse_another(frozen.source)
        _sign(worker, frozen)


def _begin(worker: Worker, server: Server) -> SeatSource:
    """Forget what an attempt before this one left."""
    with transaction.atomic():
        worker.advance(state=SyncJob.State.PREPARING, accounts=0, part_count=0, size=0)
        SyncPart.objects.filter(job_id=worker.held.job_id).delete()
    source = SeatSource.objects.select_related("server").filter(server=server).first()
    if source is None:
        raise snapshot.NoSeats
    return source


def _keep(worker: Worker, job_id: int, frozen: _Frozen, lines: list[bytes]) -> None:
    """Store one part, and in the same transaction how far that is."""
    raw = b"".join(lines)
    body = pack(raw)
    frozen.digest.add(raw)
    frozen.accounts += len(lines)
    frozen.size += len(raw)
    frozen.parts += 1
    with transaction.atomic():
        worker.advance(accounts=frozen.accounts, part_count=frozen.parts, size=frozen.size)
        _refuse_another(frozen.source)
        SyncPart.objects.create(job_id=job_id, number=frozen.parts, lines=len(lines), body=body)


def _refuse_another(source: SeatSource) -> None:
    """Within a transaction: from here to its end no import switches the seats.

    :raises SeatsSwitched: one did since ``source`` was read
    """
    hold(source.server)
    if not SeatSource.objects.filter(pk=source.pk, switches=source.switches).exists():
        raise SeatsSwitched


def _sign(worker: Worker, frozen: _Frozen) -> None:
    """End the job, its header signed; audit, and what is kept of older files, in the same transaction."""
    job = worker.load()
    header = _header(worker, job.connection, frozen)
    base = header.base
    identity = signing.load_identity_key(job.connection.server.identity_key)
    jobs.finish(
        worker.held,
        worker.clock(),
        SyncJob.State.EXPORTED,
        sync_id=header.snapshot_id,
        hostname=header.host_name,
        taken_at=header.taken_at,
        accounts=frozen.accounts,
        part_count=frozen.parts,
        size=frozen.size,
        sha256=header.sha256,
        base_revision=base.revision if base else None,
        base_snapshot_id=base.snapshot_id if base else None,
        unanswered=list(header.unanswered),
        usage_signature=signing.sign(header, typ=signing.USAGE, key=identity),
        error_code="",
        error="",
    )
    jobs.keep_only_the_latest_parts(job.connection_id, job.pk, job.kind)
    audit.record(
        enterprise=job.connection.server.enterprise,
        action="license.export",
        by=job.requested_by,
        at=worker.clock(),
        target=header.host_name,
        after={"snapshot_id": header.snapshot_id, "accounts": header.accounts, "sha256": header.sha256},
    )


def _header(worker: Worker, connection: Connection, frozen: _Frozen) -> UsageHeader:
    server = connection.server
    base = None
    if connection.base_revision is not None and connection.base_snapshot_id is not None:
        base = Base(revision=connection.base_revision, snapshot_id=str(connection.base_snapshot_id))
    identity = signing.load_identity_key(server.identity_key)
    return UsageHeader(
        server_id=str(server.server_id),
        host_name=server.hostname,
        http_only=server.http_only,
        version=server.version,
        license=license_hash(License.objects.filter(server=server).first()),
        public_key="",
        server_key=signing.public_text(identity.public_key()),
        features=features(connection),
        generated_at=worker.clock(),
        taken_at=frozen.source.taken_at,
        snapshot_id=str(uuid.uuid4()),
        base=base,
        unanswered=tuple(unanswered(connection)),
        accounts=frozen.accounts,
        sha256=frozen.digest.hexdigest(),
    )
