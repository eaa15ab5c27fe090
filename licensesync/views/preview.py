"""What a sync would change: ask for it, watch it being worked out, and read it."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import services
from licensesync.models import SyncJob
from licensesync.pages.preview import preview_page
from licensesync.views.guard import is_owner, server_for


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """The last preview, as a page and as the fragment that follows it; a POST asks for a new one."""
    if request.method == "POST":
        return _ask(request, slug)
    page = preview_page(server_for(request, slug), timezone.now(), is_owner=is_owner(request))
    if "HX-Request" not in request.headers:
        return render(request, "licensesync/preview.html", {"page": page})
    if request.GET.get("seen") == page.fingerprint:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "licensesync/_preview.html", {"page": page, "is_update": True})


def _ask(request: SignedInRequest, slug: str) -> HttpResponse:
    server = server_for(request, slug, Need.OWN)
    try:
        services.request_sync(
            connection=server.connection,
            by=request.user,
            at=timezone.now(),
            trigger=SyncJob.Trigger.PERSON,
            kind=SyncJob.Kind.PREVIEW,
            ip=actor_ip(request),
        )
    except services.NotConnected:
        messages.error(request, _("GitHub Connect is not enabled, so nothing can be previewed."))
    except services.SyncDisabled:
        messages.error(request, _("License sync is set to Disabled, so nothing was sent."))
    return redirect("licensesync:preview", slug=slug)
