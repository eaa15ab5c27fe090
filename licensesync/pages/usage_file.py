"""The page of the usage files: what one holds, how to hand it over, how far one is, and what became of each."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connect.models import Server
from licensesync.failures import Failure, explain, failure_of
from licensesync.models import SeatSource, SyncJob
from licensesync.pages.places import PlaceLink, link_to
from licensesync.pages.runs import Run
from licensesync.pages.server import AboutServer, source_of
from licensesync.sources.status import config_of
from licensesync.state import OLD_SEATS_AFTER
from licensesync.usage_files import FileGone, usage_file
from wire import signing

FILES = 20


@dataclass(frozen=True)
class FileRow:
    """A usage file and what became of it. ``size`` is None where it cannot be downloaded any more."""

    run: Run
    size: int | None
    is_newest: bool

    @property
    def job(self) -> SyncJob:
        """The job that made it."""
        return self.run.job

    @property
    def by(self) -> str | Promise:
        """Who had it made, or whence."""
        is_of_nobody = self.job.requested_by is None and self.job.trigger == SyncJob.Trigger.PERSON
        return _("On a page") if is_of_nobody else self.run.by

    @property
    def is_kept(self) -> bool:
        """Whether it can be downloaded."""
        return self.size is not None

    @property
    def label(self) -> str | Promise:
        """What became of it."""
        if self.job.state == SyncJob.State.EXPORTED:
            return _("Waits for its receipt") if self.is_newest else _("Without a receipt")
        if self.job.state == SyncJob.State.SUCCEEDED:
            return _("Accepted")
        return self.run.label

    @property
    def tone(self) -> str:
        """The color of the label."""
        if self.job.state == SyncJob.State.EXPORTED:
            return "accent" if self.is_newest else "neutral"
        return self.run.tone

    @property
    def help(self) -> str | Promise:
        """Who accepted it, or why there is no file."""
        result = self.run.result
        if result is None:
            # That somebody cancelled it is what the label says.
            return "" if self.job.error_code == "cancelled_by_person" else self.run.reason
        return _("by %(account)s, revision %(revision)s") % {
            "account": result.account,
            "revision": intcomma(result.revision),
        }


@dataclass(frozen=True)
class UsageFilePage(AboutServer):
    """Everything about a server's usage files. ``rows`` are the last ones, newest first."""

    server: Server
    rows: list[FileRow]
    at: datetime
    is_owner: bool

    @property
    def row(self) -> FileRow | None:
        """The file that is made right now, or was last."""
        return self.rows[0] if self.rows else None

    @property
    def job(self) -> SyncJob | None:
        """Its job."""
        return self.row.job if self.row else None

    @property
    def is_active(self) -> bool:
        """Whether a file is being made: then the page looks again by itself."""
        return self.job is not None and self.job.is_active

    @property
    def can_start(self) -> bool:
        """Whether Export does something: it never stands beside a file that is being made."""
        is_free = not self.is_active or (self.job is not None and self.job.is_waiting_to_retry)
        config = config_of(self.server)
        return is_free and (self.seats is not None or bool(config and config.is_automatic))

    @property
    def seats(self) -> SeatSource | None:
        """Where the seats come from that the next file would hold, and when they were taken."""
        return source_of(self.server)

    @property
    def has_old_seats(self) -> bool:
        """Whether a file would hold seats that a sync would be warned of."""
        return self.seats is not None and self.at - self.seats.taken_at > OLD_SEATS_AFTER

    @property
    def syncs_by_itself(self) -> bool:
        """Whether the same seats go to the cloud without anybody carrying them."""
        return self.connection.is_connected and self.connection.license_sync_enabled

    @cached_property
    def failure(self) -> Failure | None:
        """Why there is no file."""
        return failure_of(self.job) if self.job else None

    @property
    def place(self) -> PlaceLink | None:
        """Where the next step of the failure is taken."""
        return link_to(self.failure.place, self.slug, is_owner=self.is_owner) if self.failure else None

    @property
    def source_error(self) -> str:
        """Why the newest file holds seats that are older than they might be."""
        if self.job is None or not self.job.source_error:
            return ""
        return _("%(reason)s The seats stayed as they were.") % {"reason": explain(self.job.source_error).sentence}

    @property
    def total(self) -> int | None:
        """How many accounts the file will hold, as far as that is known."""
        is_freezing = self.job is not None and self.job.part_count > 0 and self.seats is not None
        return self.seats.license_consuming if is_freezing and self.seats else None

    @property
    def progress(self) -> int | None:
        """How many accounts are in the file by now."""
        return min(self.job.accounts, self.total) if self.job and self.total is not None else None

    @property
    def progress_text(self) -> str:
        """How far it is, in words."""
        if self.progress is None or self.total is None:
            return ""
        numbers = {"done": intcomma(self.progress), "total": intcomma(self.total)}
        return _("%(done)s of %(total)s accounts") % numbers

    @property
    def sentence(self) -> str | Promise:
        """What is going on, in one sentence; read out when it changes."""
        if self.failure:
            return self.failure.sentence
        if self.job is None:
            return self._first_step()
        is_refreshing = self.job.refresh_began_at is not None and self.job.refreshed_at is None
        words = {
            SyncJob.State.QUEUED: _("Waiting for a free worker"),
            SyncJob.State.PREPARING: _("Refreshing seats") if is_refreshing else _("Freezing the list of accounts"),
            SyncJob.State.EXPORTED: _("The file is made and signed. Its receipt has not come back yet."),
            SyncJob.State.SUCCEEDED: _("The cloud has accepted this file, and its receipt was verified here."),
            SyncJob.State.CANCELLED: (self.row.help if self.row else "") or _("The last file was cancelled."),
        }
        return words.get(SyncJob.State(self.job.state), self.job.get_state_display())

    def _first_step(self) -> str:
        if self.can_start:
            return _("No usage file was exported yet.")
        return _("No seats have been imported yet, so there is nothing to export.")

    @cached_property
    def key_fingerprint(self) -> str:
        """The fingerprint of the key that signs the files: the cloud shows the same before it takes the first one."""
        identity = signing.load_identity_key(self.server.identity_key)
        return signing.fingerprint(signing.public_text(identity.public_key()))

    @property
    def fingerprint(self) -> str:
        """Changes whenever the fragment does, so that an unchanged one is neither sent nor read out again."""
        parts = [str(self.seats.imported_at if self.seats else None)]
        for row in self.rows:
            job = row.job
            shown = (job.pk, job.state, job.part_count, job.not_before, job.error_code, job.source_error, row.size)
            parts += [*map(str, shown), str(job.refresh_began_at), str(job.refreshed_at)]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def usage_file_page(server: Server, at: datetime, *, is_owner: bool) -> UsageFilePage:
    """Read the page in a bounded number of queries, however many files there were."""
    jobs = SyncJob.objects.filter(connection=server.connection, kind=SyncJob.Kind.FILE)
    newest = list(jobs.select_related("requested_by").order_by("-pk")[:FILES])
    made = next((job.pk for job in newest if job.usage_signature), None)
    rows = [
        FileRow(
            Run.of(job, server.connection), _size(server, job) if job.pk == made else None, is_newest=job.pk == made
        )
        for job in newest
    ]
    return UsageFilePage(server, rows, at, is_owner)


def _size(server: Server, job: SyncJob) -> int | None:
    """Only the lines of the newest are kept."""
    try:
        return usage_file(server, job).size
    except FileGone:
        return None
