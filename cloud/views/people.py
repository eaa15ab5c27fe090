"""The people behind the number: the list."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cloud import consumption
from cloud.models import Ledger
from cloud.people import PeopleFilter, finding
from enterprises.access import Deployment, enterprise_for
from enterprises.requests import SignedInRequest

PEOPLE_PER_PAGE = 50


@login_required
@require_GET
def people(request: SignedInRequest, slug: str) -> HttpResponse:
    """List the people, each with its accounts and the rule that matched them."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    ledger = enterprise.ledger
    wanted = PeopleFilter.lenient(request.GET)
    page = Paginator(finding.people(ledger, wanted), PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "tabs": _tabs(request, ledger, wanted),
        "kept": [{"name": name, "value": value} for name, value in wanted.query.items() if name != "q"],
        "page": page,
        "people": finding.with_accounts(ledger, page.object_list),
        "search": wanted.q,
        "wanted": wanted,
    }
    return render(request, "cloud/people.html", context)


def _tabs(request: SignedInRequest, ledger: Ledger, wanted: PeopleFilter) -> list[dict[str, object]]:
    """All, where the licenses come from, and what needs a look where there is any."""
    counts = {"": consumption.totals(ledger).listed, **finding.view_counts(ledger.licenses.all())}
    tabs = {
        "": (_("All"), {}),
        "cloud": (_("Cloud only"), {"deployment": "cloud"}),
        "server": (_("Server only"), {"deployment": "server"}),
        "both": (_("Cloud and server"), {"deployment": "both"}),
        "ambiguous": (_("Ambiguous"), {"ambiguous": "true"}),
        "subscription": (_("Visual Studio"), {"license_type": "visual_studio"}),
    }
    return [
        {
            "label": label,
            "url": f"{request.path}?{urlencode(query)}" if query else request.path,
            "is_current": query == wanted.without("q").narrowing,
            "count": counts[name],
        }
        for name, (label, query) in tabs.items()
        if counts[name] or query == wanted.narrowing or name not in {"ambiguous", "subscription"}
    ]
