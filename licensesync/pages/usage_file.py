"""The page of the usage files: what one holds, how to hand it over, how far one is, and what became of each."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from connect.models import Server
from licensesync.models import SeatSource, SyncJob
from licensesync.pages.server import AboutServer, source_of
from wire import signing

FILES = 20


@dataclass(frozen=True)
class UsageFilePage(AboutServer):
    """Everything about a server's usage files. ``jobs`` are the last ones, newest first."""

    server: Server
    jobs: list[SyncJob]
    at: datetime
    is_owner: bool

    @property
    def job(self) -> SyncJob | None:
        """The file that is made right now, or was last."""
        return self.jobs[0] if self.jobs else None

    @property
    def is_active(self) -> bool:
        """Whether a file is being made: then the page looks again by itself."""
        return self.job is not None and self.job.is_active

    @property
    def seats(self) -> SeatSource | None:
        """Where the seats come from that the next file would hold, and when they were taken."""
        return source_of(self.server)

    @cached_property
    def key_fingerprint(self) -> str:
        """The fingerprint of the key that signs the files: the cloud shows the same before it takes the first one."""
        identity = signing.load_identity_key(self.server.identity_key)
        return signing.fingerprint(signing.public_text(identity.public_key()))

    @property
    def fingerprint(self) -> str:
        """Changes whenever the fragment does, so that an unchanged one is neither sent nor read out again."""
        parts = [f"{job.pk} {job.state} {job.part_count} {job.not_before} {job.error_code}" for job in self.jobs]
        parts.append(str(self.seats.imported_at if self.seats else None))
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def usage_file_page(server: Server, at: datetime, *, is_owner: bool) -> UsageFilePage:
    """Read the page in one query, however many files there were."""
    jobs = SyncJob.objects.filter(connection=server.connection, kind=SyncJob.Kind.FILE)
    newest = jobs.select_related("requested_by").order_by("-pk")[:FILES]
    return UsageFilePage(server, list(newest), at, is_owner)
