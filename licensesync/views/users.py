"""The users of a server: the list, the same list as CSV, and who is never meant to be suspended."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from connect.models import Server
from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import services
from licensesync.forms import ExclusionForm, UsersForm
from licensesync.models import SyncJob
from licensesync.pages.suspending import suspending_box
from licensesync.pages.users import users_list
from licensesync.users import exclusions as excluding
from licensesync.users.listing import csv_lines, record_download
from licensesync.views.guard import server_for


@login_required
@require_GET
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """Who is on the server, narrowed as the address says."""
    server = server_for(request, slug)
    form = UsersForm(request.GET)
    context = {
        "page": users_list(server, form.wanted, form.fitting),
        "form": form,
        "box": suspending_box(server, timezone.now()),
    }
    return render(request, "licensesync/users.html", context)


@login_required
@require_GET
def export(request: SignedInRequest, slug: str) -> StreamingHttpResponse:
    """Stream exactly the users that the list with the same address shows."""
    server = server_for(request, slug)
    wanted = UsersForm(request.GET).wanted
    now = timezone.now()
    record_download(server=server, wanted=wanted, by=request.user, at=now, ip=actor_ip(request))
    name = f"users-{slug}-{now:%Y-%m-%dT%H%M%SZ}.csv"
    return StreamingHttpResponse(
        csv_lines(server, wanted),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def suspending(request: SignedInRequest, slug: str) -> HttpResponse:
    """Ask the cloud what it would count without the dormant users; or show, as a fragment, where that stands."""
    is_post = request.method == "POST"
    server = server_for(request, slug, Need.OWN if is_post else Need.VIEW)
    if is_post:
        _ask(request, server)
    if is_post or "HX-Request" not in request.headers:
        return redirect(reverse("licensesync:users", args=[slug]) + "#suspending")
    return render(request, "licensesync/_suspending.html", {"box": suspending_box(server, timezone.now())})


def _ask(request: SignedInRequest, server: Server) -> None:
    try:
        job = services.request_sync(
            connection=server.connection,
            by=request.user,
            at=timezone.now(),
            kind=SyncJob.Kind.PREVIEW,
            omits=SyncJob.Omits.DORMANT,
            ip=actor_ip(request),
        )
    except services.NotConnected:
        messages.error(request, _("GitHub Connect is not enabled, so the cloud cannot be asked."))
        return
    except services.SyncDisabled:
        messages.error(request, _("License sync is set to Disabled, so nothing was sent."))
        return
    if job.omits != SyncJob.Omits.DORMANT:
        messages.info(request, _("Another sync is under way. Ask again when it is over."))


@login_required
@require_POST
def exclusions(request: SignedInRequest, slug: str) -> HttpResponse:
    """Put an account on the list of those that nobody means to suspend, or take it off."""
    server = server_for(request, slug, Need.OWN)
    form = ExclusionForm(request.POST)
    if form.is_valid():
        _change(request, server, form.cleaned_data)
    else:
        messages.error(request, _("Enter the login or the id of an account. Nothing was changed."))
    query = urlencode(UsersForm(request.GET).fitting)
    return redirect(reverse("licensesync:users", args=[slug]) + (f"?{query}" if query else ""))


def _change(request: SignedInRequest, server: Server, chosen: dict[str, Any]) -> None:
    is_excluded = chosen["action"] == "exclude"
    change = excluding.exclude if is_excluded else excluding.include
    find = excluding.find_account if is_excluded else excluding.find_excluded
    try:
        user_id = chosen["user_id"] or find(server, chosen["account"])
        changed = change(server=server, user_id=user_id, by=request.user, at=timezone.now(), ip=actor_ip(request))
    except excluding.NoSuchAccount as problem:
        messages.error(request, str(problem))
        return
    if not changed:
        messages.info(request, _("That was so already. Nothing was changed."))
    elif is_excluded:
        messages.success(request, _("The account %(id)s is on the exclusion list.") % {"id": user_id})
    else:
        messages.success(request, _("The account %(id)s is off the exclusion list.") % {"id": user_id})
