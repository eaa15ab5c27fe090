"""The License page, its form, and the exact lines that are sent."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from connect.models import Server
from enterprises import notices
from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import services
from licensesync.forms import LicenseForm, SentForm
from licensesync.pages.license import license_page
from licensesync.pages.sent import sent_page
from licensesync.pages.server import license_of
from licensesync.pages.sync_box import sync_box
from licensesync.views.guard import is_owner, server_for


@login_required
@require_GET
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """The license, how much of it is used, and the box "License sync"."""
    server = server_for(request, slug)
    now = timezone.now()
    context = {
        "page": license_page(server, now),
        "box": sync_box(server, now, is_owner=is_owner(request)),
        "notices": notices.listed(server.enterprise),
    }
    return render(request, "licensesync/license.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, slug: str) -> HttpResponse:
    """Enter what the license says."""
    server = server_for(request, slug, Need.OWN)
    data = request.POST if request.method == "POST" else None
    form = LicenseForm(data, initial=LicenseForm.initial_of(license_of(server)))
    if form.is_valid() and _was_set(request, server, form):
        messages.success(request, _("The license was updated."))
        return redirect("licensesync:license", slug=slug)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    held = license_of(server)
    context = {"server": server, "form": form, "is_read_from_ghes": held is not None and held.is_read_from_ghes}
    return render(request, "licensesync/license_edit.html", context, status=status)


def _was_set(request: SignedInRequest, server: Server, form: LicenseForm) -> bool:
    """Write the license down; False when a value does not fit, which then stands beside its field."""
    try:
        services.set_license(
            server=server,
            customer=form.cleaned_data["customer"],
            kind=form.cleaned_data["kind"],
            seats=form.cleaned_data["seats"],
            expires_on=form.cleaned_data["expires_on"],
            by=request.user,
            at=timezone.now(),
            ip=actor_ip(request),
        )
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True


@login_required
@require_GET
def sent(request: SignedInRequest, slug: str) -> HttpResponse:
    """Exactly the lines that will be sent, or those that were."""
    server = server_for(request, slug)
    page = sent_page(server, **SentForm(request.GET).wanted)
    return render(request, "licensesync/sent.html", {"page": page})
