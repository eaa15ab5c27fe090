"""The left navigation of an enterprise: each side says which pages it has, this module puts them in order."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.utils.functional import _StrPromise

    from enterprises.models import Deployment, Role

    Label = str | _StrPromise


@dataclass(frozen=True, kw_only=True)
class Page:
    """One entry. `view_names` are other pages that belong to it; `group` is the heading above it, or none.

    An enterprise opens with its landing page, or where none is marked, with the first.
    """

    label: Label
    view_name: str
    icon: str
    order: int
    group: Label = ""
    view_names: tuple[str, ...] = ()
    owners_only: bool = False
    is_landing: bool = False


AUDIT_LOG: Final = Page(
    label=_("Audit log"), view_name="audit_log", icon="log", order=80, group=_("Settings"), owners_only=True
)
"""A page that both sides have."""


@dataclass(frozen=True)
class Item:
    """An entry as the template shows it."""

    label: Label
    url: str
    icon: str
    is_current: bool


@dataclass(frozen=True)
class Group:
    label: Label
    items: list[Item]


_pages: dict[Deployment, tuple[Page, ...]] = {}


def register(deployment: Deployment, pages: Iterable[Page]) -> None:
    """Called once per side when the apps are ready; lower orders come first, and groups where their first page is."""
    _pages[deployment] = tuple(sorted(pages, key=attrgetter("order")))


def groups_for(role: Role, current: str = "") -> list[Group]:
    """What this role sees, the page that is shown marked; asks the database nothing."""
    groups: dict[str, Group] = {}
    for page in _pages_for(role):
        group = groups.setdefault(str(page.group), Group(page.group, []))
        is_current = current == page.view_name or current in page.view_names
        group.items.append(Item(page.label, _url(page, role), page.icon, is_current))
    return list(groups.values())


def landing_url(role: Role) -> str:
    """The page with which the enterprise opens; empty when its side is not served here."""
    pages = _pages_for(role)
    return next((_url(page, role) for page in [*(page for page in pages if page.is_landing), *pages]), "")


def settings_url(role: Role) -> str:
    """The first page under a heading, which is where settings stand; else the first of all."""
    under_heading = (_url(page, role) for page in _pages_for(role) if page.group)
    return next(under_heading, landing_url(role))


def _pages_for(role: Role) -> list[Page]:
    pages = _pages.get(role.enterprise.side, ())
    return [page for page in pages if role.is_owner or not page.owners_only]


def _url(page: Page, role: Role) -> str:
    return reverse(page.view_name, kwargs={"slug": role.enterprise.slug})
