"""What the page of a server's users shows: the list with its address, and the neighbors of the page."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import pgettext_lazy

from connect.models import Server
from licensesync.models import DormancyExclusion, Seat, SeatSource
from licensesync.pages.server import AboutServer, source_of
from licensesync.users.exclusions import gone_exclusions
from licensesync.users.listing import Filter, UsersPage, Wanted, state_of, users_page

_LABELS: Final[dict[Filter, tuple[str | Promise, str]]] = {
    Filter.ACTIVE: (pgettext_lazy("one user", "Active"), "success"),
    Filter.DORMANT: (pgettext_lazy("one user", "Dormant"), "attention"),
    Filter.SUSPENDED: (pgettext_lazy("one user", "Suspended"), "neutral"),
}
_PLACES: Final = ("after", "before")
MOST_GONE: Final = 50


@dataclass(frozen=True)
class UserRow:
    """One user of the list."""

    seat: Seat

    @property
    def state_label(self) -> str | Promise:
        """The words of the state."""
        return _LABELS[state_of(self.seat)][0]

    @property
    def state_tone(self) -> str:
        """The color of the state."""
        return _LABELS[state_of(self.seat)][1]

    @property
    def is_excluded(self) -> bool:
        """Whether nobody means to suspend it."""
        return bool(getattr(self.seat, "is_excluded", False))

    @property
    def can_be_excluded(self) -> bool:
        """Whether a place on the list would mean anything today."""
        return state_of(self.seat) is Filter.DORMANT and not self.is_excluded


@dataclass(frozen=True)
class UsersList(AboutServer):
    """The page of a server's users. ``chosen`` are the values of its address."""

    server: Server
    wanted: Wanted
    chosen: dict[str, Any]
    listed: UsersPage

    @property
    def source(self) -> SeatSource | None:
        """Where the accounts came from."""
        return source_of(self.server)

    @property
    def rows(self) -> list[UserRow]:
        """The users of this page."""
        return [UserRow(seat) for seat in self.listed.users]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but everybody is meant."""
        return bool(self.wanted.search or self.wanted.filters)

    @property
    def kept(self) -> str:
        """The query of this very page, for forms that come back to it."""
        return f"?{urlencode(self.chosen)}" if self.chosen else ""

    @property
    def export_url(self) -> str:
        """The same users as CSV."""
        return reverse("licensesync:users_export", args=[self.slug]) + self._query()

    @property
    def previous_url(self) -> str:
        """The page before this one; empty where there is none."""
        if not self.listed.has_previous:
            return ""
        first = self.listed.users[0].user_id if self.listed.users else self.chosen.get("after", 0) + 1
        return self._page(before=first)

    @property
    def next_url(self) -> str:
        """The page after this one; empty where there is none."""
        return self._page(after=self.listed.users[-1].user_id) if self.listed.has_next and self.listed.users else ""

    @cached_property
    def excluded(self) -> int:
        """How many accounts are on the exclusion list, those that the server lists no more with them."""
        return DormancyExclusion.objects.filter(server=self.server).count()

    @cached_property
    def gone(self) -> list[int]:
        """Ids on the exclusion list that the server lists no more, some of them, where that list is shown."""
        if Filter.EXCLUDED not in self.wanted.filters:
            return []
        return list(gone_exclusions(self.server)[:MOST_GONE])

    @property
    def excluded_url(self) -> str:
        """The accounts of the exclusion list."""
        return f"{reverse('licensesync:users', args=[self.slug])}?excluded={Filter.EXCLUDED}"

    def _page(self, **place: int) -> str:
        return reverse("licensesync:users", args=[self.slug]) + self._query(**place)

    def _query(self, **place: int) -> str:
        query = {name: value for name, value in self.chosen.items() if name not in _PLACES} | place
        return f"?{urlencode(query)}" if query else ""


def users_list(server: Server, wanted: Wanted, chosen: dict[str, Any]) -> UsersList:
    """The page that an address means, in a bounded number of queries."""
    listed = users_page(server, wanted, after=chosen.get("after", 0), before=chosen.get("before", 0))
    return UsersList(server, wanted, chosen, listed)
