"""Export license usage: what a sync would send now, as one signed file."""

import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final

from django.db import transaction

from connect.models import Connection, Server
from enterprises import audit
from enterprises.models import User
from licensesync.licenses import license_hash
from licensesync.locks import hold
from licensesync.models import License, SeatSource
from licensesync.snapshot import NoSeats, outgoing_lines
from licensesync.syncing.record import features
from licensesync.syncing.run import unanswered
from wire import signing
from wire.lines import SnapshotDigest
from wire.messages import Base
from wire.usage import UsageHeader, usage_lines

_IN_MEMORY: Final = 8 * 1024 * 1024


@dataclass(frozen=True)
class UsageFile:
    """The file, to be read once and then closed. Its lines wait on the disk: the header has their digest."""

    header: UsageHeader
    signature: str
    lines: IO[bytes]

    def __iter__(self) -> Iterator[bytes]:
        """Yield the file, about a line at a time."""
        return usage_lines(self.header, self.signature, self.lines)

    def close(self) -> None:
        """Let go of the lines."""
        self.lines.close()


@transaction.atomic
def export_usage(*, server: Server, by: User | None, at: datetime, ip: str = "") -> UsageFile:
    """Return the file with what a sync would send now.

    :raises licensesync.snapshot.NoSeats: no seats were ever imported
    """
    hold(server)
    taken_at = SeatSource.objects.filter(server=server).values_list("taken_at", flat=True).first()
    if taken_at is None:
        raise NoSeats
    lines = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - `UsageFile.close` does
    digest = SnapshotDigest()
    accounts = 0
    for some in outgoing_lines(server):
        digest.add(some)
        accounts += some.count(b"\n")
        lines.write(some)
    lines.seek(0)
    header = _header(server, taken_at=taken_at, at=at, accounts=accounts, sha256=digest.hexdigest())
    audit.record(
        enterprise=server.enterprise,
        action="license.export",
        by=by,
        at=at,
        ip=ip,
        target=server.hostname,
        after={"snapshot_id": header.snapshot_id, "accounts": accounts, "sha256": header.sha256},
    )
    signature = signing.sign(header, typ=signing.USAGE, key=signing.load_identity_key(server.identity_key))
    return UsageFile(header, signature, lines)


def _header(server: Server, *, taken_at: datetime, at: datetime, accounts: int, sha256: str) -> UsageHeader:
    connection = Connection.objects.get(server=server)
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
        generated_at=at,
        taken_at=taken_at,
        snapshot_id=str(uuid.uuid4()),
        base=base,
        unanswered=tuple(unanswered(connection)),
        accounts=accounts,
        sha256=sha256,
    )
