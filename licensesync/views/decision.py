"""The page on which an owner decides what the cloud must not guess."""

from http import HTTPStatus

import msgspec
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from connect.failures import CloudFailure
from connect.models import Server
from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import deciding, services
from licensesync.deciding import Choice
from licensesync.forms import DecisionForm
from licensesync.pages.decision import decision_page, form_for
from licensesync.views.guard import is_owner, server_for
from wire.messages import StandingConnection


@login_required
@require_http_methods(["GET", "POST"])
def decide(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show what was seen and what each choice does; on POST do what was chosen."""
    server = server_for(request, slug, Need.OWN if request.method == "POST" else Need.VIEW)
    if request.method != "POST":
        return _rendered(request, server)
    form = form_for(request.POST.dict())
    if form is None or not form.is_valid():
        return _rendered(request, server, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        return _done(request, server, Choice(form.chosen), form)
    except deciding.NothingToDecide as error:
        messages.info(request, str(error))
    except services.SyncDisabled as error:
        messages.error(request, str(error))
    except (deciding.NameTaken, ValidationError) as error:
        form.add_error("hostname", error if isinstance(error, ValidationError) else str(error))
        return _rendered(request, server, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    except deciding.HeldUnknown as error:
        messages.error(request, str(error))
    except CloudFailure as failure:
        text = _("Nothing was decided. %(sentence)s %(next_step)s")
        explanation = failure.explanation
        names = {"sentence": explanation.sentence, "next_step": explanation.next_step}
        messages.error(request, text % names)
    return redirect("licensesync:decision", slug=slug)


def _done(request: SignedInRequest, server: Server, choice: Choice, form: DecisionForm) -> HttpResponse:
    """Carry a choice out, and lead to where it is seen."""
    by, at, ip = request.user, timezone.now(), actor_ip(request)
    connection, job_id = server.connection, form.cleaned_data["job"] or 0
    slug = server.enterprise.slug
    if choice == Choice.COPY:
        hostname = form.cleaned_data["hostname"]
        if job_id:
            name = deciding.confirm_copy(connection=connection, job_id=job_id, hostname=hostname, by=by, at=at, ip=ip)
        else:
            existing = existing_of(request, server)
            taken = existing.hostname if existing else server.hostname
            name = deciding.become_copy(server=server, hostname=hostname, taken=taken, by=by, at=at, ip=ip)
        forget_existing(request, server)
        text = _("%(hostname)s is a server of its own now, and not connected. Enable GitHub Connect to sync from here.")
        messages.success(request, text % {"hostname": name})
        return redirect("licensesync:connection", slug=slug)
    if choice == Choice.ORIGINAL:
        job = deciding.confirm_original(connection=connection, job_id=job_id, by=by, at=at, ip=ip)
        text = _("This server is the original: its copies are cut off, and it goes on from what the cloud holds.")
        messages.success(request, text if job else f"{text} {services.SyncDisabled()}")
    else:
        deciding.confirm_shrink(connection=connection, job_id=job_id, by=by, at=at, ip=ip)
        messages.success(request, _("A sync has started that may remove the accounts that are missing here."))
    return redirect(reverse("licensesync:license", args=[slug]) + "#license-sync")


def _rendered(
    request: SignedInRequest, server: Server, sent: DecisionForm | None = None, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    existing = existing_of(request, server)
    page = decision_page(
        server,
        at=timezone.now(),
        is_owner=is_owner(request),
        is_kept_out=existing is not None or "exists" in request.GET or sent is not None,
        existing=existing,
        sent=sent,
    )
    return render(request, "licensesync/decision.html", {"page": page}, status=status)


def keep_existing(request: SignedInRequest, server: Server, existing: StandingConnection) -> None:
    """Remember for this owner's session which connection kept the server out."""
    request.session[_existing_key(server)] = msgspec.to_builtins(existing)


def forget_existing(request: SignedInRequest, server: Server) -> None:
    """The server was let in, or is another one."""
    request.session.pop(_existing_key(server), None)


def existing_of(request: SignedInRequest, server: Server) -> StandingConnection | None:
    """The connection that kept the server out the last time that this owner tried."""
    kept = request.session.get(_existing_key(server))
    return msgspec.convert(kept, StandingConnection) if kept else None


def _existing_key(server: Server) -> str:
    return f"connect_existing_{server.pk}"
