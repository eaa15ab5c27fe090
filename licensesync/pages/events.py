"""A job's log in words, and the attempts that it tells of. Nothing in it is a secret or an address."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensesync.failures import explain
from licensesync.models import SyncJobEvent

Data = dict[str, Any]
MOST_SHOWN: Final = 200
"""The newest are shown; a job that is tried for a day has some dozens."""


@dataclass(frozen=True)
class LogLine:
    """One line as ``components/timeline.html`` draws it."""

    text: str
    at: datetime
    tone: str = "neutral"
    icon: str = "dot-fill"
    detail: str = ""


@dataclass
class Attempt:
    """One try: when it began, how it ended (empty while it lasts), and when the next one comes."""

    number: int
    began_at: datetime | None
    ended_at: datetime | None = None
    event: str = ""
    code: str = ""
    next_at: datetime | None = None

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        if self.code:
            return str(explain(self.code).sentence)
        words = {
            "succeeded": _("Arrived"),
            "exported": _("Exported"),
            "cancelled": _("Cancelled"),
            "failed": _("Failed"),
        }
        return words.get(self.event, _("Broke off without a word") if self.ended_at else _("Under way"))


def _count(data: Data, name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0


def _requested(data: Data) -> str:
    words = {
        "schedule": _("Planned for its weekly time"),
        "person": _("Asked for on a page"),
        "command": _("Asked for on the command line"),
    }
    return words.get(str(data.get("trigger")), _("Asked for"))


def _prepared(data: Data) -> str:
    accounts, parts = _count(data, "accounts"), _count(data, "parts")
    return _("List of accounts frozen: %(accounts)s in %(parts)s") % {
        "accounts": ngettext("%(count)s account", "%(count)s accounts", accounts) % {"count": intcomma(accounts)},
        "parts": ngettext("%(count)s part", "%(count)s parts", parts) % {"count": intcomma(parts)},
    }


def _opened(data: Data) -> str:
    missing = _count(data, "missing")
    if data.get("state") == "applied":
        return _("The cloud holds exactly these lines already: nothing has to travel")
    words = ngettext(
        "The cloud answered: it lacks %(count)s part", "The cloud answered: it lacks %(count)s parts", missing
    )
    return words % {"count": intcomma(missing)}


def _part_sent(data: Data) -> str:
    numbers = {"sent": intcomma(_count(data, "number")), "parts": intcomma(_count(data, "parts"))}
    return _("Part %(sent)s of %(parts)s sent") % numbers


_WORDS: Final[dict[str, tuple[str, str, Callable[[Data], str]]]] = {
    "requested": ("neutral", "person", _requested),
    "attempt": (
        "accent",
        "sync",
        lambda data: _("Attempt %(number)s began") % {"number": intcomma(_count(data, "number"))},
    ),
    "refreshed": ("success", "download", lambda _data: _("Seats were fetched anew from their source")),
    "went_on_with_old_seats": (
        "attention",
        "alert",
        lambda _data: _("Seats could not be fetched anew; it went on with those that were held"),
    ),
    "prepared": ("neutral", "lock", _prepared),
    "opened": ("neutral", "link", _opened),
    "part_sent": ("neutral", "paper-airplane", _part_sent),
    "commit_sent": (
        "accent",
        "check",
        lambda _data: _("The cloud was asked to apply it; from here on it cannot be cancelled"),
    ),
    "receipt_imported": (
        "success",
        "verified",
        lambda data: (
            _("Receipt imported: revision %(revision)s, verified with key %(kid)s")
            % {"revision": intcomma(_count(data, "revision")), "kid": str(data.get("kid", ""))}
        ),
    ),
    "receipt_verified": (
        "success",
        "verified",
        lambda data: (
            _("Receipt of revision %(revision)s verified with key %(kid)s")
            % {"revision": intcomma(_count(data, "revision")), "kid": str(data.get("kid", ""))}
        ),
    ),
    "woken": ("accent", "sync", lambda _data: _("Try again now: the waiting was ended")),
    "will_retry": ("attention", "alert", lambda _data: _("This attempt did not arrive; it will be tried again")),
    "began_anew": ("attention", "sync", lambda _data: _("The frozen list was dropped, to begin anew")),
    "exported": ("success", "file", lambda _data: _("The usage file is made and signed")),
    "succeeded": ("success", "check-circle", lambda _data: _("Over: it arrived")),
    "failed": ("danger", "stop", lambda _data: _("Over: it failed")),
    "cancelled": ("neutral", "x", lambda _data: _("Over: it was cancelled")),
    "withdrawn": ("neutral", "trash", lambda _data: _("The cloud was told to forget what it had received")),
}


def log_lines(events: Iterable[SyncJobEvent]) -> list[LogLine]:
    """The lines of a log; an event that this version does not know is shown as it is."""
    return [_line(event) for event in events]


def _line(event: SyncJobEvent) -> LogLine:
    data: Data = event.data if isinstance(event.data, dict) else {}
    if event.event not in _WORDS:
        known = ", ".join(f"{name}: {value}" for name, value in data.items())
        return LogLine(event.event, event.at, detail=known)
    tone, icon, words = _WORDS[event.event]
    code = _code(data)
    detail = str(explain(code).sentence) if code else ""
    return LogLine(words(data), event.at, tone, icon, detail)


def _code(data: Data) -> str:
    return str(data.get("code") or data.get("error_code") or "")


def attempts_of(events: Iterable[SyncJobEvent]) -> list[Attempt]:
    """The attempts that a log tells of, oldest first; of a former version's only those that failed are known."""
    attempts: list[Attempt] = []
    for event in events:
        data: Data = event.data if isinstance(event.data, dict) else {}
        if event.event == "attempt":
            if attempts and not attempts[-1].ended_at:
                # Its worker died, or was overtaken, before it could say anything.
                attempts[-1].ended_at = event.at
            attempts.append(Attempt(_count(data, "number"), event.at))
        elif event.event in {"will_retry", "exported", "succeeded", "failed", "cancelled"}:
            _end(attempts, event, data)
    return attempts


def _end(attempts: list[Attempt], event: SyncJobEvent, data: Data) -> None:
    if not attempts or attempts[-1].ended_at:
        if event.event == "cancelled":
            # Nobody was at work.
            return
        attempts.append(Attempt(len(attempts) + 1, None))
    last = attempts[-1]
    last.ended_at, last.event, last.code = event.at, event.event, _code(data)
    text = data.get("not_before")
    last.next_at = parse_datetime(text) if isinstance(text, str) else None
