"""The box that says what suspending dormant users would free: its words, and where the next step is taken."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from connect.models import Server
from licensesync.pages.server import AboutServer
from licensesync.users.suspending import Answer, Missing, Stale, Suspending, suspending

_MISSING: Final[dict[Missing, tuple[str | Promise, str]]] = {
    Missing.NOT_CONNECTED: (
        _("Only the cloud can say who would free a license, and this server is not connected to one."),
        "connection",
    ),
    Missing.SYNC_OFF: (
        _("Only the cloud can say who would free a license, and license sync is off: set it to Enabled."),
        "connection",
    ),
    Missing.NO_SEATS: (_("There are no seats yet. Import the list of accounts first."), "seats"),
    Missing.NEVER_SYNCED: (
        _("The cloud knows nobody of this server yet. After the first sync it can say who would free a license."),
        "license",
    ),
    Missing.NOBODY: (_("No dormant user holds a license, or all of them are on the exclusion list."), ""),
}
_STALE: Final[dict[Stale, str | Promise]] = {
    Stale.SEATS_CHANGED: _("The list of accounts has changed since."),
    Stale.EXCLUSIONS_CHANGED: _("Who is dormant and not on the exclusion list has changed since."),
    Stale.SYNCED_SINCE: _("A sync has arrived since."),
    Stale.OLD: _("The answer is more than 8 days old."),
}
_LINKS: Final = {"connection": _("GitHub Connect"), "seats": _("Import seats"), "license": _("Go to license sync")}


@dataclass(frozen=True)
class SuspendingBox(AboutServer):
    """Everything the box shows."""

    server: Server
    stands: Suspending

    @property
    def missing(self) -> str | Promise:
        """What is missing before the cloud can be asked."""
        return _MISSING[self.stands.missing][0] if self.stands.missing else ""

    @property
    def missing_url(self) -> str:
        """Where that is put right."""
        place = _MISSING[self.stands.missing][1] if self.stands.missing else ""
        return reverse(f"licensesync:{place}", args=[self.slug]) if place else ""

    @property
    def missing_link(self) -> str | Promise:
        """The words of the link."""
        return _LINKS.get(_MISSING[self.stands.missing][1], "") if self.stands.missing else ""

    @property
    def users_now(self) -> str:
        """Whom the question is about now."""
        text = ngettext(
            "%(users)s dormant user holds a license and is not on the exclusion list.",
            "%(users)s dormant users hold a license and are not on the exclusion list.",
            self.stands.users,
        )
        return text % {"users": intcomma(self.stands.users)}

    @property
    def sentence(self) -> str:
        """What the cloud answered."""
        answer = self.stands.answer
        if answer is None:
            return ""
        if self.is_of_another_list:
            return self._past_sentence(answer)
        users = ngettext(
            "Suspending this %(users)s dormant user", "Suspending these %(users)s dormant users", answer.users
        ) % {"users": intcomma(answer.users)}
        freed = ngettext("would free %(freed)s license.", "would free %(freed)s licenses.", answer.freed)
        return f"{users} {freed % {'freed': intcomma(answer.freed)}}"

    @property
    def is_of_another_list(self) -> bool:
        """Whether the answer is about others than who would be suspended now."""
        answer = self.stands.answer
        return answer is not None and not {Stale.SEATS_CHANGED, Stale.EXCLUSIONS_CHANGED}.isdisjoint(answer.stale)

    def _past_sentence(self, answer: Answer) -> str:
        users = ngettext(
            "Suspending the %(users)s dormant user of that time",
            "Suspending the %(users)s dormant users of that time",
            answer.users,
        ) % {"users": intcomma(answer.users)}
        freed = ngettext("would have freed %(freed)s license.", "would have freed %(freed)s licenses.", answer.freed)
        return f"{users} {freed % {'freed': intcomma(answer.freed)}}"

    @property
    def frees_fewer(self) -> bool:
        """Whether some of the users would free nothing."""
        answer = self.stands.answer
        return answer is not None and not answer.is_mixed and answer.freed < answer.users

    @property
    def stale(self) -> list[str | Promise]:
        """Why the answer may not be true any more."""
        return [_STALE[reason] for reason in self.stands.answer.stale] if self.stands.answer else []

    @property
    def is_active(self) -> bool:
        """Whether the cloud is being asked: the box looks again by itself."""
        return self.stands.active is not None

    @property
    def can_ask(self) -> bool:
        """Whether asking does something."""
        return self.stands.missing is None and not self.is_active

    @property
    def list_url(self) -> str:
        """The users whom the question is about."""
        return reverse("licensesync:users", args=[self.slug]) + "?state=dormant&excluded=not-excluded"


def suspending_box(server: Server, at: datetime) -> SuspendingBox:
    """The box as of a moment."""
    return SuspendingBox(server, suspending(server, at))
