"""Applies a person's own language and time zone to the request."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
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
