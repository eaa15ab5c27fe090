"""A usage file that was made: its name, its length, and its bytes, the same at every download."""

from collections.abc import Iterator
from dataclasses import dataclass

from connect.models import Server
from licensesync.models import SyncJob
from licensesync.snapshot import sent_bytes
from wire import signing
from wire.usage import UsageHeader, usage_lines, usage_size


class FileGone(Exception):
    """The lines are not kept any more, or the key is another one: only a new file helps."""


@dataclass(frozen=True)
class UsageFile:
    """The file of a job: what its header says, and its bytes."""

    job: SyncJob
    header: UsageHeader

    @property
    def name(self) -> str:
        """What it is called when it is saved: of which server, and when it was made."""
        return f"license-usage-{self.header.host_name}-{self.header.generated_at:%Y-%m-%dT%H%M%SZ}.json"

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return usage_size(self.header, self.job.usage_signature, self.job.size)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the file, a part at a time."""
        return usage_lines(self.header, self.job.usage_signature, sent_bytes(self.job))


def is_kept(job: SyncJob) -> bool:
    """Whether the file can still be downloaded."""
    return bool(job.usage_signature) and (job.part_count == 0 or job.parts.exists())


def usage_file(server: Server, job: SyncJob) -> UsageFile:
    """Return the file of a job.

    :raises FileGone: it was never made, or its lines are kept no more
    """
    if not is_kept(job):
        raise FileGone
    key = signing.load_identity_key(server.identity_key).public_key()
    try:
        header = signing.verify(job.usage_signature, UsageHeader, typ=signing.USAGE, key=key)
    except signing.SignatureInvalid as error:
        raise FileGone from error
    return UsageFile(job, header)
