"""Applies a person's own language and time zone to the request, and gives a page to who comes without a form."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils import timezone, translation

from enterprises.models import User
from enterprises.preferences import languages, zone_of

View = Callable[[HttpRequest], HttpResponseBase]


def preferences(get_response: View) -> View:
    """Stands behind the authentication; Django's own LocaleMiddleware, in front of it, knows only the browser."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User) and user.language in languages():
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
        with timezone.override(zone_of(user)):
            return get_response(request)

    return middleware


def not_allowed(get_response: View) -> View:
    """A page instead of Django's empty 405, which a browser shows as a broken site.

    Who presses a button when their session is over signs in, and comes to the address of the form without the form.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            page = render(request, "405.html", status=response.status_code)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    return middleware
