"""The people's pages: home, the first owner, one-time links, preferences."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from enterprises import founding, home, notices, preferences, services, setup_codes, throttling
from enterprises.audit import actor_ip
from enterprises.forms import LanguageForm, PreferencesForm, SetupForm, SignInLinkForm, ThemeForm
from enterprises.models import Deployment, User
from enterprises.sign_in import BACKEND

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from enterprises.requests import SignedInRequest

logger = logging.getLogger(__name__)

# Within a minute, from one address.
MAX_ATTEMPTS = 10


def bad_request(_request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer to what it cannot read; what is too large is told apart. It needs nothing of the request."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return HttpResponse(render_to_string(f"{status}.html"), status=status)


@require_safe
@never_cache
def your_enterprises(request: HttpRequest) -> HttpResponse:
    """The home page; before anybody owns anything it leads to the setup."""
    user: User | AnonymousUser = request.user
    if isinstance(user, User):
        return render(request, "enterprises/home.html", {"rows": home.rows(user)})
    return redirect("setup" if setup_codes.needs_first_owner() else settings.LOGIN_URL)


@sensitive_post_parameters("code", "password")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def setup(request: HttpRequest) -> HttpResponse:
    """The first owner, for whoever holds the setup code; afterwards there is no such page."""
    if not setup_codes.needs_first_owner():
        raise Http404
    form = SetupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wait = throttling.seconds_to_wait(request, "setup", most=MAX_ATTEMPTS)
        if wait:
            return throttling.too_many(request, wait)
        owner = _set_up(request, form)
        if owner is not None:
            login(request, owner, backend=BACKEND)
            return redirect("home")
    return render(request, "enterprises/setup.html", {"form": form}, status=422 if form.errors else 200)


def _set_up(request: HttpRequest, form: SetupForm) -> User | None:
    """None when it did not come about; the form then says why."""
    given = form.cleaned_data
    try:
        return founding.set_up(
            code=given["code"],
            username=given["username"],
            password=given["password"],
            slug=given["slug"],
            name=given["name"],
            deployment=Deployment(given["deployment"]),
            particulars=form.particulars(),
            at=timezone.now(),
            ip=actor_ip(request),
        )
    except setup_codes.SetupClosed:
        raise Http404 from None
    except setup_codes.SetupCodeWrong:
        logger.warning("A setup code was refused.", extra={"ip": actor_ip(request)})
        form.add_error("code", _("That is not the code that was printed last."))
    except ValidationError as error:
        _add_errors(form, error)
    return None


def _add_errors(form: SetupForm, error: ValidationError) -> None:
    """Each to its field; those without one in front of the form."""
    if hasattr(error, "error_dict"):
        for field, problems in error.error_dict.items():
            form.add_error(field if field in form.fields else None, problems)
    else:
        form.add_error("password", error)


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in_link(request: HttpRequest) -> HttpResponse:
    """A one-time link leads here; only the button uses it up, so that nobody's preview of the page does."""
    form = SignInLinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wait = throttling.seconds_to_wait(request, "link", most=MAX_ATTEMPTS)
        if wait:
            return throttling.too_many(request, wait)
        try:
            user = services.use_sign_in_link(
                secret=form.cleaned_data["secret"], at=timezone.now(), ip=actor_ip(request)
            )
        except services.LinkNotValid:
            logger.warning("A sign-in link was refused.", extra={"ip": actor_ip(request)})
            form.add_error(
                "secret", _("This link has been used, or it is older than fifteen minutes. Ask for another.")
            )
        else:
            login(request, user, backend=BACKEND)
            return redirect("home")
    return render(request, "enterprises/sign_in_link.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    response = _back(request)
    form = LanguageForm(request.POST)
    if form.is_valid():
        language = form.cleaned_data["language"]
        preferences.save(request.user, language=language)
        preferences.remember(response, settings.LANGUAGE_COOKIE_NAME, language)
    return response


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    response = _back(request)
    form = ThemeForm(request.POST)
    if form.is_valid():
        theme = form.cleaned_data["theme"]
        preferences.save(request.user, theme=theme)
        preferences.remember(response, preferences.theme_cookie_name(), theme)
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def your_preferences(request: SignedInRequest) -> HttpResponse:
    form = PreferencesForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        services.change_preferences(
            user=request.user, chosen=form.cleaned_data, at=timezone.now(), ip=actor_ip(request)
        )
        # The next page already speaks the language that was just chosen.
        with translation.override(form.cleaned_data["language"] or translation.get_language()):
            messages.success(request, _("Your preferences are saved."))
        return redirect("preferences")
    context = {
        "form": form,
        "needs_address": services.needs_address(request.user),
        "reach_nobody": notices.reach_nobody(),
    }
    return render(request, "enterprises/preferences.html", context, status=422 if form.errors else 200)


def _back(request: HttpRequest) -> HttpResponseRedirect:
    """To the page that the form stands on, as long as it is one of ours."""
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(wanted if is_ours else resolve_url("home"))
