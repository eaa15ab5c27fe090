"""Find who else might have been meant by a person's server accounts: rivals for an address, and near misses."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final, Literal, NamedTuple

from django.db.models import Q

from cloud.models import ConsumedLicense, Ledger, Member, MemberAddress, MemberLink, ServerAccount
from cloud.people.visible import visible_domains
from wire.lines import read_line

MAX_NEAR_MISSES: Final = 5
# Everybody's own on the longest page of people: accounts without a member share their address.
MAX_LOCAL_PARTS: Final = 100

Kind = Literal["secondary", "unverified", "local_part"]
Rule = ServerAccount.Rule
Rank = MemberAddress.Rank
# What begins with "part@" lies between this and "partA" by code point, and so in the index on both databases.
_AFTER_AT: Final = chr(ord("@") + 1)
_RANKS: Final = {Rule.IDENTITY.value: Rank.IDENTITY.value, Rule.VERIFIED.value: Rank.VERIFIED.value}


@dataclass(frozen=True)
class Near:
    """A member nearby: ``license_id`` leads to their page, and is None where they are not listed."""

    number: int
    login: str
    license_id: int | None


@dataclass(frozen=True)
class Hint:
    """A member that an account nearly matched, what was missing, and the address that tells."""

    kind: Kind
    member: Near
    address: str


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """By account: the members that hold the matched value too, by number, and the near misses."""

    rivals: Mapping[int, tuple[Near, ...]]
    hints: Mapping[int, tuple[Hint, ...]]


def find_neighbors(ledger: Ledger, licenses: Iterable[ConsumedLicense], accounts: list[ServerAccount]) -> Neighbors:
    """Look up everybody around the accounts of some people, in at most six queries."""
    lonely = [account for account in accounts if account.rule in {Rule.ADDRESS, Rule.NONE}]
    others = {account.pk: frozenset(read_line(account.line.encode()).others) for account in lonely}
    wanted = {account.primary_address for account in accounts} | frozenset().union(*others.values())
    holders = _holders(ledger, wanted - {""})
    links = _links(ledger, [account for account in accounts if account.rule == Rule.LINKED])
    cousins = _cousins(ledger, {account.primary_address for account in lonely} - {""})
    numbers = {held.number for found in (*holders.values(), *cousins.values()) for held in found}
    near = members_near(ledger, numbers.union(*links.values()))
    own = {license_.person_key: license_.member.number for license_ in licenses if license_.member}
    rivals = {account.pk: _rivals(account, holders, links) - {own.get(account.person_key)} for account in accounts}
    return Neighbors(
        rivals={pk: tuple(near[number] for number in sorted(found) if number in near) for pk, found in rivals.items()},
        hints={
            account.pk: _hints(account.primary_address, others[account.pk], holders, cousins, near)
            for account in lonely
        },
    )


def members_near(ledger: Ledger, numbers: Iterable[int]) -> dict[int, Near]:
    """Members by number, with what leads to their pages, in two queries."""
    wanted = set(numbers)
    if not wanted:
        return {}
    listed = ConsumedLicense.objects.filter(ledger=ledger, person_key__in=[f"m:{number}" for number in wanted])
    licenses = dict(listed.values_list("person_key", "pk"))
    known = Member.objects.filter(ledger=ledger, number__in=wanted).values_list("number", "login")
    return {number: Near(number, login, licenses.get(f"m:{number}")) for number, login in known}


class _Holder(NamedTuple):
    rank: int
    number: int
    value: str


_Held = Mapping[str, set[_Holder]]


def _holders(ledger: Ledger, values: Iterable[str]) -> _Held:
    """Rank and number of every member that holds one of some values."""
    found: defaultdict[str, set[_Holder]] = defaultdict(set)
    held = MemberAddress.objects.filter(ledger=ledger, value__in=list(values))
    for value, rank, number in held.values_list("value", "rank", "number"):
        found[value].add(_Holder(rank, number, value))
    return found


def _links(ledger: Ledger, accounts: list[ServerAccount]) -> Mapping[int, set[int]]:
    if not accounts:
        return {}
    by_name = {(account.installation.hostname, account.user_id): account.pk for account in accounts}
    hosts, user_ids = {host for host, _user_id in by_name}, {user_id for _host, user_id in by_name}
    found: defaultdict[int, set[int]] = defaultdict(set)
    links = MemberLink.objects.filter(ledger=ledger, hostname__in=hosts, user_id__in=user_ids)
    for host, user_id, number in links.values_list("hostname", "user_id", "number"):
        if (host, user_id) in by_name:
            found[by_name[host, user_id]].add(number)
    return found


def _cousins(ledger: Ledger, addresses: set[str]) -> _Held:
    """Members with the same local part, at least three characters long, verified on a verified domain."""
    locals_ = {part for address in addresses if len(part := address.rpartition("@")[0]) > 2}
    domains = set(visible_domains(ledger).values_list("domain", flat=True)) if locals_ else set()
    if not domains:
        return {}
    starts = reduce(
        or_, (Q(value__gte=f"{part}@", value__lt=f"{part}{_AFTER_AT}") for part in sorted(locals_)[:MAX_LOCAL_PARTS])
    )
    held = MemberAddress.objects.filter(starts, ledger=ledger, rank__in=[Rank.IDENTITY, Rank.VERIFIED])
    found: defaultdict[str, set[_Holder]] = defaultdict(set)
    for value, rank, number in held.values_list("value", "rank", "number"):
        local, _at, domain = value.rpartition("@")
        if domain in domains:
            found[local].add(_Holder(rank, number, value))
    return found


def _rivals(account: ServerAccount, holders: _Held, links: Mapping[int, set[int]]) -> set[int]:
    """Whoever the same rule would have matched as well."""
    if account.rule == Rule.LINKED:
        return set(links.get(account.pk, ()))
    matched = _RANKS.get(account.rule)
    return {held.number for held in holders.get(account.primary_address, ()) if held.rank == matched}


def _hints(
    primary: str, others: Iterable[str], holders: _Held, cousins: _Held, near: Mapping[int, Near]
) -> tuple[Hint, ...]:
    """Each member once, under the kind that needs the least: an address that both hold, then one that looks alike."""
    alike = sorted(cousins.get(primary.rpartition("@")[0], ()))
    found: list[tuple[Kind, _Holder]] = [
        *(
            ("secondary", held)
            for value in sorted(others)
            for held in sorted(holders.get(value, ()))
            if held.rank != Rank.OTHER
        ),
        *(("unverified", held) for held in sorted(holders.get(primary, ()))),
        *(("local_part", held) for held in alike),
    ]
    hints: dict[int, Hint] = {}
    for kind, held in found:
        if held.number in near:
            hints.setdefault(held.number, Hint(kind, near[held.number], held.value))
    return tuple(hints.values())[:MAX_NEAR_MISSES]
