"""A person's page: every account, why it is theirs, why they count as they do, and since when."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from cloud.people import explain, viewer_of
from enterprises.access import Deployment, enterprise_for
from enterprises.requests import SignedInRequest


@login_required
@require_GET
def person(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Say why a person is one license: every account, its rule and the address that matched."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    license_ = get_object_or_404(enterprise.ledger.licenses.select_related("member", "ledger"), pk=pk)
    explanation = explain(license_, viewer_of(request.user), page=request.GET.get("page", 1))
    context = {
        "enterprise": enterprise,
        "license": license_,
        "explanation": explanation,
        "page": explanation.page,
    }
    return render(request, "cloud/person.html", context)
