"""An entry of the worklist as a viewer sees it: the two people, what speaks for it, what to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cloud.models import Installation, Ledger, MemberAddress, Revision, ServerAccount, Suspect
from cloud.people import Person, with_accounts
from cloud.suspects.evidence import Evidence, Fix, Held
from cloud.worklist import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cloud.people.visible import Sight

State = Suspect.State
_RANKS = {"identity": MemberAddress.Rank.IDENTITY, "verified": MemberAddress.Rank.VERIFIED}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One address of each of the two; empty where the viewer may not see it."""

    first_address: str
    first_role: str
    second_address: str
    second_role: str

    @property
    def is_shared(self) -> bool:
        """Whether it is one address that both have."""
        return bool(self.first_address) and self.first_address == self.second_address

    @property
    def is_hidden(self) -> bool:
        """Whether something is not shown."""
        return not (self.first_address and self.second_address)


@dataclass(frozen=True, kw_only=True)
class Way:
    """One fix, the text that asks for it, and its number, from 1."""

    number: int
    sentence: str
    letter: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry, in words."""

    suspect: Suspect
    first: Person | None
    second: Person | None
    proofs: tuple[Proof, ...]
    ways: tuple[Way, ...]
    outcome: str
    awaited: str

    @property
    def title(self) -> str:
        """The two, or who they are now; nobody is named who is not there."""
        names = [person.license.label for person in (self.first, self.second) if person]
        return " / ".join(names) or _("Entry %(number)s") % {"number": self.suspect.pk}

    @property
    def tone(self) -> str:
        """The color of the state."""
        tones = {State.OPEN: "success", State.WAITING: "attention", State.CONFIRMED: "done"}
        return tones.get(State(self.suspect.state), "neutral")

    @property
    def can_be_decided(self) -> bool:
        """Whether it can be assigned or dismissed."""
        return self.suspect.state in Suspect.LISTED

    @property
    def can_be_acted_on(self) -> bool:
        """Whether anything can be done with it."""
        return self.can_be_decided or self.suspect.state == State.DISMISSED

    @property
    def can_be_announced(self) -> bool:
        """Whether a fix can be announced."""
        return self.suspect.state == State.OPEN and bool(self.ways)


def in_words(ledger: Ledger, suspects: Iterable[Suspect], seen: Sight) -> list[Entry]:
    """Entries as a viewer sees them, in a fixed number of queries."""
    listed = list(suspects)
    licenses = [one for suspect in listed for one in (suspect.first_license, suspect.second_license) if one]
    people = {person.license.pk: person for person in with_accounts(ledger, licenses)}
    hosts = dict(Installation.objects.filter(ledger=ledger).values_list("pk", "hostname"))
    revisions = _revisions(ledger, listed)
    primaries = _awaited_primaries(ledger, listed)
    return [
        Entry(
            suspect=suspect,
            first=people.get(suspect.first_license_id or 0),
            second=people.get(suspect.second_license_id or 0),
            proofs=tuple(_proof(evidence, hosts, seen) for evidence in suspect.evidence),
            ways=tuple(_ways(suspect, hosts, seen)),
            outcome=_outcome(suspect, revisions, primaries),
            awaited=words.fix_sentence(_way(suspect, suspect.awaited, hosts, seen)) if suspect.awaited else "",
        )
        for suspect in listed
    ]


def _revisions(ledger: Ledger, suspects: list[Suspect]) -> Mapping[int, Revision]:
    numbers = {
        number
        for suspect in suspects
        for number in (suspect.closed_revision, suspect.returned_revision, suspect.parted_revision)
        if number is not None
    }
    found = Revision.objects.filter(ledger=ledger, number__in=numbers) if numbers else ()
    return {revision.number: revision for revision in found}


def _awaited_primaries(ledger: Ledger, suspects: list[Suspect]) -> Mapping[tuple[int, int], str]:
    """The primary addresses, as they are now, of the accounts that a fix was announced for and did not come."""
    wanted = {
        (suspect.awaited["installation"], suspect.awaited["user_id"])
        for suspect in suspects
        if suspect.awaited and suspect.returned_revision and suspect.awaited["user_id"] is not None
    }
    if not wanted:
        return {}
    found = ServerAccount.objects.filter(
        installation__in={place for place, _user in wanted},
        user_id__in={user for _place, user in wanted},
        ledger=ledger,
    )
    return {(one.installation_id, one.user_id): one.primary_address for one in found}


def _proof(evidence: Evidence, hosts: dict[int, str], seen: Sight) -> Proof:
    first, second = evidence["first"], evidence["second"]
    shown = _address(first, seen), _address(second, seen)
    if first["address"] == second["address"] and not all(shown):
        # Whoever reads it on one side would know it of the other.
        shown = "", ""
    return Proof(
        first_address=shown[0],
        first_role=words.role(first, hosts),
        second_address=shown[1],
        second_role=words.role(second, hosts),
    )


def _address(held: Held, seen: Sight) -> str:
    """An address where the viewer may see that it is theirs: docs/privacy.md, "Who sees which address"."""
    rank = _RANKS.get(held["role"])
    is_shown = (
        held["role"] == "primary"
        or seen.shows_evidence
        or (rank is not None and seen.shows_members(rank, held["address"]))
    )
    return held["address"] if is_shown else ""


def _ways(suspect: Suspect, hosts: dict[int, str], seen: Sight) -> Iterable[Way]:
    for number, fix in enumerate(suspect.fixes, start=1):
        way = _way(suspect, fix, hosts, seen)
        yield Way(number=number, sentence=words.fix_sentence(way), letter=words.letter(way))


def _way(suspect: Suspect, fix: Fix, hosts: dict[int, str], seen: Sight) -> words.Ways:
    people = [one for one in (suspect.first_license, suspect.second_license) if one]
    members = {one.member.number: one.label for one in people if one.member}
    primaries = {one.person_key[2:] for one in people if one.person_key.startswith("a:")}
    address = fix["address"]
    is_known = address in primaries or seen.shows_members(MemberAddress.Rank.VERIFIED, address)
    # What to do with an address that only proves something would tell who holds it.
    held = (one for evidence in suspect.evidence for one in (evidence["first"], evidence["second"]))
    is_shown = seen.shows_evidence or (
        is_known and all(_address(one, seen) for one in held if one["address"] == address)
    )
    labels = [one.label for one in people]
    return words.Ways(
        fix=fix,
        who=members.get(fix["number"] or 0, ""),
        host=hosts.get(fix["installation"] or 0, ""),
        address=address if is_shown else "",
        labels=(labels[0] if labels else "", labels[1] if len(labels) > 1 else ""),
    )


def _outcome(
    suspect: Suspect,
    revisions: Mapping[int, Revision],
    primaries: Mapping[tuple[int, int], str],
) -> str:
    """What came of it, in one or two sentences; empty where nothing did."""
    if suspect.state == State.CONFIRMED:
        return " ".join(filter(None, (_confirmed(suspect, revisions), _parted(suspect, revisions))))
    if suspect.state == State.GONE:
        return _("One of the two is not there any more, or nothing speaks for it any more.")
    if suspect.state == State.DISMISSED:
        return str(suspect.get_reason_display())
    if suspect.state == State.OPEN and suspect.returned_revision is not None:
        return _returned(suspect, revisions, primaries)
    return ""


def _confirmed(suspect: Suspect, revisions: Mapping[int, Revision]) -> str:
    revision = revisions.get(suspect.closed_revision or 0)
    if revision is None:
        return _("Confirmed.")
    if not suspect.licenses_freed:
        return _("Confirmed by %(what)s of %(date)s; the license is counted with another entry.") % _dated(revision)
    return ngettext(
        "Confirmed: %(licenses)d license freed by %(what)s of %(date)s.",
        "Confirmed: %(licenses)d licenses freed by %(what)s of %(date)s.",
        suspect.licenses_freed,
    ) % {"licenses": suspect.licenses_freed, **_dated(revision)}


def _parted(suspect: Suspect, revisions: Mapping[int, Revision]) -> str:
    revision = revisions.get(suspect.parted_revision or 0)
    if revision is None:
        return ""
    return _("Taken back by %(what)s of %(date)s: they are two again.") % _dated(revision)


def _returned(suspect: Suspect, revisions: Mapping[int, Revision], primaries: Mapping[tuple[int, int], str]) -> str:
    revision = revisions.get(suspect.returned_revision or 0)
    if revision is None:
        return _("The correction did not come.")
    sentences = [_("It returned: %(what)s of %(date)s did not change it.") % _dated(revision)]
    fix = suspect.awaited or {}
    primary = primaries.get((fix.get("installation") or 0, fix.get("user_id") or 0))
    if primary:
        sentences.append(_("The primary address there is %(address)s.") % {"address": primary})
    return " ".join(sentences)


def _dated(revision: Revision) -> dict[str, str]:
    return {"what": words.by_what(revision), "date": date_format(localtime(revision.at), "DATE_FORMAT")}
