"""Export license usage: the page of the usage files."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from enterprises.requests import SignedInRequest
from licensesync.pages.usage_file import usage_file_page
from licensesync.views.guard import is_owner, server_for


@login_required
@never_cache
@require_GET
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """What a file holds and what became of each, as a page and as the fragment that follows one being made."""
    page = usage_file_page(server_for(request, slug), timezone.now(), is_owner=is_owner(request))
    if "HX-Request" not in request.headers:
        return render(request, "licensesync/usage_file.html", {"page": page})
    if request.GET.get("seen") == page.fingerprint:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "licensesync/_usage_file.html", {"page": page, "is_update": True})
