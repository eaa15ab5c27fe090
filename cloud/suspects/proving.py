"""What a count proves of the worklist: pairs that became one person by it, and such that are two again.

Works while ``cloud.consumption`` counts, under the ledger's lock. A pair became one where one of the two has gone, all
accounts of whoever has gone that are still there went to one person, and that person is the other one, or whom both
went to. Who merely left took no account anywhere, and proves nothing; nor does who left while the other one took the
address over.

Nothing is proved twice: each license that went is credited to one entry, the best of those that it closes. Where
somebody who became one by the worklist is parted again, an entry is taken back for each license that this costs,
whichever account it is that left: the savings are never said to be more than they are.
"""

# ruff: noqa: S608  (Table names are this project's own; every value is a parameter.)

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cloud import matching
from cloud.changes.reasons import COUNTED
from cloud.models import Installation, Ledger, Revision, Saving, Suspect
from cloud.staging import Row, fetch_row, fetch_rows
from cloud.suspects import rewriting
from cloud.suspects.identity import identity_of, ordered

State = Suspect.State

# Whom SQLite looks up in a list; a join would read everybody again for each entry.
_GONE: Final = f"SELECT license_id FROM {COUNTED} WHERE license_id IS NOT NULL AND NOT is_listed"
_HAS_GONE: Final = f"""
ledger_id = %s AND state IN ('open', 'waiting')
    AND (first_license_id IN ({_GONE}) OR second_license_id IN ({_GONE}))
"""
# The entries of which somebody has gone, and who of the two has.
_CONCERNED: Final = f"""
SELECT id, identity, first_key, second_key, first_license_id IN ({_GONE}), second_license_id IN ({_GONE}),
       first_license_id, second_license_id
FROM cloud_suspect WHERE {_HAS_GONE}
ORDER BY score DESC, id
"""
# Entries of the same pairs whose license is credited still: one of the two left meanwhile, and came back.
_CREDITED: Final = f"""
SELECT identity, id FROM cloud_suspect
WHERE ledger_id = %s AND state = 'confirmed' AND licenses_freed > 0 AND parted_revision IS NULL
    AND identity IN (SELECT identity FROM cloud_suspect WHERE {_HAS_GONE})
"""
# By license alone, since the people of a count are of one ledger.
_PROVED: Final = f"""
SELECT suspect.id, person.person_key, suspect.identity,
       suspect.licenses_freed > 0 AND suspect.parted_revision IS NULL
FROM {COUNTED} person
CROSS JOIN cloud_suspect suspect
WHERE suspect.first_license_id = person.license_id AND suspect.state = 'confirmed'
    AND person.person_key IN (SELECT from_key FROM {matching.MOVED})
ORDER BY suspect.closed_revision DESC, suspect.id
"""
_PEOPLE: Final = f"""
SELECT person.person_key, person.license_id IS NOT NULL, coalesce(person.was_counted, false), person.is_listed,
       person.is_listed AND person.is_counted,
       person.server_accounts > person.had_accounts OR (person.on_cloud AND person.was_on_cloud), license.id
FROM {COUNTED} person
LEFT JOIN cloud_consumedlicense license ON license.ledger_id = %s AND license.person_key = person.person_key
WHERE person.person_key IN (SELECT from_key FROM {matching.MOVED} UNION SELECT to_key FROM {matching.MOVED})
"""


@dataclass(frozen=True)
class _Person:
    """``has_more``: there is more of them than what came, or may be. ``license`` is theirs now, if they have one."""

    was_listed: bool
    was_counted: bool
    is_listed: bool
    is_counted: bool
    has_more: bool
    license: int | None

    @property
    def costs(self) -> bool:
        """Whether they hold a license now and held none before."""
        return self.is_counted and not self.was_counted


@dataclass
class _Entry:
    pk: int
    identity: str
    keys: tuple[str, str]
    are_there: tuple[bool, bool]
    licenses: list[int]
    freed: int = 0


