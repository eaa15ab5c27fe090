"""Import a server's seats from a file, all or nothing, or say what an import would change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from connect.models import Server
from licensesync.locks import hold
from licensesync.models import SeatSource
from licensesync.seats.changes import SeatChange, ShrinkNotAllowed, compare, note_source, switch
from licensesync.seats.reading import Stream, read_seats
from licensesync.seats.rows import SeatsInvalid
from licensesync.seats.staging import Progress, staged

_CLOCKS_DIFFER = timedelta(minutes=5)
# The cloud takes no list that is older: somebody typed half a year.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def import_file(
    *,
    server: Server,
    stream: Stream,
    file_format: str | None,
    at: datetime,
    taken_at: datetime | None,
    is_partial: bool,
    allow_shrink: bool,
    after_switch: Callable[[SeatChange], object],
    kind: SeatSource.Kind = SeatSource.Kind.IMPORT,
    progress: Progress | None = None,
) -> SeatChange:
    """Stage the file, then compare and switch under the server's lock in one short transaction.

    ``after_switch`` is called inside that transaction.

    :raises SeatsInvalid: a line that is no good; nothing was changed
    :raises ShrinkNotAllowed: it would remove too many; nothing was changed
    """
    _refuse_time(taken_at, at)
    with staged(read_seats(stream, file_format), progress), transaction.atomic():
        hold(server)
        change = compare(server, is_partial=is_partial)
        _refuse(change, allow_shrink=allow_shrink)
        switch(server, change)
        moment = taken_at or _taken_at(server, at, is_partial=is_partial)
        note_source(server, kind=kind, taken_at=moment, at=at)
        after_switch(change)
    return change


def preview_file(
    *, server: Server, stream: Stream, file_format: str | None, is_partial: bool, progress: Progress | None = None
) -> SeatChange:
    """Say what importing the file would change: the same path without the switch.

    :raises SeatsInvalid: a line that is no good
    """
    with staged(read_seats(stream, file_format), progress):
        change = compare(server, is_partial=is_partial)
    _refuse_nobody(change)
    return change


def _refuse_time(taken_at: datetime | None, at: datetime) -> None:
    if taken_at is not None and taken_at > at + _CLOCKS_DIFFER:
        raise SeatsInvalid(0, _("The time at which the list was taken lies in the future."))
    if taken_at is not None and taken_at < EARLIEST:
        raise SeatsInvalid(0, _("The time at which the list was taken lies before the year 2000."))


def _refuse(change: SeatChange, *, allow_shrink: bool) -> None:
    _refuse_nobody(change)
    if change.needs_confirmation and not allow_shrink:
        raise ShrinkNotAllowed(change.removed, change.held)


def _refuse_nobody(change: SeatChange) -> None:
    if change.accounts == 0 and change.held == 0:
        raise SeatsInvalid(0, _("The file lists no account."))


def _taken_at(server: Server, at: datetime, *, is_partial: bool) -> datetime:
    """A partial file does not make the rest of the list younger."""
    if is_partial and (held := SeatSource.objects.filter(server=server).values_list("taken_at", flat=True).first()):
        return held
    return at
