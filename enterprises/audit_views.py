"""The audit log of an enterprise, on either side: its page, and the same as a file."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_safe

from enterprises import audit, audit_log, audit_words
from enterprises.access import Need, enterprise_for
from enterprises.audit_log import Filters
from enterprises.models import Role

if TYPE_CHECKING:
    from datetime import date

    from enterprises.models import Enterprise
    from enterprises.requests import SignedInRequest

_ACTION_AT_MOST = 64


class FilterForm(forms.Form):
    """What the address says; the days are the reader's, and both are meant."""

    actor = forms.CharField(
        label=_("Who"), max_length=150, required=False, widget=forms.TextInput(attrs={"list": "actors"})
    )
    action = forms.CharField(label=_("What"), max_length=_ACTION_AT_MOST, required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def __init__(self, *args: Any, enterprise: Enterprise, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = audit_words.actions(enterprise.side)
        families = sorted({action.partition(".")[0] for action in known})
        options = [
            ("", _("Everything")),
            *((family, [(family, f"{family}.*"), *_of_family(known, family)]) for family in families),
        ]
        wanted = str(self.data.get("action", ""))
        if wanted and wanted not in {*known, *families}:
            options.append((wanted, wanted))
        self.fields["action"].widget = forms.Select(choices=options)

    def filters(self) -> Filters:
        given = self.cleaned_data
        return Filters(
            actor=given["actor"],
            action=given["action"],
            since=_begin(given["since"]),
            until=_begin(given["until"], later=timedelta(days=1)),
        )


def _of_family(known: dict[str, audit_words.Text], family: str) -> list[tuple[str, str]]:
    return [(action, f"{action} – {said}") for action, said in known.items() if action.startswith(f"{family}.")]


def _begin(day: date | None, later: timedelta = timedelta(0)) -> datetime | None:
    """The first moment of a day where the reader is."""
    if day is None:
        return None
    try:
        return timezone.make_aware(datetime.combine(day, time.min) + later)
    except OverflowError:
        return None


@login_required
@require_safe
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """Newest first; filters and place stand in the address."""
    enterprise = enterprise_for(request.user, slug, deployment=None, need=Need.OWN)
    form = FilterForm(request.GET, enterprise=enterprise)
    page = audit_log.Page([], "", "")
    if form.is_valid():
        found = audit_log.events(enterprise, form.filters())
        page = audit_log.page(found, before=request.GET.get("before", ""), after=request.GET.get("after", ""))
    people = Role.objects.filter(enterprise=enterprise).order_by("user__username")
    context = {
        "form": form,
        "page": page,
        "rows": [
            (event, audit_words.sentence(event, enterprise.side), audit_words.changes(event)) for event in page.events
        ],
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "actors": [audit.SYSTEM, *people.values_list("user__username", flat=True)],
    }
    return render(request, "enterprises/audit_log.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def export(request: SignedInRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    """Stream what the same filters show as NDJSON; that somebody did is an event itself, and not in the file."""
    enterprise = enterprise_for(request.user, slug, deployment=None, need=Need.OWN)
    form = FilterForm(request.GET, enterprise=enterprise)
    if not form.is_valid():
        return show(request, slug)
    now = timezone.now()
    filters = form.filters()
    found = audit_log.begin_export(enterprise, filters, by=request.user, at=now, ip=audit.actor_ip(request))
    name = f"audit_log-{enterprise.slug}-{now:%Y-%m-%dT%H%M%SZ}.ndjson"
    return StreamingHttpResponse(
        audit_log.ndjson(found, enterprise),
        content_type="application/x-ndjson; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
