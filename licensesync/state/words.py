"""Why a connection is in its state, the next step, and what is true beside it: one sentence each."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils import formats, timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connect.models import Connection
from licensesync.failures import Failure, explain, way_to
from licensesync.models import SyncJob
from licensesync.state.codes import WORDS, WORKING, StateCode

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise

STALE_AFTER: Final = timedelta(days=8)
OLD_SEATS_AFTER: Final = timedelta(days=8)
"""Seats that were taken longer ago than this when they were synced are said to be old."""
_LATE: Final = timedelta(minutes=5)
"""The tick comes every minute: what has not begun after five has nobody to begin it."""


_TOLD_OF_OLD_SEATS: Final = frozenset(
    {StateCode.LICENSE_EXPIRED, StateCode.STALE, StateCode.FILE_ACCEPTED, StateCode.FILE_STALE}
)


@dataclass(frozen=True)
class Why:
    """One sentence, one next step, and where it is taken."""

    reason: "Text"
    next_step: "Text"
    place: str


def why_of(
    code: StateCode,
    connection: Connection,
    *,
    failure: Failure | None,
    active: SyncJob | None,
    success: SyncJob | None,
    next_run_at: datetime | None,
    at: datetime,
) -> Why:
    """Nobody at work is said before anything else that would wait for them."""
    words = WORDS[code]
    if failure is not None:
        return Why(failure.sentence, str(failure.next_step), failure.place)
    if code == StateCode.FIRST_SYNC_PENDING and not getattr(connection, "has_seats", True):
        explanation = explain("no_seats")
        return Why(str(explanation.sentence), str(explanation.next_step), explanation.place)
    if code in WORKING and _nobody_works(active, next_run_at, at):
        return Why(
            _("No worker has begun what is due for more than five minutes."),
            _("Check that the worker and the beat of this server are running."),
            "license",
        )
    if code == StateCode.PENDING and _is_over(connection, at):
        return Why(
            _("The 5 minutes for it are over. Nothing is connected and nothing was sent."),
            _("Enable GitHub Connect again."),
            words.place,
        )
    return Why(_reason(code, connection, success, at), words.next_step, words.place)


def _is_over(connection: Connection, at: datetime) -> bool:
    return connection.pending_until is None or connection.pending_until <= at


def _reason(code: StateCode, connection: Connection, success: SyncJob | None, at: datetime) -> str:
    match code:
        case StateCode.LICENSE_EXPIRED:
            return _expiry_sentence(expired_on(connection, at))
        case StateCode.SYNCED_OLD_SEATS:
            return _old_seats_sentence(success)
        case StateCode.STALE if success is not None and success.arrived_at is not None:
            days = (at - success.arrived_at).days
            return gettext("The last sync that arrived is %(days)d days old.") % {"days": days}
        case StateCode.FILE_STALE if success is not None and success.arrived_at is not None:
            days = (at - success.arrived_at).days
            return gettext("The last usage file was accepted %(days)d days ago.") % {"days": days}
    return ""


def remarks_of(
    code: StateCode,
    connection: Connection,
    failure: Failure | None,
    success: SyncJob | None,
    over_since: date | None,
    source_code: str | None,
) -> tuple["Text", ...]:
    """What is true beside the state: what this server does by itself, and what would be said if nothing were worse."""
    remarks: list[Text] = []
    if failure is not None:
        remarks = [text for text in (way_to(connection.cloud_url, failure.code), failure.remark) if text]
    if code != StateCode.LICENSE_EXPIRED and over_since is not None:
        remarks.append(_expiry_sentence(over_since))
    if code in _TOLD_OF_OLD_SEATS and had_old_seats(success):
        remarks.append(_old_seats_sentence(success))
    if source_code and (failure is None or failure.code != source_code):
        source = explain(source_code)
        remarks.append(
            gettext("The seats could not be refreshed. %(sentence)s %(next_step)s")
            % {"sentence": source.sentence, "next_step": source.next_step}
        )
    return tuple(remarks)


def _expiry_sentence(over_since: date | None) -> str:
    if over_since is None:
        return ""
    day = formats.date_format(over_since, "DATE_FORMAT")
    return gettext("The license expired on %(day)s; syncs work all the same.") % {"day": day}


def _old_seats_sentence(success: SyncJob | None) -> str:
    if success is None or success.taken_at is None or success.arrived_at is None:
        return ""
    days = (success.arrived_at - success.taken_at).days
    return gettext("The seats that arrived were %(days)d days old when they were synced.") % {"days": days}


def day_of(moment: datetime, beside: datetime) -> str:
    """A day in the reader's zone, with its year where that is another one."""
    local, other = timezone.localtime(moment), timezone.localtime(beside)
    return formats.date_format(local, "MONTH_DAY_FORMAT" if local.year == other.year else "DATE_FORMAT")


def _nobody_works(active: SyncJob | None, next_run_at: datetime | None, at: datetime) -> bool:
    if active is not None:
        free_since = active.lease_until or active.not_before or active.created_at
        return at - free_since > _LATE
    return next_run_at is not None and at - next_run_at > _LATE


def had_old_seats(success: SyncJob | None) -> bool:
    if success is None or success.taken_at is None or success.arrived_at is None:
        return False
    return success.arrived_at - success.taken_at > OLD_SEATS_AFTER


def expired_on(connection: Connection, at: datetime) -> date | None:
    """The last day of a license that is over; a day is one of UTC, so that every page and command says the same."""
    last: date | None = getattr(connection, "expires_on", None)
    return last if last is not None and last < at.astimezone(UTC).date() else None
