"""The home page's rows: each enterprise a person has a role in, how it is, and the one thing that needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from enterprises import notices
from enterprises.access import served
from enterprises.models import Deployment, Enterprise, Role, User
from enterprises.navigation import landing_url

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Label = str | _StrPromise


@dataclass(frozen=True)
class HomeState:
    """`label` and `tone` make the pill; `need` is one sentence that leads to `url`, empty when nothing does.

    `reason` says why, where something is wrong.
    """

    label: Label
    tone: str = "neutral"
    need: Label = ""
    url: str = ""
    reason: Label = ""


@dataclass(frozen=True)
class HomeRow:
    """`open_notices` are listed at `notices_url`."""

    role: Role
    url: str
    state: HomeState | None
    open_notices: int
    notices_url: str

    @property
    def enterprise(self) -> Enterprise:
        return self.role.enterprise


Provider = Callable[[list[Enterprise]], dict[int, HomeState]]

_providers: dict[Deployment, Provider] = {}
_notice_views: dict[Deployment, str] = {}


def register(deployment: Deployment, provider: Provider, *, notices_at: str) -> None:
    """Called once per side when the apps are ready. A provider asks a bounded number of queries for all of them.

    ``notices_at`` names the view that lists the open notices of an enterprise.
    """
    _providers[deployment] = provider
    _notice_views[deployment] = notices_at


def rows(user: User, *, providers: Mapping[Deployment, Provider] = _providers) -> list[HomeRow]:
    """By name, those of the sides that are served here; two queries and those of at most two providers."""
    roles = list(
        Role.objects.filter(user=user, enterprise__deployment__in=served())
        .select_related("enterprise")
        .order_by("enterprise__name", "enterprise__slug")
    )
    states: dict[int, HomeState] = {}
    for deployment, provider in providers.items():
        enterprises = [role.enterprise for role in roles if role.enterprise.side == deployment]
        if enterprises:
            states |= provider(enterprises)
    open_notices = notices.open_counts([role.enterprise for role in roles])
    return [
        HomeRow(
            role,
            landing_url(role),
            states.get(role.enterprise_id),
            open_notices.get(role.enterprise_id, 0),
            f"{reverse(_notice_views[role.enterprise.side], args=[role.enterprise.slug])}#notices",
        )
        for role in roles
    ]
