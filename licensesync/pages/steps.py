"""The steps of one sync in numbers: seats refreshed, prepared, sent, received, applied, receipt verified."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensesync.failures import explain
from licensesync.models import SyncJob

StepState = Literal["waiting", "current", "done", "failed", "skipped"]

PREPARE, SEND, RECEIVE, APPLY, RECEIPT, END = range(6)


@dataclass(frozen=True)
class Step:
    """One step as ``components/steps.html`` draws it."""

    label: str
    state: StepState
    detail: str = ""
    at: datetime | None = None


def steps_of(job: SyncJob) -> list[Step]:
    """The five steps of a job, and before them the refresh if there is one, each with what is known about it by now."""
    reached = _reached(job)
    unchanged = job.state == SyncJob.State.SUCCEEDED and job.part_count > 0 and job.parts_sent == 0
    labels = [_("Prepared"), _("Sent"), _("Received"), _("Applied"), _("Receipt verified")]
    details = [_prepared(job), _sent(job, unchanged=unchanged), "", _applied(job), _receipt(job)]
    steps = _refresh(job)
    if steps and job.refreshed_at is None and reached == PREPARE:
        return [*steps, *(Step(label=label, state="waiting") for label in labels)]
    for number, (label, detail) in enumerate(zip(labels, details, strict=True)):
        state = _state(job, number, reached)
        if unchanged and number == SEND:
            state = "skipped"
        at = job.finished_at if number == RECEIPT and state == "done" else None
        steps.append(Step(label=label, state=state, detail=detail, at=at))
    return steps


def preview_steps_of(job: SyncJob) -> list[Step]:
    """The steps of a preview: it ends with what the cloud found, and has no receipt."""
    *steps, applied, receipt = steps_of(job)
    return [*steps, replace(applied, label=_("Compared"), at=receipt.at)]


def file_steps_of(job: SyncJob) -> list[Step]:
    """The steps of a usage file: it ends with the receipt that a person brings back."""
    is_made = bool(job.usage_signature)
    made: StepState = "done" if is_made else _state(job, PREPARE, PREPARE)
    has_arrived = job.state == SyncJob.State.SUCCEEDED
    steps = _refresh(job)
    if steps and job.refreshed_at is None and not is_made:
        made = "waiting"
    exported_at = None if has_arrived else job.finished_at
    return [
        *steps,
        Step(label=_("Exported"), state=made, detail=_prepared(job), at=exported_at if is_made else None),
        Step(
            label=_("Receipt verified"),
            state="done" if has_arrived else "waiting",
            detail=_receipt(job),
            at=job.finished_at if has_arrived else None,
        ),
    ]


def _refresh(job: SyncJob) -> list[Step]:
    """The step before the five: the source was asked, or could not be and the seats stayed as they were."""
    if job.refresh_began_at is None:
        return []
    if job.refreshed_at is None:
        return [Step(label=_("Refreshing seats"), state=_state(job, PREPARE, PREPARE))]
    if job.source_error:
        detail = _("%(reason)s The seats stayed as they were.") % {"reason": explain(job.source_error).sentence}
        return [Step(label=_("Seats not refreshed"), state="failed", detail=detail, at=job.refreshed_at)]
    return [Step(label=_("Seats refreshed"), state="done", at=job.refreshed_at)]


def _reached(job: SyncJob) -> int:
    """The step a job is at, or stopped at."""
    if job.state == SyncJob.State.SUCCEEDED:
        return END
    if job.commit_sent_at is not None:
        return APPLY
    if not job.sha256:
        return PREPARE
    return SEND if job.parts_sent < job.part_count or job.opened_at is None else RECEIVE


def _state(job: SyncJob, number: int, reached: int) -> StepState:
    if number < reached:
        return "done"
    if number > reached:
        return "waiting"
    if job.state == SyncJob.State.FAILED or job.is_waiting_to_retry:
        return "failed"
    if job.state in (SyncJob.State.CANCELLED, SyncJob.State.QUEUED):
        return "waiting"
    return "current"


def _prepared(job: SyncJob) -> str:
    if not job.sha256:
        return ""
    accounts = ngettext("%(count)s account", "%(count)s accounts", job.accounts) % {"count": intcomma(job.accounts)}
    parts = ngettext("%(count)s part", "%(count)s parts", job.part_count) % {"count": intcomma(job.part_count)}
    return _("%(accounts)s in %(parts)s") % {"accounts": accounts, "parts": parts}


def _sent(job: SyncJob, *, unchanged: bool) -> str:
    if unchanged:
        return _("nothing changed, nothing uploaded")
    if not job.sha256 or job.opened_at is None:
        return ""
    return _("part %(sent)s of %(parts)s") % {"sent": intcomma(job.parts_sent), "parts": intcomma(job.part_count)}


def _applied(job: SyncJob) -> str:
    if not job.result:
        return ""
    numbers = {name: intcomma(job.result.get(name, 0)) for name in ("added", "changed", "removed")}
    return _("%(added)s added, %(changed)s changed, %(removed)s removed") % numbers


def _receipt(job: SyncJob) -> str:
    if not job.result:
        return ""
    return _("revision %(revision)s") % {"revision": intcomma(job.result.get("revision", 0))}
