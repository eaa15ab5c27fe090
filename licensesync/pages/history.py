"""The page of all jobs of a server, newest first, and the filters on it."""

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from connect.models import Server
from licensesync.models import SyncJob
from licensesync.pages.runs import Run
from licensesync.pages.server import AboutServer

PER_PAGE: Final = 50
ACTIVE: Final = "active"


class HistoryForm(forms.Form):
    """Which jobs to list; what does not fit is ignored."""

    result = forms.ChoiceField(
        label=_("Result"),
        required=False,
        choices=[
            ("", _("All results")),
            (SyncJob.State.SUCCEEDED, _("Succeeded")),
            (SyncJob.State.EXPORTED, _("Exported")),
            (SyncJob.State.FAILED, _("Failed")),
            (SyncJob.State.CANCELLED, _("Cancelled")),
            (ACTIVE, _("Under way")),
        ],
    )
    trigger = forms.ChoiceField(
        label=_("Started by"), required=False, choices=[("", _("All triggers")), *SyncJob.Trigger.choices]
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All kinds")), *SyncJob.Kind.choices])

    @property
    def wanted(self) -> dict[str, str]:
        """The filters that are set and fit."""
        self.is_valid()
        fitting = getattr(self, "cleaned_data", {})
        return {name: value for name, value in fitting.items() if value}


@dataclass(frozen=True)
class HistoryPage(AboutServer):
    """One page of jobs. ``page`` is Django's, of rows of `Run`."""

    server: Server
    form: HistoryForm
    page: Page[SyncJob]

    @property
    def runs(self) -> list[Run]:
        """The rows."""
        return [Run.of(job, self.server.connection) for job in self.page.object_list]

    @property
    def is_filtered(self) -> bool:
        """Whether some jobs are left out."""
        return bool(self.form.wanted)

    @property
    def filters(self) -> list[dict[str, Any]]:
        """The selects of the filter form."""
        wanted = self.form.wanted
        return [
            {
                "name": name,
                "label": field.label,
                "options": [
                    {"value": value, "label": label, "is_selected": value == wanted.get(name, "")}
                    for value, label in field.choices  # type: ignore[attr-defined]
                ],
            }
            for name, field in self.form.fields.items()
        ]


def history_page(server: Server, query: QueryDict) -> HistoryPage:
    """Read a page of jobs in two queries, however many there are."""
    form = HistoryForm(query)
    jobs = jobs_of(server, **form.wanted).select_related("requested_by")
    return HistoryPage(server, form, Paginator(jobs, PER_PAGE).get_page(query.get("page")))


def jobs_of(server: Server, *, result: str = "", trigger: str = "", kind: str = "") -> QuerySet[SyncJob]:
    """A server's jobs, newest first: the order of an index."""
    jobs = SyncJob.objects.filter(connection=server.connection).order_by("-pk")
    if result == ACTIVE:
        jobs = jobs.active()
    elif result:
        jobs = jobs.filter(state=result)
    if trigger:
        jobs = jobs.filter(trigger=trigger)
    return jobs.filter(kind=kind) if kind else jobs
