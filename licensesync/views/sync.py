"""The toggle of license sync, Sync now, its progress, and cancelling it."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import services
from licensesync.forms import CancelForm, LicenseSyncForm, SyncNowForm
from licensesync.models import SyncJob
from licensesync.pages.sync_box import job_of, sync_box
from licensesync.views.guard import is_owner, server_for


@login_required
@require_POST
def toggle(request: SignedInRequest, slug: str) -> HttpResponse:
    """Set "Server can sync user license count and usage" to Enabled or Disabled."""
    server = server_for(request, slug, Need.OWN)
    form = LicenseSyncForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose Enabled or Disabled. Nothing was changed."))
        return redirect("licensesync:connection", slug=slug)
    enabled = form.cleaned_data["license_sync"] == "enabled"
    try:
        changed = services.set_license_sync(
            connection=server.connection, enabled=enabled, by=request.user, at=timezone.now(), ip=actor_ip(request)
        )
    except services.NotConnected:
        messages.error(request, _("License sync cannot be enabled before GitHub Connect is. Nothing was changed."))
        return redirect("licensesync:connection", slug=slug)
    if not changed:
        messages.info(request, _("That was its value already. Nothing was changed."))
    elif enabled:
        messages.success(request, _("License sync is enabled. A sync starts within ten minutes."))
    else:
        messages.success(request, _("License sync is disabled. No people's data is sent any more."))
    return redirect("licensesync:connection", slug=slug)


@login_required
@require_POST
def now(request: SignedInRequest, slug: str) -> HttpResponse:
    """Start a sync, or show the one that is under way; one that waits to be tried again is tried at once."""
    server = server_for(request, slug, Need.OWN)
    form = SyncNowForm(request.POST)
    form.is_valid()
    job = None
    try:
        job = services.request_sync(
            connection=server.connection,
            by=request.user,
            at=timezone.now(),
            trigger=SyncJob.Trigger.PERSON,
            allow_shrink=form.cleaned_data.get("allow_shrink", False),
            ip=actor_ip(request),
        )
    except services.NotConnected:
        messages.error(request, _("GitHub Connect is not enabled, so nothing can be synced."))
    except services.SyncDisabled:
        messages.error(request, _("License sync is set to Disabled, so nothing was sent."))
    return _back(slug, job if form.cleaned_data.get("back") else None)


@login_required
@require_POST
def cancel(request: SignedInRequest, slug: str) -> HttpResponse:
    """Cancel the sync that the person saw, unless the cloud was asked to apply it already."""
    server = server_for(request, slug, Need.OWN)
    form = CancelForm(request.POST)
    job = job_of(server, form.cleaned_data["job"]) if form.is_valid() else None
    if job is None:
        raise Http404
    try:
        services.cancel_sync(job=job, by=request.user, at=timezone.now(), ip=actor_ip(request))
    except services.CannotCancel:
        messages.error(request, _("It was too late to cancel: the sync is over, or the cloud is applying it."))
    else:
        messages.success(request, _cancelled(job))
    page = {SyncJob.Kind.PREVIEW: "preview", SyncJob.Kind.FILE: "usage_file"}.get(SyncJob.Kind(job.kind))
    if page and not form.cleaned_data["back"]:
        return redirect(f"licensesync:{page}", slug=slug)
    return _back(slug, job if form.cleaned_data["back"] else None)


def _cancelled(job: SyncJob) -> str:
    if job.kind == SyncJob.Kind.FILE:
        return _("The usage file was cancelled.")
    return _("The sync was cancelled. Nothing was changed on the cloud.")


@login_required
@never_cache
@require_GET
def progress(request: SignedInRequest, slug: str) -> HttpResponse:
    """The box as a fragment; without content while it is what the page shows already."""
    server = server_for(request, slug)
    if "HX-Request" not in request.headers:
        return _back(slug)
    box = sync_box(server, timezone.now(), is_owner=is_owner(request))
    if request.GET.get("seen") == box.fingerprint:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "licensesync/_sync.html", {"box": box, "is_update": True})


def _back(slug: str, job: SyncJob | None = None) -> HttpResponse:
    """To the page of a job, or else to the box."""
    if job is not None:
        return redirect("licensesync:sync", slug=slug, pk=job.pk)
    return redirect(reverse("licensesync:license", args=[slug]) + "#license-sync")
