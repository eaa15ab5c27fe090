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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cloud import matching
from cloud.changes.reasons import COUNTED
from cloud.models import ConsumedLicense, Installation, Ledger, Revision, Saving, Suspect
from cloud.staging import fetch_row, fetch_rows
from cloud.suspects.identity import identity_of, ordered

State = Suspect.State

# The entries of which somebody has gone, and who of the two is there.
_CONCERNED: Final = f"""
SELECT suspect.id, suspect.identity, suspect.first_key, suspect.second_key,
       coalesce(one.is_listed, true), coalesce(other.is_listed, true)
FROM cloud_suspect suspect
LEFT JOIN {COUNTED} one ON one.license_id = suspect.first_license_id
LEFT JOIN {COUNTED} other ON other.license_id = suspect.second_license_id
WHERE suspect.ledger_id = %s AND suspect.state IN ('open', 'waiting')
    AND NOT (coalesce(one.is_listed, true) AND coalesce(other.is_listed, true))
ORDER BY suspect.score DESC, suspect.id
"""
_PROVED: Final = f"""
SELECT suspect.id, person.person_key, suspect.identity,
       suspect.licenses_freed > 0 AND suspect.parted_revision IS NULL
FROM cloud_suspect suspect
JOIN {COUNTED} person ON person.license_id = suspect.first_license_id
WHERE suspect.ledger_id = %s AND suspect.state = 'confirmed'
    AND person.person_key IN (SELECT from_key FROM {matching.MOVED})
ORDER BY suspect.closed_revision DESC, suspect.id
"""
_PEOPLE: Final = f"""
SELECT person_key, license_id IS NOT NULL, coalesce(was_counted, false), is_listed, is_listed AND is_counted,
       server_accounts > had_accounts OR (on_cloud AND was_on_cloud)
FROM {COUNTED} WHERE person_key IN (SELECT from_key FROM {matching.MOVED} UNION SELECT to_key FROM {matching.MOVED})
"""


@dataclass(frozen=True)
class _Person:
    """``has_more``: there is more of them than what came, or may be."""

    was_listed: bool
    was_counted: bool
    is_listed: bool
    is_counted: bool
    has_more: bool

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
    proved = fetch_rows(_PROVED, ledger.pk)
    if concerned or proved:
        count = _read_count()
        _take_back(ledger, proved, count)
        entries = [_Entry(pk, pair, (one, other), (bool(a), bool(b))) for pk, pair, one, other, a, b in concerned]
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


def _read_count() -> _Count:
    people = {key: _Person(*map(bool, facts)) for key, *facts in fetch_rows(_PEOPLE)}
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
    licenses = _licenses(ledger, by_heir)
    credited = _credited(ledger, [entry.identity for merged in by_heir.values() for entry in merged])
    for heir, merged in by_heir.items():
        _credit(heir, merged, count, credited)
        before = [credited[entry.identity] for entry in merged if entry.identity in credited]
        Suspect.objects.filter(pk__in=before).update(first_license=licenses[heir])
        for freed in (0, 1):
            some = [entry.pk for entry in merged if entry.freed == freed]
            # Who dismissed one at this very moment did so before: everybody holds the ledger.
            Suspect.objects.filter(pk__in=some).update(
                state=State.CONFIRMED,
                state_by=None,
                closed_revision=ledger.revision + 1,
                licenses_freed=freed,
                first_key="",
                second_key="",
                first_license_id=licenses[heir],
                second_license=None,
                evidence=[],
                fixes=[],
                awaited=None,
            )
    return others


def _one_heir(entry: _Entry, count: _Count) -> str:
    """The person that both are now; empty where they are not one."""
    heirs = [count.heirs(key) for key in entry.keys]
    gone = [some for key, some in zip(entry.keys, heirs, strict=True) if key not in some]
    shared = heirs[0] & heirs[1]
    if not gone or len(shared) != 1 or any(some != shared for some in gone):
        return ""
    (heir,) = shared
    return heir if heir not in entry.keys or count.people[heir].has_more else ""


def _readdress(ledger: Ledger, entries: list[_Entry], count: _Count) -> None:
    """Let entries follow somebody who is still another, under another address: what speaks for it is searched anew."""
    followed = {entry.pk: _successors(entry, count) for entry in entries}
    identities = {pk: identity_of(*keys) for pk, keys in followed.items() if keys}
    held = Suspect.objects.filter(ledger=ledger, identity__in=identities.values()).exclude(state=State.CONFIRMED)
    taken = set(held.values_list("identity", flat=True))
    licenses = _licenses(ledger, {key for keys in followed.values() for key in keys})
    for pk, identity in identities.items():
        if identity not in taken:
            taken.add(identity)
            first, second = followed[pk]
            Suspect.objects.filter(pk=pk).update(
                identity=identity,
                first_key=first,
                second_key=second,
                first_license_id=licenses[first],
                second_license_id=licenses[second],
                evidence=[],
                fixes=[],
            )


def _successors(entry: _Entry, count: _Count) -> tuple[str, ...]:
    """The two as they are called now, in order; nothing where one of them is nobody's successor."""
    keys: list[str] = []
    for key, is_there in zip(entry.keys, entry.are_there, strict=True):
        heirs = {key} if is_there else count.heirs(key)
        if len(heirs) != 1 or (not is_there and any(count.people[heir].was_listed for heir in heirs)):
            return ()
        keys += heirs
    return ordered(*keys) if len(set(keys)) > 1 else ()


def _credited(ledger: Ledger, identities: Iterable[str]) -> dict[str, int]:
    """Entries of the same pairs whose license is credited still: one of the two left meanwhile, and came back."""
    confirmed = Suspect.objects.filter(ledger=ledger, state=State.CONFIRMED, identity__in=list(identities))
    return dict(confirmed.filter(licenses_freed__gt=0, parted_revision=None).values_list("identity", "pk"))


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
    Suspect.objects.filter(pk__in=parted).update(parted_revision=ledger.revision + 1)
    _follow(ledger, by_person, count)


def _parted(key: str, entries: list[_Proved], count: _Count) -> Iterator[int]:
    """As many entries as licenses came for accounts of theirs, those of the very pair first, then the newest."""
    came = [heir for heir in count.heirs(key) if heir != key and count.people[heir].costs]
    stays = count.people[key].is_counted
    number = len(came) - int(not stays)
    pairs = {identity_of(*ordered(key, heir)) for heir in came}
    ranked = sorted((entry for entry in entries if entry.is_credited), key=lambda entry: entry.identity not in pairs)
    yield from (entry.pk for entry in ranked[: max(number, 0)])


def _follow(ledger: Ledger, by_person: Mapping[str, list[_Proved]], count: _Count) -> None:
    """Let the entries of whoever has gone follow to whom their accounts went."""
    heirs = {key: min(count.heirs(key), default="") for key in by_person if not count.people[key].is_listed}
    licenses = _licenses(ledger, heirs.values())
    for key, heir in heirs.items():
        Suspect.objects.filter(pk__in=[entry.pk for entry in by_person[key]]).update(first_license=licenses.get(heir))


def _licenses(ledger: Ledger, keys: Iterable[str]) -> dict[str, int]:
    found = ConsumedLicense.objects.filter(ledger=ledger, person_key__in=list(keys))
    return dict(found.values_list("person_key", "pk"))