@dataclass(frozen=True)
class _Proved:
    """``is_credited``: it freed a license that is not taken back."""

    pk: int
    identity: str
    is_credited: bool


@dataclass(frozen=True)
class _Count:
    """Who was concerned by accounts that moved, and whither accounts went from each."""

    people: dict[str, _Person]
    went_to: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def heirs(self, key: str) -> set[str]:
        """Who has accounts of a person now; themselves, as long as they are listed."""
        person = self.people.get(key)
        heirs = {to for to in self.went_to.get(key, ()) if self.people[to].is_listed}
        return heirs | {key} if person and person.is_listed else heirs


def prove(ledger: Ledger) -> None:
    """Close the entries of those who became one with the next revision, and take back those who parted.

    Called when the people are written, while the temporary tables of the count are there.
    """
    if not fetch_row(f"SELECT EXISTS (SELECT 1 FROM {matching.MOVED})")[0]:
        return
    if not Suspect.objects.filter(ledger=ledger, state__in=[*Suspect.LISTED, State.CONFIRMED]).exists():
        return
    concerned = fetch_rows(_CONCERNED, ledger.pk)
    proved = fetch_rows(_PROVED)
    if concerned or proved:
        count = _read_count(ledger)
        _take_back(ledger, proved, count)
        entries = [
            _Entry(pk, identity, (one, other), (not one_gone, not other_gone), licenses)
            for pk, identity, one, other, one_gone, other_gone, *licenses in concerned
        ]
        _readdress(ledger, _confirm(ledger, entries, count), count)


def settle(ledger: Ledger, at: datetime, *, cause: Revision.Cause, server: Installation | None) -> None:
    """Write into the books of savings what the ledger's revision proved, if anything."""
    proved = Suspect.objects.filter(ledger=ledger, state=State.CONFIRMED)
    became_one = list(proved.filter(closed_revision=ledger.revision).values_list("licenses_freed", flat=True))
    parted = list(proved.filter(parted_revision=ledger.revision).values_list("licenses_freed", flat=True))
    if not became_one and not parted:
        return
    proved.filter(closed_revision=ledger.revision).update(state_at=at)
    Saving.objects.create(
        ledger=ledger,
        revision=ledger.revision,
        at=at,
        cause=cause,
        hostname=server.hostname if server else "",
        entries=len(became_one),
        licenses=sum(became_one),
        entries_parted=len(parted),
        licenses_back=sum(parted),
    )


def _read_count(ledger: Ledger) -> _Count:
    people = {
        key: _Person(bool(was_listed), bool(was_counted), bool(is_listed), bool(is_counted), bool(has_more), license_id)
        for key, was_listed, was_counted, is_listed, is_counted, has_more, license_id in fetch_rows(_PEOPLE, ledger.pk)
    }
    count = _Count(people)
    for from_key, to_key in fetch_rows(f"SELECT DISTINCT from_key, to_key FROM {matching.MOVED}"):
        count.went_to[from_key].add(to_key)
    return count


def _confirm(ledger: Ledger, entries: list[_Entry], count: _Count) -> list[_Entry]:
    """Close the entries whose two are one now, and return the others."""
    by_heir: defaultdict[str, list[_Entry]] = defaultdict(list)
    for entry in entries:
        by_heir[_one_heir(entry, count)].append(entry)
    others = by_heir.pop("", [])
    credited = dict(fetch_rows(_CREDITED, ledger.pk, ledger.pk)) if by_heir else {}
    closed: list[Row] = []
    followed: list[Row] = []
    for heir, merged in by_heir.items():
        _credit(heir, merged, count, credited)
        license_id = count.people[heir].license
        closed += [(entry.pk, license_id, entry.freed) for entry in merged]
        followed += [(credited[entry.identity], license_id) for entry in merged if entry.identity in credited]
    rewriting.confirm(closed, ledger.revision + 1)
    rewriting.follow(followed)
    return others


