"""Remove a server and its people from a cloud account."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cloud import consumption, instances, services
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Show what removing a server does, and do it."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    installation = get_object_or_404(enterprise.ledger.installations, pk=pk)
    if request.method == "POST":
        services.remove_installation(
            installation=installation, by=request.user, at=timezone.now(), ip=actor_ip(request)
        )
        messages.success(
            request,
            _("%(host)s and its people were removed.") % {"host": installation.hostname},
        )
        return redirect("cloud:licensing", slug=slug)
    totals = consumption.totals(enterprise.ledger)
    freed = instances.licenses_freed_by_removal(installation)
    context = {
        "enterprise": enterprise,
        "installation": installation,
        "totals": totals,
        "freed": freed,
        "left": totals.consumed - freed,
    }
    return render(request, "cloud/remove_instance.html", context)
