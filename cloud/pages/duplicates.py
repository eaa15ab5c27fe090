"""What *Probably the same person* shows: the entries of an address, what can be chosen, and the numbers above."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from cloud.models import Suspect, SuspectRun
from cloud.people.visible import sight
from cloud.suspects import runs
from cloud.worklist.entries import Entry, in_words
from cloud.worklist.listing import NOBODY, PER_PAGE, Counts, Listed, Place, Wanted, counts, page_of
from cloud.worklist.savings import Proved, proved
from enterprises.models import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloud.models import Ledger
    from cloud.people.visible import Viewer
    from enterprises.models import User

ME: Final = "me"
_FILTERS: Final = ("state", "kind", "server", "assigned")
_BIGGEST: Final = len(str(2**63)) - 1

State = Suspect.State


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The values of an address; nonsense counts as nothing chosen."""

    wanted: Wanted
    query: dict[str, str]
    after: Place | None
    before: Place | None

    @classmethod
    def of(cls, query: Mapping[str, str], ledger: Ledger, user: User) -> Chosen:
        """Read an address."""
        # No database need be asked for a text with a control character, and PostgreSQL stores no NUL.
        query = {name: value for name, value in query.items() if value.isprintable()}
        state, kind = query.get("state", ""), query.get("kind", "")
        server, assigned = query.get("server", ""), query.get("assigned", "")
        is_mine = assigned == ME
        wanted = Wanted(
            state=state if state in State.values else State.OPEN,
            kind=kind if kind in Suspect.Kind.values else "",
            server=ledger.installations.filter(hostname=server).first() if server else None,
            assignee=user if is_mine else _colleague(ledger, assigned),
            unassigned=assigned == NOBODY,
        )
        kept = {name: query[name] for name in _FILTERS if query.get(name)}
        return cls(wanted=wanted, query=kept, after=_place(query.get("after")), before=_place(query.get("before")))


@dataclass(frozen=True, kw_only=True)
class DuplicatesPage:
    """The page of an address."""

    ledger: Ledger
    slug: str
    viewer: Viewer
    user: User
    chosen: Chosen
    listed: Listed
    counts: Counts
    run: SuspectRun | None

    @cached_property
    def entries(self) -> list[Entry]:
        """The entries of this page."""
        return in_words(self.ledger, self.listed.entries, sight(self.ledger, self.viewer))

    @cached_property
    def proved(self) -> Proved:
        """The savings that were proved so far."""
        return proved(self.ledger)

    @property
    def state(self) -> str:
        """The state that is shown."""
        return self.chosen.wanted.state

    @property
    def can_be_decided(self) -> bool:
        """Whether these entries can be assigned or dismissed."""
        return self.state in Suspect.LISTED

    @property
    def can_be_acted_on(self) -> bool:
        """Whether anything can be done with these entries."""
        return self.can_be_decided or self.state == State.DISMISSED

    @property
    def is_never_searched(self) -> bool:
        """Whether no search has come to its end, so that an empty list says nothing."""
        return not self.counts.by_state and (self.run is None or self.run.state != SuspectRun.State.DONE)

    @property
    def here(self) -> str:
        """The query of this very page, for forms that come back to it."""
        places = {"after": self.chosen.after, "before": self.chosen.before}
        written = {name: _written(place) for name, place in places.items() if place}
        return f"?{urlencode({**self.chosen.query, **written})}"

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """The states, each with its number."""
        labels = {
            State.OPEN: pgettext("entry", "Open"),
            State.WAITING: pgettext("entry", "Waiting"),
            State.CONFIRMED: pgettext("entry", "Confirmed"),
            State.DISMISSED: pgettext("entry", "Dismissed"),
            State.GONE: pgettext("entry", "Gone"),
        }
        return [
            {
                "label": label,
                "url": self._url(state=state),
                "is_current": state == self.state,
                "count": self.counts.by_state.get(state, 0),
            }
            for state, label in labels.items()
        ]

    @property
    def filters(self) -> list[dict[str, Any]]:
        """What the list can be narrowed by."""
        kinds = [(kind.value, kind.label) for kind in Suspect.Kind]
        servers = [(name, name) for name in self.servers]
        people = [(ME, _("me")), (NOBODY, _("nobody")), *((name, shown) for name, shown in self.colleagues)]
        return [
            self._filter("kind", _("Evidence"), _("Any"), kinds),
            self._filter("server", _("Server"), _("Any"), servers),
            self._filter("assigned", _("Assigned to"), _("anybody"), people),
        ]

    @cached_property
    def servers(self) -> list[str]:
        """The servers, by name."""
        return list(self.ledger.installations.order_by("hostname").values_list("hostname", flat=True).distinct())

    @cached_property
    def colleagues(self) -> list[tuple[str, str]]:
        """Who may take an entry: whoever has a role in the account."""
        return colleagues(self.ledger)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Why somebody may dismiss an entry."""
        return reasons()

    @property
    def previous_url(self) -> str:
        """The page before this one; empty where there is none."""
        return self._url(before=_written(self.listed.previous)) if self.listed.previous else ""

    @property
    def next_url(self) -> str:
        """The page after this one; empty where there is none."""
        return self._url(after=_written(self.listed.next)) if self.listed.next else ""

    @property
    def everything_url(self) -> str:
        """The same state without filters."""
        return f"{reverse('cloud:duplicates', args=[self.slug])}?state={self.state}"

    @property
    def mine_url(self) -> str:
        """What is assigned to whoever looks."""
        return self._url(assigned=ME)

    def _filter(self, name: str, label: str, anything: str, options: list[tuple[str, Any]]) -> dict[str, Any]:
        return {
            "name": name,
            "label": label,
            "selected": self.chosen.query.get(name, ""),
            "options": [("", anything), *options],
        }

    def _url(self, **other: str) -> str:
        query = {**self.chosen.query, **other}
        return f"{reverse('cloud:duplicates', args=[self.slug])}?{urlencode(query)}"


def duplicates_page(ledger: Ledger, slug: str, query: Mapping[str, str], user: User, viewer: Viewer) -> DuplicatesPage:
    """The page that an address means, in a bounded number of queries."""
    chosen = Chosen.of(query, ledger, user)
    return DuplicatesPage(
        ledger=ledger,
        slug=slug,
        viewer=viewer,
        user=user,
        chosen=chosen,
        listed=page_of(ledger, chosen.wanted, after=chosen.after, before=chosen.before, size=PER_PAGE),
        counts=counts(ledger),
        run=runs.last_run(ledger),
    )


def colleagues(ledger: Ledger) -> list[tuple[str, str]]:
    """Whoever has a role in the account: name to sign in with, and name to show."""
    roles = Role.objects.filter(enterprise=ledger.enterprise_id).select_related("user").order_by("user__username")
    return [(role.user.username, role.user.display_name) for role in roles]


def reasons() -> list[tuple[str, str]]:
    """Why somebody may dismiss an entry."""
    return [(reason.value, str(reason.label)) for reason in Suspect.Reason if reason]


def _colleague(ledger: Ledger, username: str) -> User | None:
    if not username or username in {ME, NOBODY}:
        return None
    role = Role.objects.filter(enterprise=ledger.enterprise_id, user__username=username).select_related("user").first()
    return role.user if role else None


def _place(text: str | None) -> Place | None:
    parts = (text or "").split(".")
    if len(parts) != len(("first", "score", "id")):
        return None
    if not all(part.isascii() and part.isdecimal() and len(part) < _BIGGEST for part in parts):
        return None
    first, score, pk = map(int, parts)
    return first, score, pk


def _written(place: Place) -> str:
    return ".".join(map(str, place))
