"""A statement as a PDF in the language of whoever asks: made of the signed JSON, which it holds as an attachment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec
from django.utils import translation
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from cloud.models import Channel, Installation
from cloud.statements.paper import ACCENT, BARS, DANGER, INK, LINE, MARGIN, MUTED, SHADE, WIDTH, Column, Paper
from cloud.statements.reading import file_name, json_file, read_statement, signing_fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud.models import Statement
    from cloud.statements.paper import Color
    from wire.statements import StatedDay, StatedEnd, StatedServer
    from wire.statements import Statement as Signed

_CHART_HEIGHT: Final = 34.0
_SERVER: Final[tuple[Column, ...]] = (
    *((50, "left"), (22, "left"), (24, "left"), (18, "right")),
    *((22, "right"), (38, "right")),
)
_DAY: Final[tuple[Column, ...]] = ((34, "left"), (35, "right"), (35, "right"), (35, "right"), (35, "right"))


def pdf_file(statement: Statement) -> bytes:
    """Return the file; the same bytes for the same statement and language."""
    said = read_statement(statement)
    title = _("License statement of %(account)s") % {"account": said.account.name}
    paper = Paper(title=title, foot=_foot(said), language=translation.get_language() or "en", at=said.made_at)
    _write_title(paper, said)
    _write_totals(paper, said)
    _write_history(paper, said)
    _write_servers(paper, said)
    _write_days(paper, said)
    _write_proof(paper, statement)
    paper.embed_file(
        bytes=json_file(statement),
        basename=file_name(statement, "json"),
        mime_type="application/json",
        creation_date=said.made_at,
        modification_date=said.made_at,
        desc=_("The signed statement"),
        compress=True,
    )
    return bytes(paper.output())


def _write_title(paper: Paper, said: Signed) -> None:
    paper.write_in(8.5, MUTED)
    paper.put(WIDTH, 5, _("License statement"))
    paper.ln(6)
    paper.write_in(20, bold=True)
    paper.put(WIDTH, 9, said.account.name)
    paper.ln(10)
    paper.write_in(11)
    paper.put(WIDTH, 6, _period(said))
    paper.ln(7)
    kind = _("organization") if said.account.kind == "organization" else _("enterprise")
    facts = {
        "slug": said.account.slug,
        "kind": kind,
        "at": _moment(said.made_at),
        "revision": _number(said.revision),
        "rules": _number(said.rules),
    }
    paper.text_below(
        _("%(slug)s (%(kind)s). Made on %(at)s, at revision %(revision)s of the books, rules version %(rules)s.")
        % facts
    )
    paper.ln(3)


def _write_totals(paper: Paper, said: Signed) -> None:
    count = said.month_end or said
    if said.month_end:
        end = {"day": _day(said.month_end.counted_on), "peak": _number(said.month_end.peak)}
        paper.text_below(_("At the end of the month, as last counted on %(day)s. Highest count: %(peak)s.") % end)
        paper.ln(2)
    is_over = count.available < 0
    tiles = (
        (_("Purchased"), count.purchased, INK),
        (_("Consumed"), count.consumed, INK),
        (_("Over"), -count.available, DANGER) if is_over else (_("Available"), count.available, INK),
        (_("Counted apart"), count.counted_apart, INK),
        (_("Saved"), count.saved, ACCENT),
    )
    _write_tiles(paper, tiles)
    if said.month_end:
        _write_difference(paper, said, said.month_end)
    _write_parts(paper, said)


def _write_tiles(paper: Paper, tiles: Sequence[tuple[str, int, Color]]) -> None:
    top, wide = paper.get_y(), (WIDTH - 4 * 3) / 5
    for place, (name, number, color) in enumerate(tiles):
        left = MARGIN + place * (wide + 3)
        paper.set_fill_color(*SHADE)
        paper.set_draw_color(*LINE)
        paper.rect(left, top, wide, 19, style="DF", round_corners=True, corner_radius=1.5)
        paper.set_xy(left + 1, top + 2.5)
        paper.write_in(7.5, MUTED)
        paper.put(wide - 2, 4, name)
        paper.set_xy(left + 1, top + 8)
        paper.write_in(15, color, bold=True)
        paper.put(wide - 2, 8, _number(number))
    paper.set_xy(MARGIN, top + 22)


def _write_parts(paper: Paper, said: Signed) -> None:
    parts = {
        "apart": _number(said.counted_apart),
        "cloud": _number(said.cloud_licenses),
        "servers": _number(said.server_accounts),
        "listed": _number(said.listed),
        "members": _number(said.members),
    }
    text = _(
        "When this was made, counted apart were %(apart)s: %(cloud)s on the cloud and %(servers)s accounts of "
        "servers. "
        "%(listed)s people are listed; the list of members holds %(members)s."
    )
    paper.text_below(text % parts)
    if said.members_imported_at:
        paper.text_below(_("Members were imported on %(at)s.") % {"at": _moment(said.members_imported_at)})


def _write_difference(paper: Paper, said: Signed, end: StatedEnd) -> None:
    """Say where the books had changed between the end of the month and the moment at which it was stated."""
    names = ("purchased", "consumed", "counted_apart")
    if all(getattr(said, name) == getattr(end, name) for name in names):
        return
    facts = {
        "at": _moment(said.made_at),
        "consumed": _number(said.consumed),
        "purchased": _number(said.purchased),
        "apart": _number(said.counted_apart),
    }
    text = _(
        "The books have changed since the end of the month: when this was made, on %(at)s, they said %(consumed)s "
        "consumed, %(purchased)s purchased, %(apart)s counted apart. The servers below are as of then."
    )
    paper.text_below(text % facts)


def _write_history(paper: Paper, said: Signed) -> None:
    """Draw the highest count of each day as a bar, and what was purchased as a line above or across."""
    if not said.before and len(said.days) < 2:
        return
    paper.heading(_("Licenses by day"))
    days = _every_day(said)
    most = max(max(day.peak, day.purchased) for day in days) or 1
    top, wide = paper.get_y(), WIDTH / len(days)
    bottom = top + _CHART_HEIGHT
    for place, day in enumerate(days):
        high = _CHART_HEIGHT * day.peak / most
        paper.set_fill_color(*(DANGER if day.peak > day.purchased else BARS))
        paper.rect(MARGIN + place * wide + wide * 0.15, bottom - high, wide * 0.7, high, style="F")
    paper.set_draw_color(*INK)
    for place, day in enumerate(days):
        level = bottom - _CHART_HEIGHT * day.purchased / most
        paper.line(MARGIN + place * wide, level, MARGIN + (place + 1) * wide, level)
    paper.set_xy(MARGIN, bottom)
    paper.rule()
    paper.write_in(7, MUTED)
    paper.put(WIDTH / 2, 4, _day(days[0].day))
    paper.put(WIDTH / 2, 4, _day(days[-1].day), right=True)
    paper.ln(5)
    peak = max(day.peak for day in days)
    paper.text_below(
        _("Bars: the highest count of each day, at most %(peak)s. Line: purchased licenses.") % {"peak": _number(peak)},
        7.5,
    )


def _write_servers(paper: Paper, said: Signed) -> None:
    paper.heading(_("Enterprise Server instances"))
    if not said.servers:
        paper.text_below(_("No server is connected."))
        return
    names = (
        *(_("Server"), _("State"), _("Came by"), _("Revision"), _("Accounts")),
        _("Licenses only it adds"),
    )
    paper.head(_SERVER, names)
    for server in said.servers:
        if paper.will_page_break(16):
            paper.add_page()
            paper.head(_SERVER, names)
        _write_server(paper, server)


def _write_server(paper: Paper, server: StatedServer) -> None:
    state = dict(Installation.State.choices).get(server.state, server.state)
    channel = dict(Channel.choices).get(server.channel, server.channel) if server.revision else "–"
    numbers = (_number(server.revision), _number(server.accounts), _number(server.added_licenses))
    paper.row(_SERVER, (server.hostname, str(state), str(channel), *numbers))
    paper.write_in(7, MUTED)
    if server.taken_at and server.synced_at:
        times = {"taken": _moment(server.taken_at), "synced": _moment(server.synced_at)}
        paper.put(WIDTH, 3.6, _("Seats of %(taken)s, applied %(synced)s") % times)
        paper.ln(3.6)
        paper.put(WIDTH, 3.6, f"SHA-256 {server.sha256}")
    else:
        paper.put(WIDTH, 3.6, _("Never synced"))
    paper.ln(5)
    paper.rule()
    paper.ln(1)


def _write_days(paper: Paper, said: Signed) -> None:
    paper.heading(_("Days on which something was counted"))
    if not said.days:
        paper.text_below(_("Nothing was counted in this time; the numbers are those of before."))
        return
    names = (_("Day (UTC)"), _("Last count"), _("Highest count"), _("Counted apart"), _("Purchased"))
    paper.head(_DAY, names)
    for day in said.days:
        if paper.will_page_break(4.6):
            paper.add_page()
            paper.head(_DAY, names)
        numbers = (day.consumed, day.peak, day.counted_apart, day.purchased)
        paper.row(_DAY, (_day(day.day), *map(_number, numbers)), height=4.6)


def _write_proof(paper: Paper, statement: Statement) -> None:
    paper.heading(_("How to check this statement"))
    name = {"file": file_name(statement, "json"), "program": "verify_statement.py"}
    paper.text_below(
        _(
            "This paper repeats the signed file %(file)s, which is attached to it with the receipt of each server. "
            "%(program)s, a page of code, checks that file anywhere, without a network."
        )
        % name
    )
    paper.ln(1.5)
    paper.text_below(_("Signed with the key %(kid)s, whose fingerprint is") % {"kid": statement.kid})
    paper.text_below(signing_fingerprint(statement), 8, INK)


def _foot(said: Signed) -> str:
    facts = {"slug": said.account.slug, "period": _period(said), "revision": _number(said.revision)}
    return _("License statement of %(slug)s, %(period)s, revision %(revision)s") % facts


def _period(said: Signed) -> str:
    if said.kind == "month":
        return date_format(said.first_day, "YEAR_MONTH_FORMAT")
    days = {"first": _day(said.first_day), "last": _day(said.last_day)}
    return pgettext("period", "%(first)s to %(last)s") % days


def _every_day(said: Signed) -> list[StatedDay]:
    """The days of the period, from the first count on, each with what held on it."""
    counted, days = {day.day: day for day in said.days}, []
    last, first = (said.before, said.first_day) if said.before else (said.days[0], said.days[0].day)
    for number in range((said.last_day - first).days + 1):
        when = first + timedelta(days=number)
        last = counted.get(when) or msgspec.structs.replace(last, day=when, peak=last.consumed)
        days.append(last)
    return days


def _number(number: int) -> str:
    return str(number_format(number, force_grouping=True))


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _moment(at: datetime) -> str:
    return f"{date_format(at.astimezone(UTC), 'DATETIME_FORMAT')} UTC"
