"""What every page needs around its content: side, enterprise, role, navigation, theme. Asks the database nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from enterprises.models import User
from enterprises.navigation import groups_for, settings_url
from enterprises.preferences import theme_of

if TYPE_CHECKING:
    from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """The role is the one that access.enterprise_for found for this request; without one the header is bare."""
    context: dict[str, Any] = {"theme": theme_of(request)}
    user = getattr(request, "user", None)
    role = user.current_role if isinstance(user, User) else None
    if role is not None:
        shown = request.resolver_match
        context |= {
            "enterprise": role.enterprise,
            "side": role.enterprise.deployment,
            "role": role,
            "navigation": groups_for(role, shown.view_name if shown else ""),
            "enterprise_settings_url": settings_url(role),
        }
    return context