def _one_heir(entry: _Entry, count: _Count) -> str:
    """The person that both are now; empty where they are not one."""
    heirs = [count.heirs(key) for key in entry.keys]
    gone = [some for key, some in zip(entry.keys, heirs, strict=True) if key not in some]
    shared = heirs[0] & heirs[1]
    if not gone or len(shared) != 1 or any(some != shared for some in gone):
        return ""
    (heir,) = shared
    if heir in entry.keys:
        return heir if count.people[heir].has_more else ""
    # Somebody else has accounts of both: they are one only where neither is there any more.
    return heir if len(gone) == len(heirs) else ""


def _readdress(ledger: Ledger, entries: list[_Entry], count: _Count) -> None:
    """Let entries follow somebody who is still another, under another address: what speaks for it is searched anew."""
    rewriting.readdress(ledger, [row for entry in entries if (row := _followed(entry, count))])


def _followed(entry: _Entry, count: _Count) -> Row | None:
    """What ``rewriting.readdress`` writes of an entry; None where one of the two is nobody's successor."""
    keys = _successors(entry, count)
    if not keys:
        return None
    licenses = dict(zip(entry.keys, entry.licenses, strict=True))
    now = [count.people[key].license if key in count.people else licenses[key] for key in keys]
    return entry.pk, identity_of(*keys), *keys, *now


def _successors(entry: _Entry, count: _Count) -> tuple[str, ...]:
    """The two as they are called now, in order; nothing where one of them is nobody's successor."""
    keys: list[str] = []
    for key, is_there in zip(entry.keys, entry.are_there, strict=True):
        heirs = {key} if is_there else count.heirs(key)
        if len(heirs) != 1 or (not is_there and any(count.people[heir].was_listed for heir in heirs)):
            return ()
        keys += heirs
    return ordered(*keys) if len(set(keys)) > 1 else ()


def _credit(heir: str, merged: list[_Entry], count: _Count, credited: Mapping[str, int]) -> None:
    """Credit every license that went to one entry, unless the same pair has it credited already.

    One that came for the person that all are now is taken off.
    """
    gone = {key for entry in merged for key in entry.keys if _has_freed(key, count)}
    left = max(len(gone) - int(count.people[heir].costs), 0)
    for entry in [entry for entry in merged if gone.intersection(entry.keys)][:left]:
        entry.freed = int(entry.identity not in credited)


def _has_freed(key: str, count: _Count) -> bool:
    person = count.people.get(key)
    return person is not None and person.was_counted and not person.is_listed


def _take_back(ledger: Ledger, proved: list[tuple[int, str, str, int]], count: _Count) -> None:
    by_person: defaultdict[str, list[_Proved]] = defaultdict(list)
    for pk, key, identity, is_credited in proved:
        by_person[key].append(_Proved(pk, identity, bool(is_credited)))
    parted = [pk for key, entries in by_person.items() for pk in _parted(key, entries, count)]
    rewriting.part(parted, ledger.revision + 1)
    _follow(by_person, count)


def _parted(key: str, entries: list[_Proved], count: _Count) -> Iterator[int]:
    """As many entries as licenses came for accounts of theirs, those of the very pair first, then the newest."""
    came = [heir for heir in count.heirs(key) if heir != key and count.people[heir].costs]
    stays = count.people[key].is_counted
    number = len(came) - int(not stays)
    pairs = {identity_of(*ordered(key, heir)) for heir in came}
    ranked = sorted((entry for entry in entries if entry.is_credited), key=lambda entry: entry.identity not in pairs)
    yield from (entry.pk for entry in ranked[: max(number, 0)])


def _follow(by_person: Mapping[str, list[_Proved]], count: _Count) -> None:
    """Let the entries of whoever has gone follow to whom their accounts went."""
    rows: list[Row] = []
    for key, entries in by_person.items():
        if not count.people[key].is_listed:
            heir = min(count.heirs(key), default="")
            rows += [(entry.pk, count.people[heir].license if heir else None) for entry in entries]
    rewriting.follow(rows)
