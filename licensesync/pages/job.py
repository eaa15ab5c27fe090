"""The page of one job: every fact, its steps, its attempts, its log while it runs, and what an owner can do."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connect.models import Server
from licensesync.failures import DECISIONS, Failure, failure_of
from licensesync.models import SyncJob, SyncJobEvent
from licensesync.pages.difference import DifferenceView, difference_of
from licensesync.pages.events import MOST_SHOWN, Attempt, LogLine, attempts_of, log_lines
from licensesync.pages.places import PlaceLink, link_to
from licensesync.pages.runs import Result, Run
from licensesync.pages.server import AboutServer
from licensesync.pages.steps import Step, file_steps_of, preview_steps_of, steps_of


@dataclass(frozen=True)
class JobPage(AboutServer):
    """Everything about one job. ``events`` are the newest of its log, oldest first.

    ``is_made_good``: it failed, and a later one of its kind arrived.
    """

    server: Server
    job: SyncJob
    events: list[SyncJobEvent]
    is_latest_sent: bool
    is_newest: bool
    is_made_good: bool
    at: datetime
    is_owner: bool

    @property
    def run(self) -> Run:
        """How it ended, or where it is."""
        return Run.of(self.job, self.connection)

    @property
    def place(self) -> PlaceLink | None:
        """Where the next step of the failure is taken."""
        return link_to(self.failure.place, self.slug, is_owner=self.is_owner) if self.failure else None

    @cached_property
    def failure(self) -> Failure | None:
        """Why the last attempt did not arrive."""
        return failure_of(self.job)

    @cached_property
    def result(self) -> Result | None:
        """What it changed, or would change."""
        return Result.of(self.job, self.connection)

    @cached_property
    def difference(self) -> DifferenceView | None:
        """What that meant for people, or would mean."""
        return difference_of(self.job, self.server, is_owner=self.is_owner)

    @property
    def steps(self) -> list[Step]:
        """Its steps; a record of the connection has none that one would want to see."""
        if self.job.kind == SyncJob.Kind.RECORD:
            return []
        if self.job.kind == SyncJob.Kind.FILE:
            return file_steps_of(self.job)
        return preview_steps_of(self.job) if self.job.kind == SyncJob.Kind.PREVIEW else steps_of(self.job)

    @property
    def log(self) -> list[LogLine]:
        """The log, oldest first."""
        return log_lines(self.events)

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts, oldest first."""
        return attempts_of(self.events)

    @property
    def can_cancel(self) -> bool:
        """Whether the cloud was not yet asked to apply."""
        return self.job.is_active and self.job.commit_sent_at is None

    @property
    def can_try_now(self) -> bool:
        """Whether it waits and would be tried at once, or failed last and would be followed by another."""
        if self.job.kind != SyncJob.Kind.USAGE or self.job.error_code in DECISIONS:
            return False
        return self.job.is_waiting_to_retry or (self.job.state == SyncJob.State.FAILED and self.is_newest)

    @property
    def why_not_cancel(self) -> str:
        """Why a job that is active cannot be cancelled."""
        if self.job.is_active and self.job.commit_sent_at is not None:
            return _("It can no longer be cancelled: all parts have arrived, and the cloud was asked to apply them.")
        return ""

    @property
    def duration(self) -> timedelta | None:
        """From its first attempt to its end, or to now."""
        if self.job.started_at is None:
            return None
        return (self.job.finished_at or self.at) - self.job.started_at

    @property
    def title(self) -> str:
        """Kind and number."""
        return _("%(kind)s %(number)s") % {"kind": self.job.label, "number": self.job.pk}

    @property
    def sentence(self) -> str | Promise:
        """Where it stands, in one sentence; read out when it changes."""
        return self.run.reason or self.run.label

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The facts that are no moments, labeled; what is not known yet is left out."""
        job = self.job
        rows = [{"label": _("Kind"), "value": job.label}, self._trigger()]
        if self.duration is not None:
            rows.append({"label": _("Duration"), "value": words_of(self.duration)})
        if job.attempts:
            rows.append({"label": _("Attempts"), "value": intcomma(job.attempts)})
        if job.sha256:
            rows += self._snapshot()
        if job.allow_shrink:
            rows.append({"label": _("Large removal"), "value": _("confirmed by whoever started it")})
        return rows

    def _trigger(self) -> dict[str, Any]:
        by = self.job.requested_by
        is_on_a_page = self.job.trigger == SyncJob.Trigger.PERSON
        return {
            "label": _("Trigger"),
            "value": _("On a page") if is_on_a_page else self.job.get_trigger_display(),
            "help": _("by %(name)s") % {"name": by.display_name} if by else "",
        }

    def _snapshot(self) -> list[dict[str, Any]]:
        job = self.job
        parts = {"sent": intcomma(job.parts_sent), "parts": intcomma(job.part_count)}
        size = _("of %(size)s uncompressed") % {"size": filesizeformat(job.size)} if job.size else ""
        if job.kind == SyncJob.Kind.FILE:
            return self._file()
        lines = reverse("licensesync:sent", args=[self.slug]) + "?which=last" if self.is_latest_sent else ""
        return [
            {"label": _("Accounts"), "value": intcomma(job.accounts), "url": lines},
            {"label": _("Parts sent"), "value": _("%(sent)s of %(parts)s") % parts},
            {"label": _("Sent, compressed"), "value": filesizeformat(job.bytes_sent), "help": size},
            {"label": _("Digest (SHA-256)"), "value": job.sha256},
            {"label": _("Sync ID"), "value": str(job.sync_id)},
            {"label": _("Built on"), "value": self._base()},
        ]

    def _file(self) -> list[dict[str, Any]]:
        job = self.job
        page = reverse("licensesync:usage_file", args=[self.slug])
        return [
            {"label": _("Accounts"), "value": intcomma(job.accounts)},
            {"label": _("Usage file"), "value": _("Export license usage"), "url": page},
            {"label": _("Digest (SHA-256)"), "value": job.sha256},
            {"label": _("Snapshot ID"), "value": str(job.sync_id)},
            {"label": _("Built on"), "value": self._base()},
        ]

    def _base(self) -> str:
        if self.job.base_revision is None and self.job.kind == SyncJob.Kind.FILE:
            return _("nothing: no receipt came so far")
        if self.job.base_revision is None:
            return _("nothing: the first sync of this connection")
        return _("revision %(revision)s") % {"revision": intcomma(self.job.base_revision)}

    @property
    def moments(self) -> list[tuple[str, datetime]]:
        """When what happened."""
        job = self.job
        known = [
            (_("Requested"), job.created_at),
            (_("Began"), job.started_at),
            (_("Last attempt"), job.attempted_at if job.attempts > 1 else None),
            (_("List of accounts taken"), job.taken_at),
            (_("Applying asked for"), job.commit_sent_at),
            (_("Ended"), job.finished_at),
        ]
        return [(label, at) for label, at in known if at is not None]

    @property
    def fingerprint(self) -> str:
        """Changes whenever the page does, so that an unchanged one is neither sent nor read out again."""
        job = self.job
        parts = [job.state, job.parts_sent, job.commit_sent_at, job.not_before, job.error_code, job.sha256]
        parts.append(self.events[-1].pk if self.events else 0)
        return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def words_of(duration: timedelta) -> str:
    """A duration in its two largest units, such as "2 min 5 s"."""
    seconds = duration.total_seconds()
    if seconds < 1:
        return _("less than a second")
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": intcomma(hours), "minutes": minutes}
    if minutes:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}
    return ngettext("%(count)s second", "%(count)s seconds", rest) % {"count": rest}


def job_page(server: Server, job: SyncJob, at: datetime, *, is_owner: bool) -> JobPage:
    """Read the page in a bounded number of queries. ``job`` is one of this server's."""
    events = list(job.events.order_by("-pk")[:MOST_SHOWN])[::-1]
    latest_sent = job.kind == SyncJob.Kind.USAGE and job.state == SyncJob.State.SUCCEEDED and job.parts.exists()
    is_newest = not SyncJob.objects.filter(connection=server.connection, slot=job.slot, pk__gt=job.pk).exists()
    later = SyncJob.objects.filter(connection=server.connection, kind=job.kind, omits=job.omits, pk__gt=job.pk)
    is_made_good = (
        job.state == SyncJob.State.FAILED and not is_newest and later.filter(state=SyncJob.State.SUCCEEDED).exists()
    )
    return JobPage(server, job, events, latest_sent, is_newest, is_made_good, at, is_owner)
