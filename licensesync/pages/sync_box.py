"""The box "License sync" of the License page: how it stands, how far it is, how the last runs ended."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlsplit

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connect.failures import Place
from connect.models import Server
from licensesync.failures import Failure, failure_of
from licensesync.models import Schedule, SeatSource, SyncJob
from licensesync.pages.difference import DifferenceView, difference_of
from licensesync.pages.places import PlaceLink, link_to
from licensesync.pages.runs import Result, Run
from licensesync.pages.server import AboutServer, source_of
from licensesync.pages.steps import Step, steps_of
from licensesync.sources.status import config_of
from licensesync.state import ConnectionState, StateCode, connection_state, is_of_this_connection
from wire.messages import ErrorCode

RUNS = 10


@dataclass(frozen=True)
class Missing:
    """What has to be done before a sync can start, and where."""

    text: str
    link: str
    url: str


def missing_of(server: Server) -> Missing | None:
    """What is missing before a sync or a preview of a server can start."""
    slug = server.enterprise.slug
    connect_url = reverse("licensesync:connection", args=[slug])
    if not server.connection.is_connected:
        return Missing(_("This server is not connected to a cloud account."), _("GitHub Connect"), connect_url)
    if not server.connection.license_sync_enabled:
        text = _("This server is connected, but license sync is off.")
        return Missing(text, _("Set “Server can sync user license count and usage” to Enabled"), connect_url)
    config = config_of(server)
    if source_of(server) is None and not (config and config.is_automatic):
        seats_url = reverse("licensesync:seats", args=[slug])
        return Missing(_("There are no seats to sync yet."), _("Import seats"), seats_url)
    return None


@dataclass(frozen=True)
class SyncBox(AboutServer):
    """Everything the box shows. ``jobs`` are the last ones, newest first."""

    server: Server
    state: ConnectionState
    jobs: list[SyncJob]
    at: datetime
    is_owner: bool

    @property
    def job(self) -> SyncJob | None:
        """The job under way, or else the last one; those of a former connection are history."""
        latest = self.jobs[0] if self.jobs else None
        return latest if is_of_this_connection(self.connection, latest) else None

    @property
    def is_active(self) -> bool:
        """Whether a job is under way or waits to be tried again: then the box looks again by itself."""
        return self.job is not None and self.job.is_active

    @property
    def is_due(self) -> bool:
        """Whether the weekly run's time has come."""
        return self.state.next_run_at is not None and self.state.next_run_at <= self.at

    @property
    def warning(self) -> str | Promise:
        """What is wrong although no run failed: nobody works on what is due, for one."""
        if self.failure is not None:
            return ""
        is_wrong = self.state.reason or self.state.remarks or self.state.code == StateCode.STALE
        return self.sentence_of_state if is_wrong and self.missing is None else ""

    @property
    def warning_place(self) -> PlaceLink | None:
        """Where the warning's next step is taken, when that is another page."""
        return (
            None if self.state.place == Place.LICENSE else link_to(self.state.place, self.slug, is_owner=self.is_owner)
        )

    @property
    def sentence_of_state(self) -> str:
        """Reason, remarks and next step of the state."""
        return " ".join(str(text) for text in (self.state.reason, *self.state.remarks, self.state.next_step) if text)

    @property
    def place(self) -> PlaceLink | None:
        """Where the next step of the failure is taken, when that is another page."""
        if self.failure is None or self.failure.place == Place.LICENSE:
            return None
        return link_to(self.failure.place, self.slug, is_owner=self.is_owner)

    @property
    def way_on(self) -> PlaceLink | None:
        """The step without which trying again is in vain: its link is the button that counts."""
        return self.place if self.failure is not None and self.failure.is_over_by_a_step else None

    @cached_property
    def missing(self) -> Missing | None:
        """What is missing before a sync can start; of a setup also what became of it."""
        found = missing_of(self.server)
        if found is not None and self.state.code == StateCode.PENDING:
            text = str(self.state.reason) or _("You have not completed the setup process.")
            return Missing(text, str(self.state.next_step), found.url)
        if found is not None and self.state.is_by_file:
            url = reverse("licensesync:usage_file", args=[self.slug])
            return Missing(self.sentence_of_state or _("The cloud has accepted its usage file."), _("Usage files"), url)
        return found

    @property
    def setup_ends_at(self) -> datetime | None:
        """Until when a setup may be completed; None where there is none, or its time is over."""
        until = self.state.setup_until
        return until if until is not None and until > self.at else None

    @property
    def seats(self) -> SeatSource | None:
        """Where the seats come from that would be sent now, and when they were taken."""
        return source_of(self.server)

    @property
    def is_retry(self) -> bool:
        """Whether starting means trying again what failed."""
        return self.failure is not None

    @property
    def can_start(self) -> bool:
        """Whether Sync now does something: it never stands beside a run that is under way."""
        return self.missing is None and (not self.is_active or (self.job is not None and self.job.is_waiting_to_retry))

    @property
    def can_cancel(self) -> bool:
        """Whether the cloud was not yet asked to apply."""
        return self.is_active and self.job is not None and self.job.commit_sent_at is None

    @cached_property
    def failure(self) -> Failure | None:
        """Why the last attempt did not arrive."""
        return failure_of(self.job) if self.job else None

    @property
    def needs_shrink(self) -> bool:
        """Whether the cloud waits for somebody to say that so many accounts are meant to go."""
        return self.failure is not None and self.failure.code == ErrorCode.SHRINK_UNCONFIRMED

    @property
    def shrinkage(self) -> str:
        """How many accounts there were and are, for whoever has to say that the missing ones are meant to go."""
        before = next((job.accounts for job in self.jobs if job.state == SyncJob.State.SUCCEEDED), None)
        if not self.needs_shrink or self.job is None or before is None:
            return ""
        numbers = {"before": intcomma(before), "now": intcomma(self.job.accounts)}
        return _("The last sync that arrived held %(before)s accounts, this one holds %(now)s.") % numbers

    @cached_property
    def steps(self) -> list[Step]:
        """The steps of the job."""
        return steps_of(self.job) if self.job else []

    @cached_property
    def result(self) -> Result | None:
        """What the last sync changed, if it arrived."""
        return Result.of(self.job, self.connection) if self.job else None

    @cached_property
    def difference(self) -> DifferenceView | None:
        """What it changed for people."""
        return difference_of(self.job, self.server, is_owner=self.is_owner) if self.job else None

    @property
    def runs(self) -> list[Run]:
        """The last runs, newest first."""
        return [Run.of(job, self.connection) for job in self.jobs]

    @property
    def cloud_host(self) -> str:
        """The cloud's host name."""
        return urlsplit(self.connection.cloud_url).netloc

    @property
    def progress_known(self) -> bool:
        """Whether the bar has a length."""
        return self.job is not None and self.job.state == SyncJob.State.UPLOADING and self.job.part_count > 0

    @property
    def progress_text(self) -> str:
        """How many parts have arrived."""
        if self.job is None:
            return ""
        numbers = {"sent": intcomma(self.job.parts_sent), "parts": intcomma(self.job.part_count)}
        return _("%(sent)s of %(parts)s parts") % numbers

    @property
    def sentence(self) -> str | Promise:
        """What is going on, in one sentence; read out when it changes."""
        if self.job is None:
            return _("The first sync starts by itself at the time below. Sync now starts it at once.")
        if self.failure:
            return self.failure.sentence
        words = {
            SyncJob.State.QUEUED: _("Waiting for a free worker"),
            SyncJob.State.PREPARING: _("Refreshing seats")
            if self.job.refresh_began_at and not self.job.refreshed_at
            else _("Freezing the list of accounts"),
            SyncJob.State.UPLOADING: _("Sending to %(cloud)s") % {"cloud": self.cloud_host},
            SyncJob.State.APPLYING: _("%(cloud)s applies the accounts and counts licenses")
            % {"cloud": self.cloud_host},
            SyncJob.State.SUCCEEDED: _("The sync arrived and its receipt was verified."),
            SyncJob.State.CANCELLED: _("The last sync was cancelled. Nothing was changed on the cloud."),
        }
        return words.get(SyncJob.State(self.job.state), self.state.label)

    @property
    def fingerprint(self) -> str:
        """Changes whenever the box does, so that an unchanged one is neither sent nor read out again."""
        parts = [self.state.fingerprint, str(self.is_due), *(str(job.pk) for job in self.jobs[:1])]
        parts.append(str(self.seats.imported_at if self.seats else None))
        if self.job:
            job = self.job
            parts += [job.state, str(job.parts_sent), str(job.part_count), str(job.commit_sent_at)]
            parts += [str(job.opened_at), str(job.not_before), job.error_code, job.sha256]
            parts += [str(job.refresh_began_at), str(job.refreshed_at)]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def sync_box(server: Server, at: datetime, *, is_owner: bool) -> SyncBox:
    """Read the box in a bounded number of queries, however many runs there were."""
    jobs = (
        SyncJob.objects.filter(connection=server.connection, slot=Schedule.Slot.SYNC, kind=SyncJob.Kind.USAGE)
        .select_related("requested_by")
        .order_by("-created_at", "-pk")[:RUNS]
    )
    return SyncBox(server, connection_state(server.connection, at), list(jobs), at, is_owner)


def job_of(server: Server, pk: int) -> SyncJob | None:
    """A job of this server, none of another's."""
    jobs = SyncJob.objects.select_related("connection__server__enterprise", "requested_by")
    return jobs.filter(connection=server.connection, pk=pk).first()
