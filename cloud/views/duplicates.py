"""Who is probably the same person: the worklist, one entry, what an owner decides, and the savings that were proved."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy
from django.views.decorators.http import require_GET, require_POST

from cloud import services
from cloud.changes import cause_words
from cloud.forms import DecideForm
from cloud.pages import duplicates as pages
from cloud.people.visible import sight, viewer_of
from cloud.suspects import runs
from cloud.worklist import acting, savings
from cloud.worklist.entries import in_words
from enterprises import throttling
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.models import User
from enterprises.requests import SignedInRequest

SAVINGS_PER_PAGE = 50
MAX_SEARCHES_A_MINUTE = 10


@login_required
@require_GET
def duplicates(request: SignedInRequest, slug: str) -> HttpResponse:
    """List who is probably the same person, what that costs, and what to do."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    page = pages.duplicates_page(enterprise.ledger, slug, request.GET.dict(), request.user, viewer_of(request.user))
    return render(request, "cloud/duplicates.html", {"enterprise": enterprise, "page": page})


@login_required
@require_GET
def duplicate(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Show one entry with everything that speaks for it, and what to write to whom."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    ledger = enterprise.ledger
    people = ("first_license__member", "second_license__member", "assignee", "state_by")
    suspect = get_object_or_404(ledger.suspects.select_related(*people), pk=pk)
    (entry,) = in_words(ledger, [suspect], sight(ledger, viewer_of(request.user)))
    context = {
        "enterprise": enterprise,
        "entry": entry,
        "colleagues": pages.colleagues(ledger),
        "reasons": pages.reasons(),
    }
    return render(request, "cloud/duplicate.html", context)


@login_required
@require_POST
def decide(request: SignedInRequest, slug: str) -> HttpResponse:
    """Let an owner assign, dismiss or announce entries, or take that back; one, or those of a page."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    form = DecideForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    back = _back(request, slug)
    if not form.entries:
        messages.warning(request, _("Nothing was checked, so nothing was changed."))
        return redirect(back)
    decision = form.cleaned_data["do"]
    who = {"ledger": enterprise.ledger, "by": request.user, "at": timezone.now(), "ip": actor_ip(request)}
    try:
        changed = _DECISIONS[decision](form.cleaned_data, entries=form.entries, **who)
    except acting.NotAssignable:
        messages.error(request, _("Whoever takes an entry needs a role in this account."))
    except acting.NoReason:
        messages.error(request, _("Say why the entry is dismissed."))
    except acting.NoSuchFix:
        messages.error(request, _("The entry has changed meanwhile. Look at it again."))
    else:
        _say(request, form.cleaned_data, changed)
    return redirect(back)


@login_required
@require_POST
def search(request: SignedInRequest, slug: str) -> HttpResponse:
    """Let an owner have the books searched now."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    person = f"person:{request.user.pk}"
    if wait := throttling.seconds_to_wait_for(person, request, "search", most=MAX_SEARCHES_A_MINUTE):
        return throttling.too_many(request, wait)
    services.request_search(ledger=enterprise.ledger, by=request.user, at=timezone.now(), ip=actor_ip(request))
    return redirect("cloud:duplicates", slug=slug)


@login_required
@require_GET
def search_status(request: SignedInRequest, slug: str) -> HttpResponse:
    """The fragment that says how far the search is; it asks again as long as one is under way."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    context = {"enterprise": enterprise, "run": runs.last_run(enterprise.ledger), "is_update": True}
    return render(request, "cloud/_search_run.html", context)


@login_required
@require_GET
def proved_savings(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show the books of savings: the total, and what each sync and import proved."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    ledger = enterprise.ledger
    page = Paginator(savings.savings(ledger), SAVINGS_PER_PAGE).get_page(request.GET.get("page"))
    rows = [(saving, cause_words(saving.cause, saving.hostname)) for saving in page.object_list]
    context = {"enterprise": enterprise, "proved": savings.proved(ledger), "page": page, "rows": rows}
    return render(request, "cloud/savings.html", context)


def _assign(said: dict[str, Any], **who: Any) -> int:
    name = said["assignee"]
    to = User.objects.filter(username=name).first() if name else None
    if name and to is None:
        raise acting.NotAssignable
    return acting.assign(to=to, **who)


_DECISIONS: dict[str, Callable[..., int]] = {
    "assign": _assign,
    "dismiss": lambda said, **who: acting.dismiss(reason=said["reason"], **who),
    "wait": lambda said, **who: acting.announce(fix=said["fix"] or 1, **who),
    "restore": lambda _said, **who: acting.restore(**who),
    "reopen": lambda _said, **who: acting.withdraw(**who),
}


_SAID = {
    "assign": ngettext_lazy("%(number)d entry was assigned.", "%(number)d entries were assigned.", "number"),
    "unassign": ngettext_lazy(
        "%(number)d entry is assigned to nobody now.", "%(number)d entries are assigned to nobody now.", "number"
    ),
    "dismiss": ngettext_lazy("%(number)d entry was dismissed.", "%(number)d entries were dismissed.", "number"),
    "wait": ngettext_lazy(
        "%(number)d entry waits for the next sync now.", "%(number)d entries wait for the next sync now.", "number"
    ),
    "restore": ngettext_lazy("%(number)d entry is open again.", "%(number)d entries are open again.", "number"),
    "reopen": ngettext_lazy("%(number)d entry is open again.", "%(number)d entries are open again.", "number"),
}


def _say(request: SignedInRequest, said: dict[str, Any], changed: int) -> None:
    if not changed:
        messages.warning(request, _("Nothing was changed: the entries are not as they were when you looked at them."))
        return
    what = "unassign" if said["do"] == "assign" and not said["assignee"] else said["do"]
    messages.success(request, _SAID[what] % {"number": changed})


def _back(request: SignedInRequest, slug: str) -> str:
    """To where the decision was made: the entry, or the list as it was."""
    one = request.POST.get("from", "")
    if one.isascii() and one.isdecimal() and len(one) < 19:
        return reverse("cloud:duplicate", args=[slug, int(one)])
    query = request.POST.get("query", "")[:500]
    return f"{reverse('cloud:duplicates', args=[slug])}{query if query.startswith('?') else ''}"
