"""Who has an address on which domain: what a domain that comes or goes shows or hides."""

from collections.abc import Collection, Iterable
from typing import Final

from django.db.models import Count, Exists, F, Func, OuterRef, QuerySet, TextField

from cloud.domains.names import warning_of
from cloud.models import ConsumedLicense, Ledger, MemberAddress, VerifiedDomain

SUGGESTED_FROM: Final = 5
"""So many members make a domain worth a proposal; a domain of fewer may be somebody's own, and says who they are."""
MAX_SUGGESTED: Final = 5

_VERIFIED: Final = MemberAddress.Rank.VERIFIED


class AddressDomain(Func):
    """What stands behind the last ``@`` of an address, on either database."""

    template = "substr(%(expressions)s, length(rtrim(%(expressions)s, replace(%(expressions)s, '@', ''))) + 1)"
    arity = 1
    output_field = TextField()


def domains_of(ledger: Ledger) -> list[str]:
    """The domains that are verified or approved, in order."""
    return list(VerifiedDomain.objects.filter(ledger=ledger).order_by("domain").values_list("domain", flat=True))


def has_address(ledger: Ledger, domains: Collection[str], *, number: str = "member__number") -> Exists:
    """The condition on people that their member has a verified address on one of some domains.

    ``number`` is the way to the member's number. Each person is one probe of an index.
    """
    held = MemberAddress.objects.filter(ledger=ledger, number=OuterRef(number), rank=_VERIFIED)
    return Exists(held.alias(domain=AddressDomain(F("value"))).filter(domain__in=list(domains)))


def without_address(ledger: Ledger) -> QuerySet[ConsumedLicense]:
    """Listed members who have no verified address on a verified or approved domain, in the order of every list.

    They are the usual duplicates: what their server accounts could have in common with them is not known.
    """
    return _members(ledger).filter(~has_address(ledger, domains_of(ledger)))


def with_address_on(ledger: Ledger, domain: str) -> QuerySet[ConsumedLicense]:
    """Listed members with a verified address on a domain."""
    return _members(ledger).filter(has_address(ledger, [domain]))


def with_address_only_on(ledger: Ledger, domain: str) -> QuerySet[ConsumedLicense]:
    """Those of them who have none on another verified or approved domain."""
    others = [other for other in domains_of(ledger) if other != domain]
    return with_address_on(ledger, domain).filter(~has_address(ledger, others))


def _members(ledger: Ledger) -> QuerySet[ConsumedLicense]:
    found = ConsumedLicense.objects.filter(ledger=ledger, member__isnull=False)
    return found.select_related("member").order_by("label", "person_key")


def members_by_domain(ledger: Ledger) -> dict[str, int]:
    """How many listed members have a verified address on each domain that there is, in one query."""
    listed = ConsumedLicense.objects.filter(ledger=ledger, member__isnull=False).values("member__number")
    held = MemberAddress.objects.filter(ledger=ledger, rank=_VERIFIED, number__in=listed).order_by()
    counted = held.values(domain=AddressDomain(F("value"))).annotate(members=Count("number", distinct=True))
    return dict(counted.values_list("domain", "members"))


def suggested(counts: dict[str, int], known: Iterable[str]) -> list[tuple[str, int]]:
    """Domains that many members have their addresses on and that nobody has added, with their members; most first."""
    held = set(known)
    found = [
        (domain, members)
        for domain, members in counts.items()
        if members >= SUGGESTED_FROM and domain not in held and "." in domain and warning_of(domain) is None
    ]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:MAX_SUGGESTED]
