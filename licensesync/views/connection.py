"""The GitHub Connect page: enabling, completing, cancelling and disabling the connection to a cloud account."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from connect import handshake
from connect.failures import CloudFailure
from connect.models import Connection, Server
from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import services
from licensesync.forms import DisableForm, EnableForm
from licensesync.pages.connection import ConnectionPage, connection_page
from licensesync.pages.problems import code_of
from licensesync.pages.state_band import state_band
from licensesync.views.decision import forget_existing, keep_existing
from licensesync.views.guard import forms_lead_to_clouds, is_owner, server_for


def _state_key(server: Server) -> str:
    """Where the session keeps the secret of a handshake: a session may set up several servers."""
    return f"connect_state_{server.pk}"


def _page(request: SignedInRequest, server: Server, **parts: Any) -> ConnectionPage:
    return connection_page(server, at=timezone.now(), is_owner=is_owner(request), **parts)


def _rendered(request: SignedInRequest, page: ConnectionPage, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    response = render(request, "licensesync/connection.html", {"page": page}, status=status)
    return forms_lead_to_clouds(request, response)


def _to_page(slug: str, problem: str = "") -> HttpResponse:
    """Back to the page without the code in its address; a problem is named there, so that a reload shows it too."""
    query = f"?{urlencode({'problem': problem})}" if problem else ""
    return redirect(reverse("licensesync:connection", args=[slug]) + query)


@login_required
@require_GET
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """Where GitHub Connect stands, what would travel, and the toggle."""
    server = server_for(request, slug)
    page = _page(request, server, problem=request.GET.get("problem", ""))
    return _rendered(request, page)


@login_required
@never_cache
@require_GET
def state(request: SignedInRequest, slug: str) -> HttpResponse:
    """The state as a fragment; without content while it is what the page shows, the whole page where more changed."""
    server = server_for(request, slug)
    if "HX-Request" not in request.headers:
        return _to_page(slug)
    band = state_band(server, timezone.now(), is_owner=is_owner(request))
    if request.GET.get("face") != band.face:
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Refresh": "true"})
    if request.GET.get("seen") == band.fingerprint:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "licensesync/_state_band.html", {"band": band})


@login_required
@require_POST
def enable(request: SignedInRequest, slug: str) -> HttpResponse:
    """Begin the handshake: the browser goes to the cloud with a manifest that this server signed."""
    server = server_for(request, slug, Need.OWN)
    form = EnableForm(request.POST)
    if not form.is_valid():
        page = _page(request, server, enable_form=form)
        return _rendered(request, page, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        begun = handshake.start(
            connection=server.connection,
            cloud_url=form.cleaned_data["cloud_url"],
            by=request.user,
            at=timezone.now(),
            callback=settings.BASE_URL + reverse("licensesync:connection_complete", args=[slug]),
        )
    except handshake.AlreadyConnected as problem:
        messages.info(request, str(problem))
        return _to_page(slug)
    request.session[_state_key(server)] = begun.state
    return redirect(begun.url)


@login_required
@never_cache
@require_GET
def complete(request: SignedInRequest, slug: str) -> HttpResponse:
    """Take the code that the browser brings back from the cloud."""
    server = server_for(request, slug, Need.OWN)
    former = _former_account(server.connection)
    try:
        connection = handshake.finish(
            connection=server.connection,
            code=request.GET.get("code", ""),
            state=request.GET.get("state", ""),
            session_state=request.session.get(_state_key(server), ""),
            by=request.user,
            at=timezone.now(),
            ip=actor_ip(request),
        )
    except (handshake.HandshakeFailed, CloudFailure) as problem:
        return _failed(request, server, problem)
    request.session.pop(_state_key(server), None)
    forget_existing(request, server)
    return _connected(request, slug, connection, former)


@login_required
@require_POST
def retry(request: SignedInRequest, slug: str) -> HttpResponse:
    """Complete a setup whose last answer was lost: the kept code is exchanged once more."""
    server = server_for(request, slug, Need.OWN)
    former = _former_account(server.connection)
    try:
        connection = handshake.retry(
            connection=server.connection, by=request.user, at=timezone.now(), ip=actor_ip(request)
        )
    except (handshake.HandshakeFailed, CloudFailure) as problem:
        return _failed(request, server, problem)
    forget_existing(request, server)
    return _connected(request, slug, connection, former)


def _failed(
    request: SignedInRequest, server: Server, problem: handshake.HandshakeFailed | CloudFailure
) -> HttpResponse:
    """To the words for it; where the cloud said which connection is in the way, to the page that decides."""
    if isinstance(problem, handshake.ConnectionExists) and problem.existing:
        keep_existing(request, server, problem.existing)
        return redirect("licensesync:decision", slug=server.enterprise.slug)
    return _to_page(server.enterprise.slug, code_of(problem))


def _former_account(connection: Connection) -> tuple[str, str]:
    """Slug and name of the account that this server was connected to before, if it was."""
    return (connection.account_slug, connection.account_name) if connection.disconnected_at else ("", "")


def _connected(request: SignedInRequest, slug: str, connection: Connection, former: tuple[str, str]) -> HttpResponse:
    text = _("GitHub Connect is enabled: this server is connected to %(account)s. License sync is still off.")
    messages.success(request, text % {"account": connection.account_name or connection.account_slug})
    former_slug, former_name = former
    if former_slug not in ("", connection.account_slug):
        text = _(
            "People already synced still count in %(account)s, marked “disconnected”, until an owner of that account "
            "removes this server."
        )
        messages.warning(request, text % {"account": former_name or former_slug})
    return _to_page(slug)


@login_required
@require_POST
def cancel(request: SignedInRequest, slug: str) -> HttpResponse:
    """Give up a setup that is not completed."""
    server = server_for(request, slug, Need.OWN)
    if handshake.cancel(connection=server.connection):
        messages.info(request, _("The setup was cancelled. Nothing is connected."))
    request.session.pop(_state_key(server), None)
    return _to_page(slug)


@login_required
@require_http_methods(["GET", "POST"])
def disable(request: SignedInRequest, slug: str) -> HttpResponse:
    """Ask, then end the connection on both sides; offer to end it here alone when the cloud cannot be reached."""
    server = server_for(request, slug, Need.OWN)
    if not server.connection.is_connected:
        return _to_page(slug)
    form = DisableForm(request.POST if request.method == "POST" else None)
    unreachable = None
    if form.is_valid():
        try:
            services.disconnect(
                connection=server.connection,
                by=request.user,
                at=timezone.now(),
                ip=actor_ip(request),
                even_if_unreachable=form.cleaned_data["even_if_unreachable"],
            )
        except CloudFailure as failure:
            unreachable = failure.explanation
        else:
            messages.success(request, _("GitHub Connect is disabled. The credentials on this server are deleted."))
            return _to_page(slug)
    status = HTTPStatus.BAD_GATEWAY if unreachable else HTTPStatus.OK
    context = {"page": _page(request, server, disable_form=form), "unreachable": unreachable}
    return render(request, "licensesync/disable.html", context, status=status)
