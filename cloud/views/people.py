"""The people behind the number: the list."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cloud import consumption
from cloud.models import Ledger
from cloud.people import finding
from enterprises.access import Deployment, enterprise_for
from enterprises.requests import SignedInRequest

PEOPLE_PER_PAGE = 50


@login_required
@require_GET
def people(request: SignedInRequest, slug: str) -> HttpResponse:
    """List the people, each with its accounts and the rule that matched them."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    ledger = enterprise.ledger
    search = request.GET.get("q", "").strip()
    view = request.GET.get("view", "")
    found = finding.people(ledger, search=search, view=view)
    page = Paginator(found, PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "tabs": _tabs(request, ledger, view),
        "kept": [{"name": "view", "value": view}] if view else [],
        "page": page,
        "people": finding.with_accounts(ledger, page.object_list),
        "search": search,
        "view": view,
    }
    return render(request, "cloud/people.html", context)


def _tabs(request: SignedInRequest, ledger: Ledger, current: str) -> list[dict[str, object]]:
    """All, where the licenses come from, and what needs a look where there is any."""
    counts = {"": consumption.totals(ledger).listed, **finding.view_counts(ledger.licenses.all())}
    labels = {
        "": _("All"),
        "cloud": _("Cloud only"),
        "server": _("Server only"),
        "both": _("Cloud and server"),
        "ambiguous": _("Ambiguous"),
        "subscription": _("Visual Studio"),
    }
    return [
        {
            "label": label,
            "url": f"{request.path}?view={view}" if view else request.path,
            "is_current": view == current,
            "count": counts[view],
        }
        for view, label in labels.items()
        if counts[view] or view == current or view not in {"ambiguous", "subscription"}
    ]
