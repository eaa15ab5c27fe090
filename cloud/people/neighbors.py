"""Find who else might have been meant by a person's server accounts: rivals for an address, and near misses."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final, Literal

from django.db.models import Q

from cloud.models import ConsumedLicense, Ledger, Member, MemberAddress, MemberLink, ServerAccount, VerifiedDomain
from wire.lines import read_line

MAX_NEAR_MISSES: Final = 5
MAX_LOCAL_PARTS: Final = 50

Rule = ServerAccount.Rule
Rank = MemberAddress.Rank
_RANKS: Final = {Rule.IDENTITY.value: Rank.IDENTITY.value, Rule.VERIFIED.value: Rank.VERIFIED.value}


@dataclass(frozen=True)
class Hint:
    """A member that an account nearly matched, and what was missing."""

    kind: Literal["secondary", "unverified", "local_part"]
    login: str


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """By account: the logins that hold the matched value too, and the near misses."""

    rivals: Mapping[int, tuple[str, ...]]
    hints: Mapping[int, tuple[Hint, ...]]


def find_neighbors(ledger: Ledger, license_: ConsumedLicense, accounts: list[ServerAccount]) -> Neighbors:
    """Look up everybody around the accounts of one person, in at most five queries."""
    lonely = [account for account in accounts if account.rule in {Rule.ADDRESS, Rule.NONE}]
    others = {account.pk: frozenset(read_line(account.line.encode()).others) for account in lonely}
    wanted = {account.primary_address for account in accounts} | frozenset().union(*others.values())
    holders = _holders(ledger, wanted - {""})
    links = _links(ledger, [account for account in accounts if account.rule == Rule.LINKED])
    cousins = _cousins(ledger, {account.primary_address for account in lonely} - {""})
    numbers = {number for held in (*holders.values(), *cousins.values()) for _rank, number in held}
    logins = _logins(ledger, numbers.union(*links.values()))
    own = {license_.member.number} if license_.member else set()
    rivals = {account.pk: _rivals(account, holders, links) - own for account in accounts}
    return Neighbors(
        rivals={pk: tuple(sorted(logins[n] for n in found if n in logins)) for pk, found in rivals.items()},
        hints={
            account.pk: _hints(account.primary_address, others[account.pk], holders, cousins, logins)
            for account in lonely
        },
    )


_Held = Mapping[str, set[tuple[int, int]]]


def _holders(ledger: Ledger, values: Iterable[str]) -> _Held:
    """Rank and number of every member that holds one of some values."""
    found: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    held = MemberAddress.objects.filter(ledger=ledger, value__in=list(values))
    for value, rank, number in held.values_list("value", "rank", "number"):
        found[value].add((rank, number))
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
    domains = set(VerifiedDomain.objects.filter(ledger=ledger).values_list("domain", flat=True)) if locals_ else set()
    if not domains:
        return {}
    starts = reduce(or_, (Q(value__startswith=f"{part}@") for part in sorted(locals_)[:MAX_LOCAL_PARTS]))
    held = MemberAddress.objects.filter(starts, ledger=ledger, rank__in=[Rank.IDENTITY, Rank.VERIFIED])
    found: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for value, rank, number in held.values_list("value", "rank", "number"):
        local, _at, domain = value.rpartition("@")
        if domain in domains:
            found[local].add((rank, number))
    return found


def _logins(ledger: Ledger, numbers: set[int]) -> Mapping[int, str]:
    if not numbers:
        return {}
    return dict(Member.objects.filter(ledger=ledger, number__in=numbers).values_list("number", "login"))


def _rivals(account: ServerAccount, holders: _Held, links: Mapping[int, set[int]]) -> set[int]:
    """Whoever the same rule would have matched as well."""
    if account.rule == Rule.LINKED:
        return set(links.get(account.pk, ()))
    matched = _RANKS.get(account.rule)
    return {number for rank, number in holders.get(account.primary_address, ()) if rank == matched}


def _hints(
    primary: str, others: Iterable[str], holders: _Held, cousins: _Held, logins: Mapping[int, str]
) -> tuple[Hint, ...]:
    secondary = {number for value in others for rank, number in holders.get(value, ()) if rank != Rank.OTHER}
    unverified = {number for _rank, number in holders.get(primary, ())}
    same_local_part = {number for _rank, number in cousins.get(primary.rpartition("@")[0], ())}
    found = [
        *(Hint("secondary", logins[number]) for number in sorted(secondary)),
        *(Hint("unverified", logins[number]) for number in sorted(unverified - secondary)),
        *(Hint("local_part", logins[number]) for number in sorted(same_local_part - unverified - secondary)),
    ]
    return tuple(found[:MAX_NEAR_MISSES])
