"""The one place that decides who may see and do what in an enterprise.

No role, an unknown slug and a slug of the other side all look the same (404, by the same single query); a role
without the right is told so (403).
"""

from __future__ import annotations

import enum
import logging
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from enterprises.models import ApiToken, Deployment, Enterprise, Role, Scope, User
from enterprises.models.people import NOBODY
from enterprises.secrets import digest

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

__all__ = [
    "Deployment",
    "Need",
    "Scope",
    "SeveralEnterprises",
    "authenticate_token",
    "enterprise_for",
    "enterprise_for_token",
    "only_enterprise_for_token",
    "served",
]

logger = logging.getLogger(__name__)

AUTHORIZATION = re.compile(r"\A(?:token|bearer) +([\x21-\x7e]{1,200})\s*\Z", re.IGNORECASE)
# One write a minute is enough to see whether a token is still in use.
USE_IS_NOTED_EVERY = timedelta(minutes=1)


class Need(enum.Enum):
    """What the caller is about to do: look, which every role may, or act, which only owners may."""

    VIEW = "view"
    OWN = "own"


class SeveralEnterprises(Exception):
    """The address names no enterprise, and the person has more than one."""


def served() -> list[Deployment]:
    """The sides whose pages this process has."""
    sides = {Deployment.SERVER: settings.SERVES_SERVER, Deployment.CLOUD: settings.SERVES_CLOUD}
    return [side for side, is_served in sides.items() if is_served]


def _role_of(user_id: int | None, slug: str, deployment: Deployment | None) -> Role:
    sides = [deployment] if deployment else served()
    role = (
        Role.objects.select_related("enterprise")
        .filter(user_id=user_id or NOBODY, enterprise__slug=slug, enterprise__deployment__in=sides)
        .first()
    )
    if role is None:
        raise Http404
    return role


def enterprise_for(
    user: User | AnonymousUser, slug: str, *, deployment: Deployment | None, need: Need = Need.VIEW
) -> Enterprise:
    """The enterprise, when this person may; the role is left on the user for the page's shell.

    Pages that both sides have give no ``deployment``: it may be on any side that is served here.

    :raises Http404: no role in it, no such slug, or a slug of the other side
    :raises PermissionDenied: a billing manager where only an owner may
    """
    role = _role_of(user.pk, slug, deployment)
    if isinstance(user, User):
        user.current_role = role
    if need is Need.OWN and not role.is_owner:
        raise PermissionDenied
    return role.enterprise


def authenticate_token(header_value: str) -> ApiToken | None:
    """The token behind an Authorization header, `token X` or `Bearer X`; None when it opens nothing."""
    match = AUTHORIZATION.match(header_value)
    if match is None:
        return None
    now = timezone.now()
    token = ApiToken.objects.active(now).select_related("user").filter(digest=digest(match[1])).first()
    if token is not None and (token.last_used_at is None or token.last_used_at <= now - USE_IS_NOTED_EVERY):
        _note_use(token)
    return token


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now)
    try:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    except OperationalError:
        # Whoever only asks is answered, also while much is written (on SQLite only one writes): a later use is noted.
        logger.warning("The use of a token could not be noted.", extra={"token_id": token.pk})
        return
    token.last_used_at = now


def enterprise_for_token(
    token: ApiToken, slug: str, *, deployment: Deployment, scope: Scope, need: Need = Need.VIEW
) -> Enterprise:
    """The enterprise, when the token's person may and the token was given the scope; the role is left on the person.

    :raises Http404: the person has no role in it, no such slug, or a slug of the other side
    :raises PermissionDenied: the token lacks the scope, or a billing manager where only an owner may
    """
    role = _role_of(token.user_id, slug, deployment)
    token.user.current_role = role
    if not token.allows(scope):
        raise PermissionDenied
    if need is Need.OWN and not role.is_owner:
        raise PermissionDenied
    return role.enterprise


def only_enterprise_for_token(token: ApiToken, *, deployment: Deployment, scope: Scope) -> Enterprise:
    """The one enterprise of a side in which the token's person has a role, for an address that names none.

    :raises Http404: the person has no role on that side
    :raises SeveralEnterprises: more than one
    :raises PermissionDenied: the token lacks the scope
    """
    roles = Role.objects.select_related("enterprise").filter(user_id=token.user_id, enterprise__deployment=deployment)
    found = list(roles[:2])
    if not found:
        raise Http404
    if not token.allows(scope):
        raise PermissionDenied
    if len(found) > 1:
        raise SeveralEnterprises
    return found[0].enterprise
