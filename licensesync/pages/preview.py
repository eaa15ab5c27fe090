"""The page of the preview: how far the last one is, what it found, whether that is still of any worth."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connect.models import Server
from licensesync.failures import Failure, explain, failure_of
from licensesync.models import SyncJob
from licensesync.pages.difference import DifferenceView, difference_of
from licensesync.pages.places import PlaceLink, link_to
from licensesync.pages.server import AboutServer, source_of
from licensesync.pages.steps import Step, preview_steps_of
from licensesync.pages.sync_box import Missing, missing_of
from licensesync.seats.changes import is_large_shrink

OLD_AFTER: Final = timedelta(hours=1)
"""Members and other servers change meanwhile, and with them what a sync would do."""


@dataclass(frozen=True)
class PreviewPage(AboutServer):
    """Everything about the last preview. ``active`` is the job under way in the same slot, whatever its kind."""

    server: Server
    job: SyncJob | None
    active: SyncJob | None
    last_sync: SyncJob | None
    at: datetime
    is_owner: bool

    @cached_property
    def missing(self) -> Missing | None:
        """What has to be done before anything can be previewed."""
        return missing_of(self.server)

    @property
    def is_active(self) -> bool:
        """Whether a preview is under way or waits to be tried again."""
        return self.job is not None and self.job.is_active

    @property
    def is_sync_active(self) -> bool:
        """Whether a sync is under way, beside which there is no preview."""
        return self.active is not None and self.active.kind == SyncJob.Kind.USAGE

    @property
    def is_other_active(self) -> bool:
        """Whether a preview of another question is under way, for which this one has to wait."""
        return self.active is not None and not self.is_sync_active and not self.is_active

    @property
    def can_start(self) -> bool:
        """Whether asking makes a new preview."""
        is_free = self.active is None or (self.is_active and self.active.is_waiting_to_retry)
        return self.is_owner and self.missing is None and is_free

    @property
    def can_cancel(self) -> bool:
        """Whether the cloud was not yet asked to compute it."""
        return self.is_owner and self.is_active and self.job is not None and self.job.commit_sent_at is None

    @cached_property
    def difference(self) -> DifferenceView | None:
        """What would change."""
        return difference_of(self.job, self.server, is_owner=self.is_owner) if self.job else None

    @cached_property
    def failure(self) -> Failure | None:
        """Why the last attempt gave no answer."""
        return failure_of(self.job) if self.job else None

    @property
    def place(self) -> PlaceLink | None:
        """Where the next step of the failure is taken."""
        return link_to(self.failure.place, self.slug, is_owner=self.is_owner) if self.failure else None

    @property
    def steps(self) -> list[Step]:
        """The steps of the job."""
        return preview_steps_of(self.job) if self.job else []

    @property
    def needs_shrink(self) -> bool:
        """Whether a sync would remove so many accounts that the cloud asks first."""
        found = self.difference
        return found is not None and is_large_shrink(removed=int(found.result["removed"]), held=found.held)

    @property
    def age(self) -> str:
        """Why the preview is of the past; empty while it is not."""
        if self.job is None or self.difference is None or self.job.finished_at is None:
            return ""
        if self.last_sync and self.last_sync.finished_at and self.last_sync.finished_at > self.job.finished_at:
            return _("A sync has been applied since: this is what it would have changed before.")
        source = source_of(self.server)
        if source and source.imported_at > self.job.seats_of:
            return _("The seats have changed since: a sync would send others.")
        if self.at - self.job.finished_at > OLD_AFTER:
            return _("This preview is old: members and other servers may have changed since.")
        return ""

    @property
    def sentence(self) -> str | Promise:
        """What is going on, in one sentence; read out when it changes."""
        if self.job is None:
            return ""
        if self.failure:
            return self.failure.sentence
        if self.job.state == SyncJob.State.CANCELLED:
            return explain(self.job.error_code).sentence
        words = {
            SyncJob.State.QUEUED: _("Waiting for a free worker"),
            SyncJob.State.PREPARING: _("Freezing the list of accounts"),
            SyncJob.State.UPLOADING: _("Sending the accounts, to be compared"),
            SyncJob.State.APPLYING: _("The cloud works out what would change"),
            SyncJob.State.SUCCEEDED: _("The preview is done. Nothing was changed."),
        }
        return words.get(SyncJob.State(self.job.state), "")

    @property
    def fingerprint(self) -> str:
        """Changes whenever the page does, so that an unchanged one is neither sent nor read out again."""
        job = self.job
        parts = [job.pk, job.state, job.parts_sent, job.commit_sent_at, job.not_before] if job else []
        parts += [self.active.pk if self.active else 0, self.age]
        return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def preview_page(server: Server, at: datetime, *, is_owner: bool) -> PreviewPage:
    """Read the page in a bounded number of queries."""
    jobs = SyncJob.objects.filter(connection=server.connection).select_related("requested_by")
    return PreviewPage(
        server=server,
        job=jobs.filter(kind=SyncJob.Kind.PREVIEW, omits=SyncJob.Omits.NOBODY).order_by("-pk").first(),
        active=jobs.active().filter(kind__in=[SyncJob.Kind.PREVIEW, SyncJob.Kind.USAGE]).first(),
        last_sync=jobs.filter(kind=SyncJob.Kind.USAGE, state=SyncJob.State.SUCCEEDED).order_by("-pk").first(),
        at=at,
        is_owner=is_owner,
    )
