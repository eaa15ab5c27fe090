"""What needs the owner of a server: a sync that failed for good or is late, old seats, and a license at its end."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from django.utils import dateparse, formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connect.models import Connection
from enterprises.models import Notice
from enterprises.notices import Cause, Words, register
from licensesync.failures import explain
from licensesync.licenses import ExpiryLevel, expiry_of, use_of
from licensesync.models import License, SeatSource
from licensesync.state import OLD_SEATS_AFTER, STALE_AFTER, ConnectionState, StateCode, connection_states

_STAGES: Final = {
    ExpiryLevel.WITHIN_60_DAYS: 1,
    ExpiryLevel.WITHIN_30_DAYS: 2,
    ExpiryLevel.WITHIN_7_DAYS: 3,
    ExpiryLevel.EXPIRED: 4,
}
NEARLY_ALL: Final = 0.9
"""Of the seats that were bought: from here on owners are told."""


def current(at: datetime) -> Iterator[Cause]:
    """Everything that is so now, in five queries for all servers."""
    names = ("pk", "server", "server__enterprise", "server__hostname", "license_sync_enabled_at")
    rows = list(Connection.objects.values_list(*names))
    states = connection_states([pk for pk, *_rest in rows], at)
    licenses = {row.server_id: row for row in License.objects.all()}
    sources = {row.server_id: row for row in SeatSource.objects.all()}
    for pk, server, enterprise, hostname, enabled_at in rows:
        yield from _of_sync(states[pk], enterprise, hostname, enabled_at, at)
        yield from _of_license(licenses.get(server), sources.get(server), enterprise, hostname, at)


def _of_sync(
    state: ConnectionState, enterprise: int, hostname: str, enabled_at: datetime | None, at: datetime
) -> Iterator[Cause]:
    if state.code == StateCode.SYNC_OFF or (state.is_off_line and not state.is_by_file):
        return

    def cause(code: str, *, is_undecided: bool = False, **facts: Any) -> Cause:
        facts = {"hostname": hostname, **facts}
        return Cause(enterprise_id=enterprise, code=code, facts=facts, is_undecided=is_undecided)

    if state.is_by_file:
        if state.code == StateCode.FILE_STALE and state.last_success is not None:
            yield cause("no_usage_file", last_success=state.last_success.isoformat())
        return
    is_under_way = state.active is not None or state.retry_at is not None
    is_failed = state.code == StateCode.FAILED and not is_under_way
    if is_failed or is_under_way:
        yield cause("sync_failed", is_undecided=is_under_way, error_code=state.error_code)
    is_to_decide = state.code == StateCode.NEEDS_DECISION
    if is_to_decide or is_under_way:
        yield cause("needs_decision", is_undecided=not is_to_decide, error_code=state.error_code)
    since = state.last_success or enabled_at
    if since is not None and at - since > STALE_AFTER:
        yield cause("no_success", last_success=state.last_success.isoformat() if state.last_success else "")
    taken_at, success = state.seats_taken_at, state.last_success
    if taken_at is not None and success is not None and success - taken_at > OLD_SEATS_AFTER:
        yield cause("old_seats", taken_at=taken_at.isoformat())


def _of_license(
    held: License | None, source: SeatSource | None, enterprise: int, hostname: str, at: datetime
) -> Iterator[Cause]:
    expiry = expiry_of(held, at)
    if expiry.expires_on is not None and expiry.level in _STAGES:
        facts = {"hostname": hostname, "expires_on": expiry.expires_on.isoformat()}
        yield Cause(enterprise_id=enterprise, code="license_ends", stage=_STAGES[expiry.level], facts=facts)
    use = use_of(held, source)
    if use.total and use.used >= NEARLY_ALL * use.total:
        numbers = {"hostname": hostname, "used": use.used, "total": use.total}
        yield Cause(enterprise_id=enterprise, code="seats_used", stage=1 + (use.used >= use.total), facts=numbers)


def _day(text: str) -> str:
    moment = dateparse.parse_datetime(text)
    return formats.date_format(timezone.localtime(moment), "DATE_FORMAT") if moment else ""


def _sync_failed(notice: Notice) -> Words:
    why = explain(notice.facts["error_code"])
    title = _("The license sync of %(hostname)s failed and needs you") % notice.facts
    return Words(title=title, text=str(why.sentence), next_step=str(why.next_step), view_name=_view(why.place))


def _needs_decision(notice: Notice) -> Words:
    why = explain(notice.facts["error_code"])
    title = _("The license sync of %(hostname)s waits for your decision") % notice.facts
    return Words(title=title, text=str(why.sentence), next_step=str(why.next_step), view_name=_view(why.place))


def _no_success(notice: Notice) -> Words:
    last = _day(notice.facts["last_success"])
    text = (
        _("The last license sync that succeeded was on %(day)s. It should have been weekly.") % {"day": last}
        if last
        else _("License sync has been enabled for more than 8 days, and none has succeeded yet.")
    )
    return Words(
        title=_("%(hostname)s has had no successful license sync for more than 8 days") % notice.facts,
        text=text,
        next_step=_("Open the page below: it says why, and what to do."),
        view_name="licensesync:license",
    )


def _no_usage_file(notice: Notice) -> Words:
    text = _("The cloud accepted the last usage file on %(day)s. Whoever came or left since is not counted rightly.")
    return Words(
        title=_("The cloud has accepted no usage file of %(hostname)s for more than 8 days") % notice.facts,
        text=text % {"day": _day(notice.facts["last_success"])},
        next_step=_("Export license usage on the page below, hand the file over, and bring back its receipt."),
        view_name="licensesync:usage_file",
    )


def _old_seats(notice: Notice) -> Words:
    return Words(
        title=_("%(hostname)s synced seats that were more than 8 days old") % notice.facts,
        text=_("The seats that were synced are of %(day)s. Whoever came or left since is not counted rightly.")
        % {"day": _day(notice.facts["taken_at"])},
        next_step=_("Import a newer list of this server's accounts, or look why they are not refreshed by themselves."),
        view_name="licensesync:seats",
    )


def _license_ends(notice: Notice) -> Words:
    day = formats.date_format(date.fromisoformat(notice.facts["expires_on"]), "DATE_FORMAT")
    facts = {**notice.facts, "day": day, "days": {1: 60, 2: 30, 3: 7}.get(notice.stage, 0)}
    if notice.stage < _STAGES[ExpiryLevel.EXPIRED]:
        title = _("The license of %(hostname)s expires within %(days)s days") % facts
        text = _("It expires on %(day)s.") % facts
    else:
        title = _("The license of %(hostname)s has expired") % facts
        text = _("It expired on %(day)s. Nobody is locked out, and syncs go on.") % facts
    step = _("Renew it, and see that the License page knows the new date.")
    return Words(title=title, text=text, next_step=step, view_name="licensesync:license")


def _seats_used(notice: Notice) -> Words:
    facts = notice.facts
    numbers = {name: formats.number_format(facts[name], force_grouping=True) for name in ("used", "total")}
    title = (
        _("90 %% of the seats of %(hostname)s are used")
        if notice.stage == 1
        else _("All seats of %(hostname)s are used")
    )
    text = ngettext("%(used)s of %(total)s seat is used.", "%(used)s of %(total)s seats are used.", facts["total"])
    return Words(
        title=title % facts,
        text=text % numbers,
        next_step=_("Buy more licenses, or suspend users who are dormant. Nobody is locked out."),
        view_name="licensesync:license",
    )


def _view(place: str) -> str:
    return f"licensesync:{place}"


def announce() -> None:
    """Tell how each cause is said; called once when the apps are ready."""
    register(
        {
            "sync_failed": _sync_failed,
            "needs_decision": _needs_decision,
            "no_success": _no_success,
            "no_usage_file": _no_usage_file,
            "old_seats": _old_seats,
            "license_ends": _license_ends,
            "seats_used": _seats_used,
        }
    )
