"""Compare the staged accounts with a server's seats, and switch to them in set-based statements."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _

from connect.models import Server
from licensesync.models import Seat, SeatSource
from licensesync.seats.staging import COLUMNS, TABLE

SAMPLES: Final = 10
_SHRINK_ENTRIES: Final = 20
_SHRINK_PERCENT: Final = 20
_KEPT: Final = tuple(name for name in COLUMNS if name != "user_id")


class ShrinkNotAllowed(Exception):
    """The list would remove so many accounts that somebody has to say that it is meant."""

    def __init__(self, removed: int, held: int) -> None:
        self.removed = removed
        self.held = held
        super().__init__(
            _("The list would remove %(removed)d of %(held)d accounts; confirm that this is meant.")
            % {"removed": removed, "held": held}
        )


@dataclass(frozen=True)
class Sample:
    """One account that a change concerns."""

    user_id: int
    login: str


@dataclass(frozen=True, kw_only=True)
class SeatChange:
    """What a file changes, or changed: counts of accounts, and a few of them by name."""

    is_partial: bool
    held: int
    accounts: int
    added: int
    changed: int
    removed: int
    license_consuming_before: int
    license_consuming: int
    added_samples: tuple[Sample, ...] = field(default=())
    changed_samples: tuple[Sample, ...] = field(default=())
    removed_samples: tuple[Sample, ...] = field(default=())

    @property
    def needs_confirmation(self) -> bool:
        """Whether so much would go that it has to be allowed: over 20 % and over 20 accounts, or everybody."""
        return is_large_shrink(removed=self.removed, held=self.held) or (self.held > 0 and self.accounts == 0)

    @property
    def is_empty(self) -> bool:
        """Whether the file says what is held already."""
        return not (self.added or self.changed or self.removed)


def is_large_shrink(*, removed: int, held: int) -> bool:
    """Whether so many entries would go that a person has to confirm it, on either side of the line."""
    over_the_line = removed > _SHRINK_ENTRIES and removed * 100 > held * _SHRINK_PERCENT
    return over_the_line or (held > 0 and removed >= held)


def compare(server: Server, *, is_partial: bool) -> SeatChange:
    """Count what the staged accounts would change, without changing anything."""
    added, changed = (_count(sql, server) for sql in (_added(), _changed()))
    removed = 0 if is_partial else _count(_absent(), server)
    held, consuming_before = _held(server)
    staged, staged_consuming = _staged()
    kept_consuming = _count(f"{_absent()} AND s.is_license_consuming", server) if is_partial else 0
    return SeatChange(
        is_partial=is_partial,
        held=held,
        accounts=held + added if is_partial else staged,
        license_consuming_before=consuming_before,
        license_consuming=staged_consuming + kept_consuming,
        added=added,
        changed=changed,
        removed=removed,
        added_samples=_samples(_added(), server, added),
        changed_samples=_samples(_changed(), server, changed),
        removed_samples=_samples(_absent(), server, removed),
    )


def switch(server: Server, change: SeatChange) -> None:
    """Make the seats what was staged: only differences are written. The caller holds the transaction."""
    seats = Seat._meta.db_table
    columns = ", ".join(COLUMNS)
    assignments = ", ".join(f"{name} = t.{name}" for name in _KEPT)
    with connection.cursor() as cursor:
        if change.removed:
            cursor.execute(
                f"DELETE FROM {seats} WHERE server_id = %s AND NOT EXISTS "  # noqa: S608
                f"(SELECT 1 FROM {TABLE} t WHERE t.user_id = {seats}.user_id)",
                [server.pk],
            )
        if change.changed:
            cursor.execute(
                f"UPDATE {seats} SET {assignments} FROM {TABLE} t "  # noqa: S608
                f"WHERE {seats}.server_id = %s AND {seats}.user_id = t.user_id AND ({_differs(seats)})",
                [server.pk],
            )
        if change.added:
            listed = ", ".join(f"t.{name}" for name in COLUMNS)
            cursor.execute(
                f"INSERT INTO {seats} (server_id, {columns}) SELECT %s, {listed} FROM {TABLE} t "  # noqa: S608
                f"WHERE NOT EXISTS (SELECT 1 FROM {seats} s WHERE s.server_id = %s AND s.user_id = t.user_id) "
                "ORDER BY t.user_id",
                [server.pk, server.pk],
            )


def note_source(server: Server, *, kind: SeatSource.Kind, taken_at: datetime, at: datetime) -> SeatSource:
    """Remember where the seats come from, with totals counted from the seats themselves."""
    totals = Seat.objects.filter(server=server).aggregate(
        accounts=Count("pk"),
        license_consuming=Count("pk", filter=Q(is_license_consuming=True)),
        dormant=Count("pk", filter=Q(is_license_consuming=True, is_dormant=True)),
        suspended=Count("pk", filter=Q(is_suspended=True)),
    )
    values = {"kind": kind, "taken_at": taken_at, "imported_at": at, **totals}
    source, _is_new = SeatSource.objects.update_or_create(
        server=server, defaults={**values, "switches": F("switches") + 1}, create_defaults=values
    )
    return source


def _added() -> str:
    return (
        f"SELECT t.user_id, t.login FROM {TABLE} t WHERE NOT EXISTS "  # noqa: S608
        "(SELECT 1 FROM licensesync_seat s WHERE s.server_id = %s AND s.user_id = t.user_id)"
    )


def _changed() -> str:
    return (
        f"SELECT t.user_id, t.login FROM licensesync_seat s JOIN {TABLE} t ON s.user_id = t.user_id "  # noqa: S608
        f"WHERE s.server_id = %s AND ({_differs('s')})"
    )


def _absent() -> str:
    return (
        "SELECT s.user_id, s.login FROM licensesync_seat s WHERE s.server_id = %s "  # noqa: S608
        f"AND NOT EXISTS (SELECT 1 FROM {TABLE} t WHERE t.user_id = s.user_id)"
    )


def _differs(seats: str) -> str:
    """SQLite knows IS DISTINCT FROM only since 3.39; IS NOT means the same there."""
    distinct = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    return " OR ".join(f"{seats}.{name} {distinct} t.{name}" for name in _KEPT)


def _count(sql: str, server: Server) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({sql}) AS found", [server.pk])  # noqa: S608
        return int(cursor.fetchone()[0])


def _samples(sql: str, server: Server, count: int) -> tuple[Sample, ...]:
    if not count:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY 1 LIMIT {SAMPLES}", [server.pk])
        return tuple(Sample(*row) for row in cursor.fetchall())


def _held(server: Server) -> tuple[int, int]:
    totals = Seat.objects.filter(server=server).aggregate(
        held=Count("pk"), consuming=Count("pk", filter=Q(is_license_consuming=True))
    )
    return totals["held"], totals["consuming"]


def _staged() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*), COUNT(CASE WHEN is_license_consuming THEN 1 END) FROM {TABLE}")  # noqa: S608
        accounts, consuming = cursor.fetchone()
    return int(accounts), int(consuming)
