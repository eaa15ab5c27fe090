"""What a check of the doctor is, and where `config` says how the database, the broker and the keys are."""

from __future__ import annotations

import enum
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from enterprises.secrets import WrongEncryptionKey

logger = logging.getLogger(__name__)


class Status(enum.StrEnum):
    """How a check came out, in the words of the command."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


_LABELS = {
    Status.OK: (gettext_lazy("OK"), "success"),
    Status.WARNING: (gettext_lazy("Warning"), "attention"),
    Status.FAILED: (gettext_lazy("Failed"), "danger"),
    Status.NOT_APPLICABLE: (gettext_lazy("Not applicable"), "neutral"),
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding: whom it is `about`, one plain sentence of what was seen, and one next step where one is to take."""

    about: str
    name: str
    status: Status
    seen: str
    next_step: str = ""

    @property
    def label(self) -> str:
        return str(_LABELS[self.status][0])

    @property
    def tone(self) -> str:
        return _LABELS[self.status][1]

    def as_json(self) -> dict[str, str]:
        names = ("about", "name", "status", "seen", "next_step")
        return {name: str(getattr(self, name)) for name in names}


Checks = Iterable[Check]
LATE: Final = timedelta(minutes=5)
_local: list[Callable[[], Checks]] = []


def register(local: Callable[[], Checks]) -> None:
    """Called once, when the apps are ready, by `config`, which alone knows all parts of this console."""
    _local[:] = [local]


def local_checks() -> list[Check]:
    """Database, migrations, broker, keys, disk: of whatever side."""
    return [check for run in _local for check in guarded(this_console(), run)]


def this_console() -> str:
    return _("This console")


def guarded(about: str, run: Callable[[], Checks], found: list[Check] | None = None) -> list[Check]:
    """The findings of `run`; a check that breaks is a finding too, and keeps those before it."""
    found = [] if found is None else found
    try:
        for check in run():
            found.append(check)
    except (DatabaseError, WrongEncryptionKey) as error:
        # Said in full by the checks of the database, the migrations and the keys.
        logger.warning("A check of the doctor could not read the database.", extra={"error": type(error).__name__})
        found.append(_broken(about))
    except Exception:
        logger.exception("A check of the doctor broke.")
        found.append(_broken(about))
    return found


def _broken(about: str) -> Check:
    return Check(
        about=about,
        name=_("Doctor"),
        status=Status.FAILED,
        seen=_("The rest could not be checked: the check itself broke."),
        next_step=_("Look into the log of this process for the reason, and solve what failed above first."),
    )


def side_by_side(jobs: Mapping[str, Callable[[], Checks]], *, seconds: float) -> list[Check]:
    """Run one job per subject at the same time; what has not ended after `seconds` says so, with what it found.

    The threads are daemons: a name server that never answers holds up neither a page nor the end of a command. They
    must not ask the database.
    """
    found: dict[str, list[Check]] = {about: [] for about in jobs}
    threads = {about: _started(about, run, found[about]) for about, run in jobs.items()}
    until = time.monotonic() + seconds
    results: list[Check] = []
    for about, thread in threads.items():
        thread.join(max(0.0, until - time.monotonic()))
        late = thread.is_alive()
        results += [*found[about], *([_late(about, seconds)] if late else [])]
    return results


def _started(about: str, run: Callable[[], Checks], found: list[Check]) -> threading.Thread:
    # A thread begins in the default language.
    language = translation.get_language() or settings.LANGUAGE_CODE

    def collect() -> None:
        with translation.override(language):
            guarded(about, run, found)

    # What it logs belongs to the request that asked for it.
    thread = threading.Thread(target=copy_context().run, args=(collect,), daemon=True, name="doctor")
    thread.start()
    return thread


def _late(about: str, seconds: float) -> Check:
    return Check(
        about=about,
        name=_("Time"),
        status=Status.FAILED,
        seen=_("The rest was not answered within %(seconds)d seconds.") % {"seconds": seconds},
        next_step=_("Ask whoever runs the network whether a firewall drops what this console sends."),
    )


def by_subject(checks: Checks) -> list[tuple[str, list[Check]]]:
    """Grouped for a page, each subject where it comes up first."""
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.about, []).append(check)
    return list(groups.items())


def address_of_request(host: str, *, is_secure: bool) -> Check:
    """Whether a browser reaches this console where BASE_URL says that it is; a proxy may hide the difference."""
    came_to = f"{'https' if is_secure else 'http'}://{host}"
    fits = came_to.lower() == settings.BASE_URL.lower()
    seen = _("This page was asked for at %(url)s; BASE_URL is %(base)s.") % {"url": came_to, "base": settings.BASE_URL}
    step = _("Set BASE_URL to what browsers use, and have the proxy pass host and scheme on (TRUSTED_PROXIES).")
    return Check(
        about=this_console(),
        name=_("Address of this page"),
        status=Status.OK if fits else Status.WARNING,
        seen=seen,
        next_step="" if fits else step,
    )


def with_reason(state: object, reason: str) -> str:
    """A state as a sentence, with its reason where there is one."""
    return _("%(state)s: %(reason)s") % {"state": state, "reason": reason} if reason else f"{state}."


def work_check(*, is_late: bool, next_step: str) -> Check:
    """A worker leaves no other trace that is true on every machine: what is due begins within `LATE`, or not."""
    seen = _("Nothing that is due has waited for more than five minutes.")
    if is_late:
        seen = _("No worker has begun what is due for more than five minutes.")
    return Check(
        about=this_console(),
        name=_("Worker"),
        status=Status.FAILED if is_late else Status.OK,
        seen=seen,
        next_step=next_step if is_late else "",
    )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What all checks together say, in one sentence, and its color."""

    text: str
    tone: str


def summary(checks: Checks) -> Summary:
    """How many are wrong, and which one to begin with: the first that failed, or else that warns."""
    found = list(checks)
    wrong = [check for check in found if check.status == Status.FAILED]
    if wrong:
        text = ngettext("%(wrong)d of %(all)d checks failed.", "%(wrong)d of %(all)d checks failed.", len(wrong))
    else:
        wrong = [check for check in found if check.status == Status.WARNING]
        text = ngettext("%(wrong)d of %(all)d checks warns.", "%(wrong)d of %(all)d checks warn.", len(wrong))
    if not wrong:
        done = sum(check.status == Status.OK for check in found)
        text = ngettext("%(all)d check, and nothing wrong.", "%(all)d checks, and nothing wrong.", done)
        return Summary(text=text % {"all": done}, tone="success")
    begin = _("Begin with “%(name)s” of %(about)s.") % {"name": wrong[0].name, "about": wrong[0].about}
    return Summary(text=text % {"wrong": len(wrong), "all": len(found)} + f" {begin}", tone=wrong[0].tone)


def has_failed(checks: Checks) -> bool:
    return any(check.status == Status.FAILED for check in checks)


def as_json(checks: Checks) -> str:
    found = list(checks)
    answer: dict[str, Any] = {
        "failed": has_failed(found),
        "summary": summary(found).text,
        "checks": [check.as_json() for check in found],
    }
    return json.dumps(answer)
