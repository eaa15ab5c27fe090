"""Pages of a list as GitHub has them: ``page`` and ``per_page``, and a Link header to the others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode

DEFAULT_PER_PAGE: Final = 30
MAX_PER_PAGE: Final = 100

_NUMBER = re.compile(r"\A[0-9]{1,9}\Z")


@dataclass(frozen=True, kw_only=True)
class Window:
    """The page that was asked for, counted from 1."""

    page: int
    per_page: int

    @property
    def rows(self) -> slice:
        """The rows of the page within the whole list."""
        start = (self.page - 1) * self.per_page
        return slice(start, start + self.per_page)


def window(request: HttpRequest) -> Window:
    """What the query asks for; nonsense counts as absent, and too much as the most there is, as on GitHub."""
    per_page = _number(request, "per_page", DEFAULT_PER_PAGE) or DEFAULT_PER_PAGE
    return Window(page=max(_number(request, "page", 1), 1), per_page=min(per_page, MAX_PER_PAGE))


def _number(request: HttpRequest, name: str, default: int) -> int:
    value = request.GET.get(name, "")
    return int(value) if _NUMBER.match(value) else default


def link_pages(
    response: HttpResponse, request: HttpRequest, asked: Window, listed: int, *, keep: Mapping[str, str] | None = None
) -> HttpResponse:
    """Add the Link header (RFC 8288): absolute, with the page size and the filters that were asked for.

    A single page has none. ``keep`` has the parameters of the filters.
    """
    page, last = asked.page, -(-listed // asked.per_page)
    targets = {"prev": min(page - 1, last), "next": page + 1, "last": last, "first": 1}
    wanted = {"prev": page > 1 and last > 0, "next": page < last, "last": page < last, "first": page > 1}
    kept: dict[str, str | int] = {**(keep or {})}
    if "per_page" in request.GET:
        kept["per_page"] = asked.per_page
    links = [
        f'<{_address(request, kept | {"page": target})}>; rel="{name}"'
        for name, target in targets.items()
        if wanted[name]
    ]
    if links:
        response["Link"] = ", ".join(links)
    return response


def _address(request: HttpRequest, query: dict[str, str | int]) -> str:
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
