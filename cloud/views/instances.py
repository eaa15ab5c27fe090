"""Remove a server and its people from a cloud account."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from cloud import consumption, services
from cloud.forms import RemovalForm
from cloud.models import Installation
from cloud.shares import RemovalEffect, removal_effect
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.models import Enterprise
from enterprises.requests import SignedInRequest


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Show what removing a server does, and do that: where it would do something else by now, it is shown again."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    installation = get_object_or_404(enterprise.ledger.installations, pk=pk)
    shown = RemovalForm(request.POST).effect() if request.method == "POST" else None
    if shown is None:
        return _confirm(request, enterprise, installation, removal_effect(installation))
    try:
        effect = services.remove_installation(
            installation=installation,
            by=request.user,
            at=timezone.now(),
            ip=actor_ip(request),
            expected=shown,
        )
    except services.EffectChanged as changed:
        return _confirm(request, enterprise, installation, changed.effect, has_changed=True)
    freed = effect.freed if effect else 0
    removed = ngettext(
        "%(host)s and its people were removed: %(freed)s license is free again.",
        "%(host)s and its people were removed: %(freed)s licenses are free again.",
        freed,
    )
    messages.success(request, removed % {"host": installation.hostname, "freed": freed})
    return redirect("cloud:licensing", slug=slug)


def _confirm(
    request: SignedInRequest,
    enterprise: Enterprise,
    installation: Installation,
    effect: RemovalEffect,
    *,
    has_changed: bool = False,
) -> HttpResponse:
    totals = consumption.totals(enterprise.ledger)
    context = {
        "enterprise": enterprise,
        "installation": installation,
        "totals": totals,
        "effect": effect,
        "form": RemovalForm.showing(effect),
        "left": totals.consumed - effect.freed,
        "has_changed": has_changed,
    }
    status = HTTPStatus.CONFLICT if has_changed else HTTPStatus.OK
    return render(request, "cloud/remove_instance.html", context, status=status)
