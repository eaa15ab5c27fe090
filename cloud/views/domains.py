"""The domains of a cloud account: the list, and what an owner does with each."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cloud.domains import coverage, proving
from cloud.domains.names import WARNINGS, shown, warning_of
from cloud.domains.resolving import Outcome
from cloud.domains.states import DomainState, domain_state, domain_states
from cloud.forms import AddDomainForm
from cloud.models import Ledger
from enterprises import throttling
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.models import Enterprise
from enterprises.requests import SignedInRequest

MAX_LOOKS_A_MINUTE = 10


@login_required
@require_GET
def domains(request: SignedInRequest, slug: str) -> HttpResponse:
    """List the domains, and say whose addresses are on none of them."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    ledger = enterprise.ledger
    members = coverage.members_by_domain(ledger)
    states = domain_states(ledger, timezone.now(), members)
    without = coverage.without_address(ledger)
    context = {
        "enterprise": enterprise,
        "ledger": ledger,
        "states": states,
        "suggested": coverage.suggested(members, (state.domain for state in states)),
        **without.aggregate(without=Count("pk"), unmatched=Count("pk", filter=Q(server_accounts=0))),
        "has_domains": any(state.is_effective for state in states),
        "listed": ledger.licenses.filter(member__isnull=False).count(),
    }
    return render(request, "cloud/domains.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def add(request: SignedInRequest, slug: str) -> HttpResponse:
    """Add a domain, and lead to the record that proves it."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    data = request.POST if request.method == "POST" else None
    form = AddDomainForm(data, initial={"domain": request.GET.get("domain", "")[:300]})
    if form.is_valid():
        domain = form.cleaned_data["domain"]
        try:
            proving.add(
                ledger=enterprise.ledger, domain=domain, by=request.user, at=timezone.now(), ip=actor_ip(request)
            )
        except proving.DomainTaken:
            form.add_error("domain", _("This domain is there already."))
        except proving.TooManyDomains:
            text = _("An account has at most %(count)d domains. Delete one that is not needed any more.")
            form.add_error("domain", text % {"count": proving.MAX_DOMAINS})
        else:
            return redirect("cloud:domain", slug=slug, domain=domain)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "cloud/add_domain.html", {"enterprise": enterprise, "form": form}, status=status)


@login_required
@require_GET
def domain(request: SignedInRequest, slug: str, domain: str) -> HttpResponse:
    """Show where a domain stands, and the record that proves it."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    state = _state(enterprise.ledger, domain)
    warned = warning_of(domain)
    context = {"enterprise": enterprise, "state": state, "warning": WARNINGS[warned] if warned else ""}
    return render(request, "cloud/domain.html", context)


@login_required
@require_POST
def verify(request: SignedInRequest, slug: str, domain: str) -> HttpResponse:
    """Ask DNS for the record, for a few seconds at most."""
    enterprise, state = _owned(request, slug, domain)
    person = f"person:{request.user.pk}"
    if wait := throttling.seconds_to_wait_for(person, request, "domain", most=MAX_LOOKS_A_MINUTE):
        return throttling.too_many(request, wait)
    back = redirect("cloud:domain", slug=slug, domain=domain)
    if state.challenge is None:
        return back
    try:
        outcome = proving.verify_soon(state.challenge, by=request.user, at=timezone.now(), ip=actor_ip(request))
    except proving.Busy:
        messages.warning(request, _("Other domains are being looked up at this moment. Try again in a few seconds."))
    except proving.CodeExpired:
        messages.warning(request, _("The code has expired, and DNS was not asked. Make a new one."))
    except proving.DomainGone:
        messages.warning(request, _("The domain was changed by somebody else meanwhile."))
    else:
        _say(request, enterprise.ledger, domain, outcome)
    return back


def _say(request: SignedInRequest, ledger: Ledger, domain: str, outcome: Outcome) -> None:
    if outcome is Outcome.FOUND:
        messages.success(request, _("%(domain)s is verified.") % {"domain": shown(domain)})
        return
    state = _state(ledger, domain)
    text = _("%(domain)s could not be verified. %(said)s %(next_step)s")
    messages.error(request, text % {"domain": state.name, "said": outcome.label, "next_step": state.next_step})


@login_required
@require_POST
def renew(request: SignedInRequest, slug: str, domain: str) -> HttpResponse:
    """Make a new code."""
    enterprise, _state_before = _owned(request, slug, domain)
    try:
        proving.renew(ledger=enterprise.ledger, domain=domain, by=request.user, at=timezone.now(), ip=actor_ip(request))
    except proving.DomainGone as error:
        raise Http404 from error
    return redirect("cloud:domain", slug=slug, domain=domain)


@login_required
@require_http_methods(["GET", "POST"])
def approve(request: SignedInRequest, slug: str, domain: str) -> HttpResponse:
    """Show whose addresses an approval shows, and approve."""
    enterprise, state = _owned(request, slug, domain)
    if request.method == "POST":
        proving.approve(
            ledger=enterprise.ledger, domain=domain, by=request.user, at=timezone.now(), ip=actor_ip(request)
        )
        messages.success(request, _("%(domain)s is approved.") % {"domain": state.name})
        return redirect("cloud:domains", slug=slug)
    warned = warning_of(domain)
    context = {
        "enterprise": enterprise,
        "state": state,
        "warning": WARNINGS[warned] if warned else "",
    }
    return render(request, "cloud/approve_domain.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: SignedInRequest, slug: str, domain: str) -> HttpResponse:
    """Show whose addresses are hidden, and delete."""
    enterprise, state = _owned(request, slug, domain)
    ledger = enterprise.ledger
    if request.method == "POST":
        proving.delete(ledger=ledger, domain=domain, by=request.user, at=timezone.now(), ip=actor_ip(request))
        messages.success(request, _("%(domain)s was deleted.") % {"domain": state.name})
        return redirect("cloud:domains", slug=slug)
    context = {"enterprise": enterprise, "state": state}
    if state.is_effective:
        context["alone"] = coverage.with_address_only_on(ledger, domain).count()
    return render(request, "cloud/delete_domain.html", context)


def _owned(request: SignedInRequest, slug: str, domain: str) -> tuple[Enterprise, DomainState]:
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    return enterprise, _state(enterprise.ledger, domain)


def _state(ledger: Ledger, domain: str) -> DomainState:
    state = domain_state(ledger, domain, timezone.now())
    if state is None:
        raise Http404
    return state
