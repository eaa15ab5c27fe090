"""Language, theme and time zone: a person's own, else the browser's, else the system's."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings

from enterprises.models import Theme, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest, HttpResponseBase

COOKIE_LIVES = 365 * 24 * 3600


def theme_cookie_name() -> str:
    """Beside the language's, and like it apart from those of another console on this host."""
    return f"{settings.LANGUAGE_COOKIE_NAME}_theme"


@cache
def time_zones() -> frozenset[str]:
    """The names that a person can choose."""
    return frozenset(zoneinfo.available_timezones())


def languages() -> frozenset[str]:
    return frozenset(code for code, _name in settings.LANGUAGES)


def zone_of(user: User | AnonymousUser) -> ZoneInfo | None:
    """None when the person chose none, or one that this machine no longer knows."""
    name = user.time_zone if isinstance(user, User) else ""
    return ZoneInfo(name) if name in time_zones() else None


def theme_of(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    chosen = user.theme if isinstance(user, User) else request.COOKIES.get(theme_cookie_name(), "")
    return chosen if chosen in Theme.values else str(Theme.AUTO)


def remember(response: HttpResponseBase, name: str, value: str) -> None:
    """In the browser too, so that the sign-in page looks as the person left it."""
    response.set_cookie(
        name,
        value,
        max_age=COOKIE_LIVES,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def save(user: User | AnonymousUser, **chosen: Any) -> None:
    """Keep what a signed-in person chose."""
    if isinstance(user, User):
        for name, value in chosen.items():
            setattr(user, name, value)
        user.save(update_fields=list(chosen))
