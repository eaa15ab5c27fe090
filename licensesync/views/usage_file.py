"""Export license usage: the page of the usage files, asking for one, and taking it away."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import exporting
from licensesync.forms import ReceiptFileForm
from licensesync.models import SyncJob
from licensesync.pages.sync_box import job_of
from licensesync.pages.usage_file import usage_file_page
from licensesync.snapshot import NoSeats
from licensesync.usage_files import FileGone, usage_file
from licensesync.views.guard import is_owner, server_for


@login_required
@never_cache
@require_GET
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """What a file holds and what became of each, as a page and as the fragment that follows one being made."""
    page = usage_file_page(server_for(request, slug), timezone.now(), is_owner=is_owner(request))
    if "HX-Request" not in request.headers:
        return render(request, "licensesync/usage_file.html", {"page": page, "form": ReceiptFileForm()})
    if request.GET.get("seen") == page.fingerprint:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "licensesync/_usage_file.html", {"page": page, "is_update": True})


@login_required
@require_POST
def export(request: SignedInRequest, slug: str) -> HttpResponse:
    """Have a file made, or show the one that is being made."""
    server = server_for(request, slug, Need.OWN)
    try:
        exporting.request_export(server=server, by=request.user, at=timezone.now(), ip=actor_ip(request))
    except NoSeats:
        messages.error(request, _("No seats have been imported yet, so there is nothing to export."))
    return redirect("licensesync:usage_file", slug=slug)


@login_required
@never_cache
@require_GET
def download(request: SignedInRequest, slug: str, pk: int) -> HttpResponseBase:
    """Stream a file: the same bytes at every download."""
    server = server_for(request, slug, Need.OWN)
    job = job_of(server, pk)
    if job is None or job.kind != SyncJob.Kind.FILE:
        raise Http404
    try:
        file = usage_file(server, job)
    except FileGone:
        messages.error(request, _("This file is not kept any more. Export a new one."))
        return redirect("licensesync:usage_file", slug=slug)
    exporting.record_download(server=server, file=file, by=request.user, at=timezone.now(), ip=actor_ip(request))
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Content-Length": str(file.size)}
    return StreamingHttpResponse(file, content_type="application/json", headers=headers)
