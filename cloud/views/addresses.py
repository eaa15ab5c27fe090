"""Who sees which address, and the one setting that decides about it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cloud import services
from cloud.forms import ManagedUsersForm
from cloud.people.visible import visible_domains
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest


@login_required
@require_http_methods(["GET", "POST"])
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show who sees which address, and let an owner say whether the company manages its members' accounts."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    ledger = enterprise.ledger
    data = request.POST if request.method == "POST" else None
    form = ManagedUsersForm(data, initial={"managed_users": ledger.managed_users})
    if not form.is_valid():
        context = {"form": form, "domains": visible_domains(ledger).order_by("domain")}
        return render(request, "cloud/addresses.html", context)
    services.set_managed_users(
        ledger=ledger,
        managed_users=form.cleaned_data["managed_users"],
        by=request.user,
        at=timezone.now(),
        ip=actor_ip(request),
    )
    messages.success(request, _("Who sees which address was saved."))
    return redirect("cloud:addresses", slug=slug)
