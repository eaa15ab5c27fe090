"""The page with the number, and the same number as a file."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from cloud import consumption, instances, reports, services
from cloud.forms import SeatsPurchasedForm
from cloud.models import Installation
from cloud.pages.changes import recent_change
from cloud.pages.history import history_lines, history_panel
from cloud.pages.usage import with_uploads
from cloud.people.breakdown import breakdown
from cloud.worklist import listing, savings
from enterprises import notices
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest

SERVERS_PER_PAGE = 25


@login_required
@require_GET
def licensing(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show purchased, consumed, available, what license sync saves, and the servers behind it."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    ledger, now = enterprise.ledger, timezone.now()
    servers = instances.instance_states(ledger, now)
    listed = Paginator(instances.by_need(servers), SERVERS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "totals": consumption.totals(ledger),
        "recent": recent_change(ledger, now),
        "breakdown": breakdown(ledger),
        "servers": servers,
        "instances": listed,
        "rows": with_uploads(ledger, listed, now),
        "needing": sum(state.needs_somebody for state in servers),
        "duplicates": listing.counts(ledger),
        "proved": savings.proved(ledger),
        "history": history_panel(ledger, request.GET, now),
        "enterprise": enterprise,
        "ledger": ledger,
        "notices": notices.listed(enterprise),
    }
    return render(request, "cloud/licensing.html", context)


@login_required
@require_GET
def report(request: SignedInRequest, slug: str) -> StreamingHttpResponse:
    """Stream the report: one row per person, in GitHub's columns."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    now = timezone.now()
    services.record_download(ledger=enterprise.ledger, by=request.user, at=now, ip=actor_ip(request))
    name = f"consumed_licenses-{enterprise.slug}-{now:%Y-%m-%dT%H%M%SZ}.csv"
    return StreamingHttpResponse(
        reports.csv_lines(enterprise.ledger),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@login_required
@require_GET
def history_file(request: SignedInRequest, slug: str) -> HttpResponse:
    """Give the table of the history as CSV, that of a server where one is chosen: numbers, nobody is named."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    try:
        lines, name = history_lines(enterprise.ledger, request.GET, timezone.now())
    except Installation.DoesNotExist as error:
        raise Http404 from error
    return HttpResponse(
        "".join(lines),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@login_required
@require_http_methods(["GET", "POST"])
def seats(request: SignedInRequest, slug: str) -> HttpResponse:
    """Let an owner say how many licenses were bought."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    ledger = enterprise.ledger
    data = request.POST if request.method == "POST" else None
    form = SeatsPurchasedForm(data, initial={"seats_purchased": ledger.seats_purchased})
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        context = {"form": form, "enterprise": enterprise}
        return render(request, "cloud/seats.html", context, status=status)
    services.set_seats_purchased(
        ledger=ledger,
        seats_purchased=form.cleaned_data["seats_purchased"],
        by=request.user,
        at=timezone.now(),
        ip=actor_ip(request),
    )
    messages.success(request, _("The purchased licenses were changed."))
    return redirect("cloud:licensing", slug=slug)
