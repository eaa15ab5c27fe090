"""Who has an address on which domain: what a domain that comes or goes shows or hides.

An address counts here that the list of people may show: a verified one, or an identity.
"""

from collections.abc import Collection, Iterable
from typing import Final

from django.db.models import Count, Exists, OuterRef, QuerySet

from cloud.domains.names import warning_of
from cloud.models import ConsumedLicense, Ledger, MemberAddress
from cloud.people import PeopleFilter, finding, visible_domains
from cloud.people.filters import NO_DOMAIN

SUGGESTED_FROM: Final = 5
"""So many members make a domain worth a proposal; a domain of fewer may be somebody's own, and says who they are."""
MAX_SUGGESTED: Final = 5

WITHOUT: Final = PeopleFilter(domain=NO_DOMAIN)
"""The people whose member has an address on no verified or approved domain: the usual duplicates."""

_RANKS: Final = (MemberAddress.Rank.IDENTITY, MemberAddress.Rank.VERIFIED)


def without_address(ledger: Ledger) -> QuerySet[ConsumedLicense]:
    """Listed members who have an address on no verified or approved domain."""
    return finding.people(ledger, WITHOUT)


def with_address_on(ledger: Ledger, domain: str) -> QuerySet[ConsumedLicense]:
    """Listed members who have an address on a domain, whatever its state."""
    return ConsumedLicense.objects.filter(_has_address(ledger, [domain]), ledger=ledger, member__isnull=False)


def with_address_only_on(ledger: Ledger, domain: str) -> QuerySet[ConsumedLicense]:
    """Those of them who have none on another verified or approved domain."""
    others = visible_domains(ledger).exclude(domain=domain).values_list("domain", flat=True)
    return with_address_on(ledger, domain).filter(~_has_address(ledger, list(others)))


def _has_address(ledger: Ledger, domains: Collection[str]) -> Exists:
    held = MemberAddress.objects.filter(ledger=ledger, number=OuterRef("member__number"), rank__in=_RANKS)
    return Exists(held.filter(at_domain__in=[f"@{domain}" for domain in domains]))


def members_by_domain(ledger: Ledger) -> dict[str, int]:
    """How many listed members have an address on each domain that there is, in one query."""
    listed = ConsumedLicense.objects.filter(ledger=ledger, member__isnull=False).values("member__number")
    held = MemberAddress.objects.filter(ledger=ledger, rank__in=_RANKS, number__in=listed).order_by()
    counted = held.values("at_domain").annotate(members=Count("number", distinct=True))
    # A value without @ is no address on a domain.
    return {
        at_domain[1:]: members
        for at_domain, members in counted.values_list("at_domain", "members")
        if at_domain[:1] == "@"
    }


def suggested(counts: dict[str, int], known: Iterable[str]) -> list[tuple[str, int]]:
    """Domains that many members have their addresses on and that nobody has added, with their members; most first."""
    held = set(known)
    found = [
        (domain, members)
        for domain, members in counts.items()
        if members >= SUGGESTED_FROM and domain not in held and "." in domain and warning_of(domain) is None
    ]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:MAX_SUGGESTED]
