"""Where seats come from: the owner chooses on a page of its own, and has them refreshed from the Seats page."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from connect.models import Server
from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import services
from licensesync.forms import RefreshSeatsForm, SeatSourceForm
from licensesync.pages.seat_source import SourcePanel
from licensesync.sources.choosing import Choice, choose
from licensesync.views.guard import server_for


@login_required
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("token")
def edit(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show the form, and keep what was entered."""
    server = server_for(request, slug, Need.OWN)
    panel = SourcePanel(server, timezone.now())
    form = SeatSourceForm(request.POST) if request.method == "POST" else SeatSourceForm(initial=panel.initial)
    if form.is_bound and form.is_valid() and _chosen(request, server, form):
        messages.success(request, _("The source of the seats was saved."))
        return redirect("licensesync:seats", slug=slug)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "licensesync/seat_source.html", {"panel": panel, "form": form}, status=status)


def _chosen(request: SignedInRequest, server: Server, form: SeatSourceForm) -> bool:
    """Keep the choice, and have it tried at once; False where something does not fit, said beside its field."""
    now = timezone.now()
    try:
        choice = Choice(**form.cleaned_data)
        source = choose(server=server, choice=choice, by=request.user, at=now, ip=actor_ip(request))
    except ValidationError as problems:
        for name, texts in problems.message_dict.items():
            for text in texts:
                form.add_error(name, text)
        return False
    if source.is_automatic:
        services.request_refresh(server=server, by=request.user, at=now)
    return True


@login_required
@require_POST
def refresh(request: SignedInRequest, slug: str) -> HttpResponse:
    """Have a worker fetch the seats anew; the page then shows how far it is."""
    server = server_for(request, slug, Need.OWN)
    form = RefreshSeatsForm(request.POST)
    allow_shrink = form.is_valid() and form.cleaned_data["allow_shrink"]
    try:
        services.request_refresh(server=server, by=request.user, at=timezone.now(), allow_shrink=allow_shrink)
    except services.NothingToRefresh:
        messages.error(request, _("There is nothing to refresh from: choose where the seats come from first."))
    return redirect("licensesync:seats", slug=slug)
