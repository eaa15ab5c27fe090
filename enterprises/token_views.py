"""A person's own tokens for the REST API: the list, a new one that is shown once, and the end of one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from enterprises import services
from enterprises.audit import actor_ip
from enterprises.models import Scope

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpResponse

    from enterprises.models import ApiToken
    from enterprises.requests import SignedInRequest

MAX_TOKENS: Final = 50
"""So many a person has at a time that work; commands are not held up by it."""
_NEVER: Final = "0"


class TokenForm(forms.Form):
    """What a new token is for, what it may do, and how long."""

    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=120,
        help_text=gettext_lazy("By this name you find it again when it is to be revoked."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("What it may do"),
        choices=Scope.choices,
        initial=Scope.READ_ENTERPRISE,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Never more than you may do yourself."),
    )
    days = forms.ChoiceField(
        label=gettext_lazy("How long it works"),
        choices=[
            ("30", gettext_lazy("30 days")),
            ("90", gettext_lazy("90 days")),
            ("365", gettext_lazy("A year")),
            (_NEVER, gettext_lazy("Until it is revoked")),
        ],
        initial="90",
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def tokens(request: SignedInRequest) -> HttpResponse:
    """List one's tokens that work; a new one stands on the answer to the form, and nowhere else."""
    now = timezone.now()
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        if _working(request).count() >= MAX_TOKENS:
            form.add_error(None, _("You have %(most)d tokens: revoke one of them first.") % {"most": MAX_TOKENS})
        else:
            days = int(form.cleaned_data["days"])
            new = services.create_api_token(
                user=request.user,
                scopes=[form.cleaned_data["scope"]],
                name=form.cleaned_data["name"],
                expires_at=now + timedelta(days=days) if days else None,
                at=now,
                by=request.user,
                ip=actor_ip(request),
            )
            secret, form = new.secret, TokenForm()
    context = {"form": form, "secret": secret, "tokens": list(_working(request))}
    return render(request, "enterprises/tokens.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def revoke(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask, then close one of one's tokens for good."""
    token = get_object_or_404(_working(request), pk=pk)
    if request.method != "POST":
        return render(request, "enterprises/revoke_token.html", {"token": token})
    services.revoke_api_token(token=token, at=timezone.now(), by=request.user, ip=actor_ip(request))
    messages.success(request, _("The token is revoked: whatever uses it is answered 401 from now on."))
    return redirect("tokens")


def _working(request: SignedInRequest) -> QuerySet[ApiToken]:
    """One's own tokens that open a door, the newest first."""
    own = request.user.api_tokens.active(timezone.now())
    return own.select_related("user").order_by("-created_at", "-pk")
