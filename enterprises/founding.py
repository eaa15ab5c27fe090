"""Founding an enterprise as a whole: the account, its owner, and what its side keeps about it.

The sides stand above this app, so each of them says here how it opens its books: a server's identity, a cloud
account's ledger. The same founding serves the command line, the first start and the demo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from enterprises import services, setup_codes
from enterprises.models import Deployment, Enterprise, Kind, User

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Particulars:
    """What only one of the sides asks for."""

    hostname: str = ""
    version: str = ""
    seats: int = 0


Founder = Callable[[Enterprise, Particulars, "datetime"], None]

_founders: dict[Deployment, Founder] = {}


def register(deployment: Deployment, founder: Founder) -> None:
    """Called once per side when the apps are ready; the founder runs inside the founding transaction."""
    _founders[deployment] = founder


@transaction.atomic
def found(
    *,
    slug: str,
    deployment: Deployment,
    particulars: Particulars,
    at: datetime,
    by: User | None = None,
    name: str = "",
    kind: Kind = Kind.ENTERPRISE,
    owner: User | None = None,
    ip: str = "",
) -> Enterprise:
    """An enterprise with everything its side needs.

    :raises ValidationError: the slug is taken or malformed, or a particular does not fit
    """
    founder = _founders.get(deployment)
    if founder is None:
        raise ImproperlyConfigured(f"Nothing is registered to open the books of a {deployment} enterprise.")
    enterprise = services.create_enterprise(
        slug=slug, deployment=deployment, at=at, by=by, name=name, kind=kind, owner=owner, ip=ip
    )
    founder(enterprise, particulars, at)
    return enterprise


@transaction.atomic
def set_up(
    *,
    code: str,
    username: str,
    password: str,
    slug: str,
    name: str,
    deployment: Deployment,
    particulars: Particulars,
    at: datetime,
    ip: str = "",
) -> User:
    """The first owner and their enterprise, for whoever holds the setup code.

    :raises SetupClosed: somebody was first
    :raises SetupCodeWrong: it is not the code that was printed last
    :raises ValidationError: see create_user and found
    """
    setup_codes.spend_setup_code(code)
    owner = services.create_user(username=username, password=password, at=at, ip=ip).user
    found(
        slug=slug,
        deployment=deployment,
        particulars=particulars,
        at=at,
        by=owner,
        name=name,
        owner=owner,
        ip=ip,
    )
    return owner
