"""A person's page, why they count as they do; and what is held about them, as a page and as a file."""

import json

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cloud import services
from cloud.models import ConsumedLicense
from cloud.pages.pairs import pairs_of, said_by
from cloud.pages.person_data import held_tables
from cloud.people import Viewer, explain, sight, telling, viewer_of
from cloud.people.holding import held_about
from cloud.people.holding_words import NOT_SEARCHED, WHEN_THE_PERSON_GOES
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.models import Enterprise
from enterprises.requests import SignedInRequest


@login_required
@require_GET
def person(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Say why a person is one license: every account, its rule and the address that matched."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    license_ = _license(enterprise, pk)
    viewer = viewer_of(request.user)
    explanation = explain(license_, viewer, page=request.GET.get("page", 1))
    pairs = pairs_of(license_, viewer)
    context = {
        "enterprise": enterprise,
        "license": license_,
        "explanation": explanation,
        "page": explanation.page,
        "pairs": pairs,
        "said": said_by(pairs) if viewer is Viewer.OWNER else set(),
    }
    return render(request, "cloud/person.html", context)


@login_required
@never_cache
@require_GET
def data(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Say what is held about a person, in every table, since when and how long."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    license_ = _license(enterprise, pk)
    held = held_about(license_, sight(license_.ledger, viewer_of(request.user)))
    context = {
        "enterprise": enterprise,
        "license": license_,
        "tables": held_tables(held),
        "goes": WHEN_THE_PERSON_GOES,
        "not_searched": NOT_SEARCHED,
    }
    return render(request, "cloud/person_data.html", context)


@login_required
@never_cache
@require_POST
def data_download(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Give an owner the file for the person themselves, with everything that is held about them; audited."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    license_ = _license(enterprise, pk)
    now = timezone.now()
    services.record_person_data(license_=license_, by=request.user, at=now, ip=actor_ip(request))
    body = json.dumps(telling.held_values(license_, now), indent=1, ensure_ascii=False)
    return HttpResponse(
        body,
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="person-{enterprise.slug}-{license_.pk}.json"'},
    )


def _license(enterprise: Enterprise, pk: int) -> ConsumedLicense:
    return get_object_or_404(enterprise.ledger.licenses.select_related("member", "ledger__enterprise"), pk=pk)
