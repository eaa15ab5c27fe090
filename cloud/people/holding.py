"""Gather what is held about a person: every table that has something of them, where it came from, how long it stays.

Two readers: an owner on a page, who sees the addresses that owners may see, and the person themselves, for whom all of
it is written into a file. What concerns others is left out of both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q
from django.db.models.functions import Lower

from cloud.models import (
    Intake,
    IntakePart,
    MemberAddress,
    MemberLink,
    MemberRole,
    PersonChange,
    Revision,
    ServerAccount,
    Suspect,
)
from enterprises.models import AuditEvent, Role
from wire.lines import read_line
from wire.parts import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cloud.models import ConsumedLicense
    from cloud.people.visible import Sight

ROWS_ON_A_PAGE: Final = 50

Rank = MemberAddress.Rank


@dataclass(frozen=True, kw_only=True)
class Held:
    """What one table holds of a person, row by row, by the names of ``cloud.people.holding_words``.

    ``rows_left_out`` and ``values_left_out`` are in the file and not on the page.
    """

    table: str
    rows: tuple[dict[str, Any], ...]
    rows_left_out: int = 0
    values_left_out: int = 0


@dataclass(kw_only=True)
class _Reader:
    """Who reads: ``seen`` is None for the person themselves, who gets everything."""

    seen: Sight | None
    left_out: int = 0
    rows_left_out: int = 0
    limit: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.limit = ROWS_ON_A_PAGE if self.seen else None

    def member_value(self, rank: int, value: str) -> str | None:
        """An address of a member, or None and counted where the reader may not see it."""
        if self.seen is None or not value or self.seen.shows_members(rank, value):
            return value
        self.left_out += 1
        return None

    def secondary(self, values: Iterable[str]) -> list[str]:
        """Secondary addresses of a server account: on no page, unless they prove something elsewhere."""
        held = list(values)
        if self.seen is None:
            return held
        self.left_out += len(held)
        return []


def held_about(license_: ConsumedLicense, seen: Sight | None) -> list[Held]:
    """Every table with something of a person, in a fixed number of queries; see ``_Reader`` for ``seen``.

    The license comes with its member and its ledger.
    """
    found = []
    for table, rows in _TABLES.items():
        reader = _Reader(seen=seen)
        listed = tuple(rows(license_, reader))
        if listed or reader.left_out:
            found.append(
                Held(
                    table=table,
                    rows=listed[: reader.limit],
                    rows_left_out=len(listed[reader.limit :] if reader.limit else ()) + reader.rows_left_out,
                    values_left_out=reader.left_out,
                )
            )
    return found


def _license(license_: ConsumedLicense, _reader: _Reader) -> Iterator[dict[str, Any]]:
    since = Revision.objects.filter(ledger=license_.ledger_id, number=license_.since_revision or 0).first()
    yield {
        "label": license_.label,
        "license_type": license_.license_type,
        "is_counted": license_.is_counted,
        "on_cloud": license_.on_cloud,
        "server_accounts": license_.server_accounts,
        "is_ambiguous": license_.is_ambiguous,
        "since": since.at if since else None,
        "hostname": since.hostname if since else "",
        "since_reason": license_.since_reason,
    }


def _member(license_: ConsumedLicense, reader: _Reader) -> Iterator[dict[str, Any]]:
    member = license_.member
    if member is None:
        return
    details = dict(member.details)
    subscription = dict(details.pop("visual_studio", None) or {})
    emails = [reader.member_value(Rank.VERIFIED, value) for value in details.pop("verified_domain_emails", ())]
    yield {
        "login": member.login,
        "number": member.number,
        "name": member.name,
        **details,
        "saml_name_id": reader.member_value(Rank.IDENTITY, details.get("saml_name_id") or ""),
        "visual_studio_email": reader.member_value(Rank.VERIFIED, subscription.get("email", "")),
        "visual_studio_status": subscription.get("status", ""),
        "verified_domain_emails": [value for value in emails if value],
        "outside_collaborator": [_place(place) for place in details.get("outside_collaborator", ())],
        "imported_at": license_.ledger.members_imported_at,
    }


def _place(place: dict[str, Any]) -> str:
    said = [place.get("visibility", ""), "pending" if place.get("pending") else ""]
    return f"{place['repository']} ({', '.join(filter(None, said))})"


def _addresses(license_: ConsumedLicense, reader: _Reader) -> Iterator[dict[str, Any]]:
    if license_.member is None:
        return
    held = MemberAddress.objects.filter(ledger=license_.ledger_id, number=license_.member.number)
    for address in held.order_by("rank", "value"):
        if reader.member_value(address.rank, address.value):
            yield {"address": address.value, "held_as": Rank(address.rank).held_as}


def _roles(license_: ConsumedLicense, _reader: _Reader) -> Iterator[dict[str, Any]]:
    if license_.member is None:
        return
    roles = MemberRole.objects.filter(ledger=license_.ledger_id, number=license_.member.number)
    for role in roles.order_by("organization", "role"):
        yield {"organization": role.organization, "role": role.role}


def _links(license_: ConsumedLicense, _reader: _Reader) -> Iterator[dict[str, Any]]:
    if license_.member is None:
        return
    links = MemberLink.objects.filter(ledger=license_.ledger_id, number=license_.member.number)
    for link in links.order_by("hostname", "user_id"):
        yield {"account": f"{link.hostname}:{link.user_id}"}


def _accounts_of(license_: ConsumedLicense) -> Any:
    accounts = ServerAccount.objects.filter(ledger=license_.ledger_id, person_key=license_.person_key)
    return accounts.select_related("installation").order_by("installation__hostname", "user_id")


def _accounts(license_: ConsumedLicense, reader: _Reader) -> Iterator[dict[str, Any]]:
    if reader.limit is not None:
        reader.rows_left_out = max(license_.server_accounts - reader.limit, 0)
    for account in _accounts_of(license_)[: reader.limit]:
        yield {
            "account": f"{account.installation.hostname}:{account.user_id}",
            "primary_address": account.primary_address,
            "secondary_addresses": reader.secondary(read_line(account.line.encode()).others),
            "rule": account.rule,
            "synced_at": account.installation.last_sync_at,
        }


def _changes(license_: ConsumedLicense, _reader: _Reader) -> Iterator[dict[str, Any]]:
    changes = list(PersonChange.objects.filter(license=license_).order_by("-revision"))
    numbers = {change.revision for change in changes}
    kept = Revision.objects.filter(ledger=license_.ledger_id, number__in=numbers)
    revisions = {revision.number: revision for revision in kept}
    for change in changes:
        revision = revisions.get(change.revision)
        yield {
            "at": revision.at if revision else None,
            "hostname": revision.hostname if revision else "",
            "accounts": change.accounts,
            "reason": change.reason,
        }


def _suspects(license_: ConsumedLicense, _reader: _Reader) -> Iterator[dict[str, Any]]:
    """The pairs, without the other person: what is held of those is theirs."""
    pairs = Suspect.objects.filter(Q(first_license=license_) | Q(second_license=license_), ledger=license_.ledger_id)
    for pair in pairs.order_by("found_at", "pk"):
        side = "first" if pair.first_license_id == license_.pk else "second"
        yield {
            "kind": pair.kind,
            "score": pair.score,
            "own_addresses": sorted({evidence[side]["address"] for evidence in pair.evidence}),
            "state": pair.state,
            "since": pair.found_at,
            "state_at": pair.state_at,
        }


def _samples(license_: ConsumedLicense, _reader: _Reader) -> Iterator[dict[str, Any]]:
    """Accounts of the person among those that a snapshot concerned, for a day."""
    intakes = list(
        Intake.objects.filter(installation__ledger=license_.ledger_id, samples__isnull=False)
        .select_related("installation")
        .order_by("finished_at")
    )
    sampled = {sample["user_id"] for intake in intakes for sample in intake.samples or ()}
    own = set(_accounts_of(license_).filter(user_id__in=sampled).values_list("installation_id", "user_id"))
    for intake in intakes:
        for sample in intake.samples or ():
            if (intake.installation_id, sample["user_id"]) in own:
                yield {
                    "account": f"{intake.installation.hostname}:{sample['user_id']}",
                    "primary_address": sample.get("primary", ""),
                    "since": intake.finished_at,
                }


def _parts(license_: ConsumedLicense, reader: _Reader) -> Iterator[dict[str, Any]]:
    """Lines of the person in what a server is sending at this moment; a page looks for the first accounts alone."""
    held = set(_accounts_of(license_).values_list("installation_id", "user_id")[: reader.limit])
    parts = IntakePart.objects.filter(intake__installation__in={server for server, _user_id in held})
    for part in parts.select_related("intake__installation").order_by("intake", "number"):
        server = part.intake.installation
        own = {user_id for of, user_id in held if of == server.pk}
        if not any(part.first_user_id <= user_id <= part.last_user_id for user_id in own):
            continue
        for line in map(read_line, unpack(bytes(part.body)).splitlines()):
            if line.user_id in own:
                yield {
                    "account": f"{server.hostname}:{line.user_id}",
                    "primary_address": line.primary or "",
                    "secondary_addresses": reader.secondary(line.others),
                    "since": part.intake.opened_at,
                }


def _sign_in(license_: ConsumedLicense, _reader: _Reader) -> Iterator[dict[str, Any]]:
    """Whoever signs in to this account with an address of the person, and the lines of the audit log about them."""
    primaries = _accounts_of(license_).order_by().values_list("primary_address", flat=True).distinct()
    addresses = set(primaries) - {""}
    if license_.member:
        of_member = MemberAddress.objects.filter(ledger=license_.ledger_id, number=license_.member.number)
        addresses |= set(of_member.exclude(rank=Rank.OTHER).values_list("value", flat=True))
    enterprise = license_.ledger.enterprise
    roles = Role.objects.filter(enterprise=enterprise).annotate(email=Lower("user__email"))
    for role in roles.filter(email__in=addresses).select_related("user").order_by("pk"):
        yield {
            "username": role.user.username,
            "email": role.user.email,
            "name": role.user.get_full_name(),
            "role": role.role,
            "since": role.user.date_joined,
            "last_login": role.user.last_login,
            "audit_events": AuditEvent.objects.filter(enterprise=enterprise, actor=role.user).count(),
        }


_TABLES: Final = {
    "cloud.ConsumedLicense": _license,
    "cloud.Member": _member,
    "cloud.MemberAddress": _addresses,
    "cloud.MemberRole": _roles,
    "cloud.MemberLink": _links,
    "cloud.ServerAccount": _accounts,
    "cloud.PersonChange": _changes,
    "cloud.Suspect": _suspects,
    "cloud.Intake": _samples,
    "cloud.IntakePart": _parts,
    "enterprises.User": _sign_in,
}
"""Tables with something of a person, and what reads it; the others hold none: ``NOBODY_IN``."""

NOBODY_IN: Final = frozenset(
    {
        "cloud.AppToken", "cloud.ConnectCode", "cloud.DomainChallenge", "cloud.Installation", "cloud.InstallationPoint",
        "cloud.Ledger", "cloud.ReasonCount", "cloud.ReceiptSigner", "cloud.Revision", "cloud.Saving",
        "cloud.Statement", "cloud.SuspectRun", "cloud.UsagePoint", "cloud.VerifiedDomain",
    }
)  # fmt: skip
"""Tables of numbers, servers, domains and secrets."""
