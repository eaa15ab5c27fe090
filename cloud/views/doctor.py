"""The Doctor page of a cloud account: this console, and what it saw of each server."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cloud.doctor import page_checks
from enterprises import doctor
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.requests import SignedInRequest


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """Only the button runs the checks, as on the server's side."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    checks: list[doctor.Check] = []
    if request.method == "POST":
        address = doctor.address_of_request(request.get_host(), is_secure=request.is_secure())
        checks = [address, *page_checks(enterprise, timezone.now())]
    found = {"groups": doctor.by_subject(checks), "summary": doctor.summary(checks), "at": timezone.now()}
    return render(request, "cloud/doctor.html", {"enterprise": enterprise, **found})
