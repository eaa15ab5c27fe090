"""The page on which an owner decides: what was seen on both sides, what each choice does, and the choice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from connect.models import Server
from licensesync import deciding
from licensesync.deciding import CUT_OFF, Choice, Decision
from licensesync.forms import CopyForm, DecisionForm
from licensesync.pages.decision_words import NO_REASON, NO_TITLE, REASONS, TITLES
from licensesync.pages.server import AboutServer
from licensesync.state import ConnectionState, connection_state
from wire.messages import ErrorCode, Held, StandingConnection


@dataclass(frozen=True)
class Fact:
    """One line of the comparison: what it is, and what either side has; times are moments, all else is text."""

    label: str
    here: str | datetime | None
    cloud: str | datetime | None

    @property
    def differs(self) -> bool:
        """Whether the two sides do not agree; times are always different."""
        return self.here != self.cloud and isinstance(self.here, str) and isinstance(self.cloud, str)

    @property
    def is_time(self) -> bool:
        """Whether it is shown as a moment."""
        return not isinstance(self.here, str)


@dataclass(frozen=True)
class Option:
    """One choice: what it does, what somebody has to be sure of, and its button."""

    title: str
    effects: tuple[str, ...]
    form: DecisionForm
    button: str
    is_danger: bool = False


@dataclass(frozen=True, kw_only=True)
class DecisionPage(AboutServer):
    """What waits for an owner of one server.

    ``is_kept_out``: the cloud let it not in, for ``existing`` is there; None where an older cloud does not say which.
    """

    server: Server
    state: ConnectionState
    decision: Decision | None
    is_kept_out: bool
    existing: StandingConnection | None
    is_owner: bool
    sent: DecisionForm | None

    @property
    def account(self) -> str:
        """The cloud account's name."""
        return self.connection.account_name or self.connection.account_slug

    @property
    def cloud_host(self) -> str:
        """The cloud's host name."""
        return urlsplit(self.connection.cloud_url).netloc

    @property
    def count_url(self) -> str:
        """The cloud's licensing page, with its Enterprise Server instances."""
        return f"{self.connection.cloud_url}/enterprises/{self.connection.account_slug}/licensing"

    @property
    def code(self) -> str:
        """Why it has to be decided; empty where nothing has to."""
        if self.decision:
            return self.decision.code
        return ErrorCode.CONNECTION_EXISTS if self.is_kept_out else ""

    @property
    def is_shrink(self) -> bool:
        """Whether it is about how many go, not about who is who."""
        return self.code == ErrorCode.SHRINK_UNCONFIRMED

    @property
    def is_cut_off(self) -> bool:
        """Whether the cloud believes nothing that this server says."""
        return self.code in CUT_OFF

    @property
    def title(self) -> str:
        """The question."""
        names = {"hostname": self.existing.hostname if self.existing else self.server.hostname}
        return str(TITLES.get(self.code, NO_TITLE)) % names

    @property
    def reason(self) -> str:
        """What happened, in words that lead to the choices."""
        return str(REASONS.get(self.code, NO_REASON))

    @property
    def held(self) -> Held | None:
        """What the cloud said that it holds."""
        return self.decision.held if self.decision else None

    @cached_property
    def facts(self) -> list[Fact]:
        """What was seen on both sides; empty where the cloud said nothing."""
        if self.decision is None or self.held is None:
            return []
        job, held = self.decision.job, self.held
        return [
            Fact(_("Host name"), self.server.hostname, held.hostname),
            Fact(_("Revision"), _revision(job.base_revision), _revision(held.revision or None)),
            Fact(_("Accounts"), intcomma(job.accounts), intcomma(held.accounts)),
            Fact(_("Seats taken"), job.taken_at, held.taken_at),
            Fact(_("Last sync"), self.state.last_success, held.synced_at),
        ]

    @property
    def is_silent_cloud(self) -> bool:
        """Whether the cloud is too old to say what it holds."""
        return self.decision is not None and self.held is None and not self.is_cut_off

    @property
    def options(self) -> list[Option]:
        """The choices that are open to an owner, in the order in which they are likely."""
        if not self.is_owner:
            return []
        if self.decision is None:
            return [self._copy()] if self.is_kept_out else []
        makers: dict[Choice, Callable[[], Option]] = {
            Choice.ORIGINAL: self._original,
            Choice.COPY: self._copy,
            Choice.SHRINK: self._shrink,
        }
        choices = [choice for choice in self.decision.choices if choice != Choice.ORIGINAL or self.held]
        return [makers[choice]() for choice in choices]

    def _original(self) -> Option:
        held = self.held or Held(hostname="", revision=0, accounts=0)
        is_renamed = self.code == ErrorCode.HOSTNAME_CHANGED
        names = {"hostname": self.server.hostname, "former": held.hostname, "revision": held.revision}
        effects = [
            _("The GitHub App gets a new key: any other copy of this server is cut off, and its syncs are refused."),
            _("This server goes on from revision %(revision)s of the cloud, and a sync starts at once.") % names,
            _("Its accounts take the place of those that the cloud holds of it. Nobody is counted twice."),
        ]
        if held.hostname != self.server.hostname:
            effects.insert(1, _("The cloud knows it as %(hostname)s from now on, in place of %(former)s.") % names)
        title = _("It was renamed") if is_renamed else _("This is the original")
        sure = _("No other copy of this server is meant to sync.")
        return Option(title, tuple(effects), self._form(Choice.ORIGINAL, sure), title)

    def _copy(self) -> Option:
        taken = self.existing.hostname if self.existing else self.held.hostname if self.held else self.server.hostname
        effects = (
            _("This server gets a server ID, a host name and keys of its own. It is not connected any more."),
            _("Nothing is said to the cloud: the original keeps its connection, its people and its history there."),
            _("To sync from here, enable GitHub Connect: the cloud then sees a server of its own, and counts with it."),
        )
        form = self._form(Choice.COPY, _("The original is another server."), taken=taken)
        return Option(_("This is a copy"), effects, form, _("This is a copy"), is_danger=True)

    def _shrink(self) -> Option:
        before = intcomma(self.held.accounts) if self.held else "?"
        now = intcomma(self.decision.job.accounts) if self.decision else "?"
        text = _("A sync starts at once. The cloud held %(before)s accounts of this server, and will hold %(now)s.")
        effects = (
            text % {"before": before, "now": now},
            _("Whoever has no other account, there or on another server, stops consuming a license."),
        )
        form = self._form(Choice.SHRINK, _("The list of seats is complete."))
        return Option(_("They are meant to go"), effects, form, _("Remove them and sync"), is_danger=True)

    def _form(self, choice: Choice, sure: str, *, taken: str = "") -> DecisionForm:
        if self.sent is not None and self.sent.chosen == choice:
            self.sent.fields["sure"].label = sure
            return self.sent
        name = "" if taken == self.server.hostname else self.server.hostname
        initial = {"choice": choice, "job": self.decision.job.pk if self.decision else None, "hostname": name}
        form = FORMS[choice](initial=initial, choice=choice)
        form.fields["sure"].label = sure
        return form


FORMS: Final[dict[Choice, type[DecisionForm]]] = {
    Choice.ORIGINAL: DecisionForm,
    Choice.COPY: CopyForm,
    Choice.SHRINK: DecisionForm,
}


def form_for(data: dict[str, str]) -> DecisionForm | None:
    """Return the form that was sent; None where it names no choice."""
    try:
        choice = Choice(data.get("choice", ""))
    except ValueError:
        return None
    return FORMS[choice](data, choice=choice)


def decision_page(
    server: Server,
    *,
    at: datetime,
    is_owner: bool,
    is_kept_out: bool = False,
    existing: StandingConnection | None = None,
    sent: DecisionForm | None = None,
) -> DecisionPage:
    """The page as of a moment; ``sent`` is a form that was refused."""
    return DecisionPage(
        server=server,
        state=connection_state(server.connection, at),
        decision=deciding.pending(server.connection),
        is_kept_out=is_kept_out and not server.connection.is_connected,
        existing=existing,
        is_owner=is_owner,
        sent=sent,
    )


def _revision(number: int | None) -> str:
    return intcomma(number) if number else _("none")
