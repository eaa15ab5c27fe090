"""Bring staged members into the books: differences only, then new keys and a new count."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from cloud import consumption, matching
from cloud.changes import PeopleDifference
from cloud.guards import is_alarming_shrink
from cloud.members import tables
from cloud.members.reading import MembersInvalid
from cloud.members.rows import MemberRow
from cloud.models import Ledger, Revision
from cloud.staging import Pieces, analyze, execute, fetch_row, fetch_rows, temporary_table

SAMPLES: Final = 10


class ShrinkNotAllowed(ValueError):
    """An import would remove so many members that somebody has to confirm it."""

    def __init__(self, removed: int, held: int) -> None:
        """Keep both for those who show them."""
        self.removed = removed
        self.held = held
        super().__init__(
            _("This would remove %(removed)s of %(held)s members; confirm that the list is complete.")
            % {"removed": removed, "held": held}
        )


_WORKING_TABLES: Final = (
    tables.ALTERED,
    (matching.ADDRESSES, matching.ADDRESSES_COLUMNS, "value"),
    (matching.LINKS, matching.LINKS_COLUMNS, "hostname, user_id"),
)


@dataclass(frozen=True, kw_only=True)
class MemberChange:
    """What an import changes; the samples are the first logins of each kind.

    ``needs_confirmation`` is set on a preview where the import asks for ``allow_shrink``.
    """

    members: int
    added: int
    changed: int
    removed: int
    licenses_before: int
    licenses_after: int
    revision: int
    needs_confirmation: bool = False
    added_sample: tuple[str, ...] = ()
    changed_sample: tuple[str, ...] = ()
    removed_sample: tuple[str, ...] = ()


@contextmanager
def staged_members(rows: Iterable[MemberRow]) -> Iterator[None]:
    """Hold the rows in temporary tables for the length of the block; nothing else is touched yet."""
    with ExitStack() as stack:
        for table in tables.STAGED:
            stack.enter_context(temporary_table(table.name, table.columns, key=table.key))
        pieces = {table.name: Pieces(table.name, table.columns) for table in tables.STAGED}
        for ordinal, row in enumerate(rows, start=1):
            for table, record in tables.records(ordinal, row):
                pieces[table.name].add(record)
        for table in tables.STAGED:
            pieces[table.name].finish()
            analyze(table.name)
        yield


def staged_numbers() -> set[int]:
    """The numbers of the staged members, once `apply_members` has numbered them."""
    return {number for (number,) in fetch_rows("SELECT number FROM incoming_member")}


def apply_members(
    ledger: Ledger, *, at: datetime, partial: bool, allow_shrink: bool, is_preview: bool = False
) -> MemberChange:
    """Bring the staged members into the books, under the ledger's lock.

    Steps: number them; find what differs; ask before many go; note whose addresses and links move;
    write; give the accounts concerned their new keys; count the people concerned.

    :raises MembersInvalid: a login that another member keeps.
    :raises ShrinkNotAllowed: not for a preview, which says ``needs_confirmation`` instead.
    """
    with ExitStack() as stack:
        stack.enter_context(matching.working_tables())
        for name, columns, key in _WORKING_TABLES:
            stack.enter_context(temporary_table(name, columns, key=key))
        tables.number_members(ledger.pk)
        if partial:
            _refuse_taken_logins(ledger)
        held = _count_members(ledger)
        added, changed, removed = tables.find_altered(ledger.pk, partial=partial)
        is_alarming = not allow_shrink and is_alarming_shrink(removed=removed, held=held)
        if is_alarming and not is_preview:
            raise ShrinkNotAllowed(removed, held)
        samples = {
            "added_sample": _sample(ledger, "added") if added else (),
            "changed_sample": _sample(ledger, "changed") if changed else (),
            "removed_sample": _sample(ledger, "removed") if removed else (),
        }
        before = ledger.consumed
        people = _write(ledger, partial=partial)
        consumption.close(ledger, at, cause=Revision.Cause.MEMBERS, people=people)
        return MemberChange(
            members=held + added - removed,
            added=added,
            changed=changed,
            removed=removed,
            licenses_before=before,
            licenses_after=ledger.consumed,
            revision=ledger.revision,
            needs_confirmation=is_alarming,
            **samples,
        )


def _write(ledger: Ledger, *, partial: bool) -> PeopleDifference:
    analyze(tables.ALTERED.name)
    execute(f"INSERT INTO {matching.ADDRESSES} {tables.moved_addresses()}", *[ledger.pk] * 2)
    execute(f"INSERT INTO {matching.LINKS} {tables.moved_links()}", *[ledger.pk] * 2)
    execute(f"INSERT INTO {matching.TOUCHED} (person_key, was_suspended) {tables.altered_people()}", ledger.pk)
    tables.write(ledger.pk, partial=partial)
    analyze(matching.ADDRESSES)
    analyze(matching.LINKS)
    matching.rematch(ledger)
    return consumption.recount(ledger, Revision.Cause.MEMBERS)


def _count_members(ledger: Ledger) -> int:
    return int(fetch_row("SELECT count(*) FROM cloud_member WHERE ledger_id = %s", ledger.pk)[0])


def _sample(ledger: Ledger, kind: str) -> tuple[str, ...]:
    return tuple(login for (login,) in fetch_rows(tables.sample(kind), ledger.pk, SAMPLES))


def _refuse_taken_logins(ledger: Ledger) -> None:
    """A partial list must not give somebody the login of a member who is not on it."""
    taken = fetch_rows(
        """
        SELECT i.line, m.number FROM incoming_member i
        JOIN cloud_member m ON m.ledger_id = %s AND lower(m.login) = lower(i.login) AND m.number <> i.number
        WHERE m.number NOT IN (SELECT number FROM incoming_member) ORDER BY i.line LIMIT 1
        """,
        ledger.pk,
    )
    for line, number in taken:
        raise MembersInvalid(line, _("the login is already that of member %(number)s") % {"number": number})
