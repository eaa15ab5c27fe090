"""The Doctor page of a server: everything that a sync needs, looked at when an owner asks for it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from enterprises import doctor
from enterprises.access import Need
from enterprises.requests import SignedInRequest
from licensesync.doctor import page_checks
from licensesync.views.guard import server_for


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """Only the button runs the checks: nobody's preview of the page sends requests to clouds."""
    server = server_for(request, slug, Need.OWN)
    checks: list[doctor.Check] = []
    if request.method == "POST":
        address = doctor.address_of_request(request.get_host(), is_secure=request.is_secure())
        checks = [address, *page_checks(server, timezone.now())]
    found = {"groups": doctor.by_subject(checks), "summary": doctor.summary(checks), "at": timezone.now()}
    return render(request, "licensesync/doctor.html", {"server": server, **found})
