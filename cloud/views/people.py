"""The people behind the number: the list, narrowed as its address says, and the same people as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cloud import reports, services
from cloud.people import PeopleFilter, PeopleFilterInvalid, finding, paging
from cloud.people.choices import DEPLOYMENTS, LABELS, SORTS, choices, words
from enterprises.access import Deployment, enterprise_for
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest

if TYPE_CHECKING:
    from cloud.people.choices import Words


@dataclass(frozen=True)
class Address:
    """The addresses of the list with some filter."""

    path: str

    def of(self, wanted: PeopleFilter, **more: str) -> str:
        """The list, without places of other lists."""
        query = {**wanted.query, **more}
        return f"{self.path}?{urlencode(query)}" if query else self.path


@login_required
@require_GET
def people(request: SignedInRequest, slug: str) -> HttpResponse:
    """List the people, each with its accounts and the rule that matched them."""
    ledger = enterprise_for(request.user, slug, deployment=Deployment.CLOUD).ledger
    wanted, problem = _read(request)
    address = Address(request.path)
    page = paging.people_page(ledger, wanted, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    counts = finding.view_counts(finding.people(ledger, wanted.without("deployment")))
    everybody = sum(counts[name] for name in DEPLOYMENTS)
    counts[""] = everybody
    context = {
        "tabs": _tabs(address, wanted, counts),
        "fields": _fields(ledger_choices=choices(ledger, wanted), wanted=wanted),
        "tokens": _tokens(address, wanted),
        "everybody_url": address.of(PeopleFilter(sort=wanted.sort)),
        "total": counts[wanted.deployment or ""],
        "people": finding.with_accounts(ledger, page.licenses),
        "previous_url": address.of(wanted, before=page.before) if page.before else "",
        "next_url": address.of(wanted, after=page.after) if page.after else "",
        "export_url": Address(reverse("cloud:people_export", args=[slug])).of(wanted),
        "wanted": wanted,
        "problem": problem,
    }
    return render(request, "cloud/people.html", context)


@login_required
@require_GET
def export(request: SignedInRequest, slug: str) -> HttpResponseBase:
    """Stream exactly the people that the list with the same address shows, in its order and GitHub's columns."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    try:
        wanted = PeopleFilter.from_query(request.GET)
    except PeopleFilterInvalid as problem:
        # A file does not show that it holds others than were asked for.
        return HttpResponse(f"{problem}\n", status=HTTPStatus.BAD_REQUEST, content_type="text/plain; charset=utf-8")
    now = timezone.now()
    services.record_download(ledger=enterprise.ledger, by=request.user, at=now, ip=actor_ip(request), wanted=wanted)
    return StreamingHttpResponse(
        reports.csv_lines(enterprise.ledger, wanted),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{reports.file_name(enterprise, now)}"'},
    )


def _read(request: SignedInRequest) -> tuple[PeopleFilter, str]:
    """The filter of an address, and what of it means nothing."""
    try:
        return PeopleFilter.from_query(request.GET), ""
    except PeopleFilterInvalid as problem:
        return PeopleFilter.lenient(request.GET), str(problem)


def _tabs(address: Address, wanted: PeopleFilter, counts: dict[str, int]) -> list[dict[str, object]]:
    """Where the licenses of these people come from; the other filters stay."""
    tabs: dict[str, Words] = {"": _("All"), **DEPLOYMENTS}
    return [
        {
            "label": label,
            "url": address.of(wanted.without("deployment"), **({"deployment": name} if name else {})),
            "is_current": name == (wanted.deployment or ""),
            "count": counts[name],
        }
        for name, label in tabs.items()
    ]


def _fields(*, ledger_choices: dict[str, list[tuple[str, Words]]], wanted: PeopleFilter) -> list[dict[str, Any]]:
    """The select of each parameter, with the one of the order last."""
    chosen = wanted.narrowing
    fields = [
        {"name": name, "label": LABELS[name], "value": chosen.get(name, ""), "choices": [("", _("Any")), *found]}
        for name, found in ledger_choices.items()
    ]
    return [*fields, {"name": "sort", "label": _("Sort"), "value": wanted.sort, "choices": list(SORTS.items())}]


def _tokens(address: Address, wanted: PeopleFilter) -> list[dict[str, object]]:
    """Every filter that is on, and the address without it."""
    return [
        {"label": LABELS[name], "value": words(name, value), "url": address.of(wanted.without(name))}
        for name, value in wanted.narrowing.items()
    ]
