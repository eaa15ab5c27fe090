"""What became of a job, in words: one table of every code that a job can end or wait with.

A code is transient or not, has one plain sentence, one next step and the page where that is taken. A transient failure
is tried again for about a day, with growing pauses; any other one stops until somebody does something.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from connect import failures
from connect.failures import Explanation, Place, Unavailable
from enterprises.outbound_peers import proxy_for
from licensesync.failures.sources import OF_SOURCES
from licensesync.models import SyncJob
from wire.messages import ErrorCode

_WAIT: Final = _("Try again in a moment.")

ENDINGS: Final[dict[str, Explanation]] = {
    "not_connected": Explanation(
        _("GitHub Connect was disabled before the sync was done."), _("Enable GitHub Connect."), place=Place.CONNECTION
    ),
    "sync_disabled": Explanation(
        _("License sync was disabled before the sync was done."),
        _("Set license sync to Enabled again."),
        place=Place.CONNECTION,
    ),
    "cancelled_by_person": Explanation(
        _("Somebody cancelled this sync; the audit log says who."), _("Press Sync now to sync again.")
    ),
    "preview_overtaken": Explanation(
        _("A sync was asked for before the preview was done."), _("Ask for the preview again after the sync.")
    ),
}
"""How a job ends without having failed: somebody wanted it so."""

EXPLANATIONS: Final[dict[str, Explanation]] = {
    "no_seats": Explanation(
        _("No seats have been imported yet, so there is nothing to sync."),
        _("Import the seats of this server."),
        place=Place.SEATS,
    ),
    "base_changed": Explanation(
        _("The connection was made anew while the sync was under way."), _WAIT, is_transient=True
    ),
    "expired": Explanation(
        _("The cloud ended this sync early: its rest took too long, or a copy of this server began another sync."),
        _("Make sure that this server runs only once, then try again."),
        is_transient=True,
    ),
    "unfinished": Explanation(_("The cloud did not come to an end."), _WAIT, is_transient=True),
    "still_applying": Explanation(
        _("The cloud has not finished applying this sync for more than an hour."),
        _("Ask the cloud's owners whether its workers are running, then try again."),
        is_transient=True,
    ),
    "declared_copy": Explanation(
        _("This server was called a copy of another: the file was the original's."),
        _("Export a new one."),
        place=Place.LICENSE,
    ),
    "disk_full": Explanation(
        _("This server ran out of disk space."),
        _("Free space on the disk of the database and of the data directory, then try again."),
        is_transient=True,
        place=Place.DOCTOR,
    ),
    "database_unreachable": Explanation(
        _("The database of this server was busy or could not be reached."),
        _("Check that the database runs, then try again."),
        is_transient=True,
        place=Place.DOCTOR,
    ),
    "internal_error": Explanation(
        _("Something went wrong on this server."),
        _("Look into the log of the worker at the time of the attempt, then try again."),
        is_transient=True,
        place=Place.DOCTOR,
    ),
    **OF_SOURCES,
}
"""What fails on this side of the line; what fails on the line is in `connect.failures`."""

DECISIONS: Final = frozenset({ErrorCode.REVISION_CONFLICT, ErrorCode.HOSTNAME_CHANGED, ErrorCode.SHRINK_UNCONFIRMED})
"""What the cloud refused until an owner says what is meant."""

_ON_THE_WAY: Final = frozenset(Unavailable) - {Unavailable.RATE_LIMITED, Unavailable.BUSY}


def all_failures() -> dict[str, Explanation]:
    """Return the whole table by code: first the line, then this side. Endings that somebody wanted are not in it."""
    return {str(code): found for code, found in (failures.EXPLANATIONS | EXPLANATIONS).items() if code not in ENDINGS}


def explain(code: str) -> Explanation:
    """Return what is known of a job's ``error_code``; an unknown one is explained too."""
    return ENDINGS.get(code) or EXPLANATIONS.get(code) or failures.explain(code)


@dataclass(frozen=True)
class Failure:
    """What one job's last attempt came to. ``has_given_up``: it might have passed, but did not within a day."""

    code: str
    sentence: str
    next_step: str | Promise
    is_transient: bool
    place: Place
    has_given_up: bool

    @property
    def needs_decision(self) -> bool:
        """Whether the job waits for an owner to say what is meant."""
        return self.code in DECISIONS

    @property
    def is_over_by_a_step(self) -> bool:
        """Whether trying again is in vain before the next step was taken."""
        return self.needs_decision or (not self.is_transient and self.place != Place.LICENSE)

    @property
    def remark(self) -> str:
        """What this server does about it by itself."""
        if self.has_given_up:
            return gettext("This server tried for about a day, then gave up. The next weekly run tries again.")
        if self.is_transient and self.code in OF_SOURCES:
            return gettext(
                "This server tries again by itself: three times, and then it syncs the seats that it has; for about a "
                "day where it has none."
            )
        if self.is_transient:
            return gettext("This server tries again by itself, for about a day.")
        return ""


def way_to(cloud_url: str, code: str) -> str:
    """Return where the cloud was looked for and on which way, where an attempt failed on it; else nothing.

    A proxy is named without its user and password.
    """
    if code not in _ON_THE_WAY:
        return ""
    names = {"cloud": urlsplit(cloud_url).netloc, "proxy": urlsplit(proxy_for(cloud_url)).netloc.rpartition("@")[2]}
    if names["proxy"]:
        return gettext("The cloud is %(cloud)s, reached through the proxy %(proxy)s of HTTPS_PROXY.") % names
    return gettext("The cloud is %(cloud)s, reached directly, without a proxy.") % names


def failure_of(job: SyncJob) -> Failure | None:
    """Return why a job failed, or waits to be tried again; None for any other."""
    has_failed = job.state == SyncJob.State.FAILED
    if not has_failed and not job.is_waiting_to_retry:
        return None
    found = explain(job.error_code)
    sentence = _with_skew(job.error) if job.error_code == ErrorCode.CLOCK_SKEW else ""
    return Failure(
        code=job.error_code,
        sentence=sentence or str(found.sentence),
        next_step=found.next_step,
        is_transient=found.is_transient,
        place=found.place,
        has_given_up=has_failed and found.is_transient,
    )


def _with_skew(seconds: str) -> str:
    """The sentence with how far the clocks are apart, as far as the attempt wrote that down."""
    try:
        ahead = timedelta(seconds=int(seconds))
    except (ValueError, OverflowError):
        return ""
    minutes = max(1, round(abs(ahead) / timedelta(minutes=1)))
    amount = ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    if minutes >= 2 * 24 * 60:
        days = round(minutes / (24 * 60))
        amount = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    elif minutes >= 2 * 60:
        hours = round(minutes / 60)
        amount = ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    if ahead > timedelta():
        return gettext("The clock of this server is %(amount)s ahead of the cloud's.") % {"amount": amount}
    return gettext("The clock of this server is %(amount)s behind the cloud's.") % {"amount": amount}
