"""Find people: everybody for whom all of a filter holds, in the order that it says."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from cloud.models import ConsumedLicense, Ledger, Member, MemberRole, ServerAccount
from cloud.models.members import ENTERPRISE_ROLE
from cloud.models.people import SINCE
from cloud.people.filters import EVERYBODY, NO_DOMAIN, Answer, Deployment, LicenseType, PeopleFilter, Sort, TwoFactor
from cloud.people.visible import Viewer, sight

# Whole servers of robots share one address; a page of people must not grow with them.
MAX_ACCOUNTS_LISTED: Final = 20
# So many are looked up one by one; where there are more, a list is read in its order until a page is full.
FEW: Final = 500

_SERVER_ACCOUNT = re.compile(r"(?P<host>[^\s:]+):(?P<user_id>[0-9]{1,16})")
DEPLOYMENTS: Final = {
    Deployment.CLOUD: Q(on_cloud=True, server_accounts=0),
    Deployment.SERVER: Q(on_cloud=False),
    # Not a range: SQLite would then leave the order of the list for it.
    Deployment.BOTH: Q(on_cloud=True) & ~Q(server_accounts=0),
}
_FLAGS: Final = {"ambiguous": Q(is_ambiguous=True), "subscription": Q(is_counted=False)}
_TWO_FACTOR: Final[dict[TwoFactor, tuple[str, str | bool]]] = {
    TwoFactor.ENABLED: ("two_factor", "true"),
    TwoFactor.DISABLED: ("two_factor", "false"),
    TwoFactor.UNKNOWN: ("two_factor__isnull", True),
}
ORDERS: Final = {
    Sort.NAME: ("label", "person_key"),
    Sort.NAME_LAST: ("-label", "-person_key"),
    Sort.MOST_ACCOUNTS: ("-server_accounts", "label", "person_key"),
    Sort.FEWEST_ACCOUNTS: ("server_accounts", "-label", "-person_key"),
    Sort.NEWEST: ("-since", "label", "person_key"),
    Sort.OLDEST: ("since", "-label", "-person_key"),
}
"""Each is an index, or one read backwards; ``since`` is ``cloud.models.people.SINCE``."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person in a list, with the first of the server accounts behind the license."""

    license: ConsumedLicense
    accounts: tuple[ServerAccount, ...]

    @property
    def accounts_not_shown(self) -> int:
        """How many more there are."""
        return max(self.license.server_accounts - len(self.accounts), 0)


@dataclass(frozen=True, kw_only=True)
class _Condition:
    """One part of a filter, and where an index tells them, the person keys or member numbers for which it holds."""

    holds: Q | Exists
    holders: QuerySet[Any, Any] | None = None

    def keys(self) -> set[str] | None:
        """The keys for which it holds, if they are few."""
        found = None if self.holders is None else list(self.holders[: FEW + 1])
        if found is None or len(found) > FEW:
            return None
        return {one if isinstance(one, str) else f"m:{one}" for one in found}


def people(ledger: Ledger, wanted: PeopleFilter = EVERYBODY) -> QuerySet[ConsumedLicense]:
    """The people that are meant with their members, in the order that is meant.

    A search looks into logins, names, the addresses that every viewer may see (``cloud.people.visible``; primary ones
    of server accounts), and ``host:id`` of a server account. Every other condition is asked first whether it holds for
    few, until one does, and then only those are looked at: at most one query each, and one more.
    """
    conditions = list(_conditions(ledger, wanted))
    few = next((keys for condition in conditions if (keys := condition.keys()) is not None), None)
    licenses = ConsumedLicense.objects.filter(ledger=ledger)
    if few is not None:
        # By primary key alone: with the ledger beside it, SQLite reads everybody in order instead.
        licenses = ConsumedLicense.objects.filter(
            pk__in=list(licenses.filter(person_key__in=sorted(few)).values_list("pk", flat=True))
        )
    for condition in conditions:
        licenses = licenses.filter(condition.holds)
    return licenses.select_related("member").alias(since=SINCE).order_by(*ORDERS[wanted.sort])


def rows_of(found: QuerySet[ConsumedLicense], rows: slice) -> list[ConsumedLicense]:
    """Some rows of what was found, with their members, in two queries: those that are passed over are not joined."""
    keys = list(found.values_list("pk", flat=True)[rows])
    read = ConsumedLicense.objects.select_related("member").in_bulk(keys)
    return [read[key] for key in keys if key in read]


def view_counts(licenses: QuerySet[ConsumedLicense]) -> dict[str, int]:
    """How many of these people are of each deployment, ambiguous and with a subscription, in one query."""
    views = {**{str(name): condition for name, condition in DEPLOYMENTS.items()}, **_FLAGS}
    return licenses.order_by().aggregate(**{name: Count("pk", filter=condition) for name, condition in views.items()})


def _conditions(ledger: Ledger, wanted: PeopleFilter) -> Iterator[_Condition]:
    """The parts of a filter, those first that tend to hold for few."""
    if wanted.ambiguous:
        is_so = wanted.ambiguous is Answer.YES
        yield _on_license(ledger, Q(is_ambiguous=is_so), is_rare=is_so)
    if wanted.license_type:
        has_subscription = wanted.license_type is LicenseType.VISUAL_STUDIO
        yield _on_license(ledger, Q(is_counted=not has_subscription), is_rare=has_subscription)
    yield from _having_roles(ledger, wanted)
    if wanted.domain:
        yield _on_domain(ledger, wanted.domain)
    if wanted.two_factor:
        name, value = _TWO_FACTOR[wanted.two_factor]
        members = Member.objects.filter(ledger=ledger, **{name: value})
        yield _Condition(
            holds=Q(("member__isnull", False), (f"member__{name}", value)),
            holders=members.values_list("number", flat=True),
        )
    if wanted.server:
        yield _on_server(ledger, wanted.server)
    if wanted.deployment:
        is_rare = wanted.deployment is not Deployment.BOTH
        yield _on_license(ledger, DEPLOYMENTS[wanted.deployment], is_rare=is_rare)
    if wanted.q:
        yield _Condition(holds=_matching(ledger, wanted.q))


def _on_license(ledger: Ledger, condition: Q, *, is_rare: bool = True) -> _Condition:
    """Without an index of its own, ``is_rare`` is False."""
    holders = ConsumedLicense.objects.filter(condition, ledger=ledger).values_list("person_key", flat=True)
    return _Condition(holds=condition, holders=holders if is_rare else None)


def _having_roles(ledger: Ledger, wanted: PeopleFilter) -> Iterator[_Condition]:
    """An organization, a role, or the role in the organization; a role of the enterprise is held beside it."""
    roles = MemberRole.objects.filter(ledger=ledger)
    is_of_enterprise = wanted.role.startswith(ENTERPRISE_ROLE)
    if wanted.role and (is_of_enterprise or not wanted.organization):
        yield _of_member(roles.filter(role=wanted.role))
    if wanted.organization:
        here = roles.filter(organization=wanted.organization)
        yield _of_member(here.filter(role=wanted.role) if wanted.role and not is_of_enterprise else here)


def _of_member(rows: QuerySet[Any]) -> _Condition:
    """Members of whom there is such a row, by number."""
    return _Condition(
        holds=Exists(rows.filter(number=OuterRef("member__number"))),
        holders=rows.values_list("number", flat=True),
    )


def _on_domain(ledger: Ledger, domain: str) -> _Condition:
    """Members with a visible address on a domain, or without one on any domain that makes addresses visible."""
    seen = sight(ledger, Viewer.BILLING_MANAGER)
    held = seen.members_addresses()
    if domain != NO_DOMAIN:
        return _of_member(held.filter(at_domain=f"@{domain}"))
    on_any = held.filter(at_domain__in=[f"@{one}" for one in sorted(seen.domains)], number=OuterRef("member__number"))
    return _Condition(holds=Q(~Exists(on_any), member__isnull=False))


def _on_server(ledger: Ledger, hostname: str) -> _Condition:
    installations = list(ledger.installations.filter(hostname=hostname).values_list("pk", flat=True))
    accounts = ServerAccount.objects.filter(installation__in=installations)
    # One list for all of them: SQLite would go through the whole server for each person.
    return _Condition(
        holds=Q(person_key__in=accounts.values("person_key")), holders=accounts.values_list("person_key", flat=True)
    )


def _matching(ledger: Ledger, wanted: str) -> Q:
    members = Member.objects.filter(ledger=ledger).filter(Q(login__icontains=wanted) | Q(name__icontains=wanted))
    accounts = ServerAccount.objects.filter(ledger=ledger)
    condition = (
        Q(label__icontains=wanted)
        | Q(member__in=members.values("pk"))
        | Q(person_key__in=accounts.filter(primary_address__contains=wanted.lower()).values("person_key"))
    )
    holders = sight(ledger, Viewer.BILLING_MANAGER).members_addresses().filter(value__contains=wanted.lower())
    known = Member.objects.filter(ledger=ledger, number__in=holders.values("number"))
    condition |= Q(member__in=known.values("pk"))
    if named := _SERVER_ACCOUNT.fullmatch(wanted):
        account = accounts.filter(installation__hostname=named["host"].lower(), user_id=int(named["user_id"]))
        condition |= Q(person_key__in=account.values("person_key"))
    return condition


def with_accounts(ledger: Ledger, licenses: Iterable[ConsumedLicense]) -> list[Person]:
    """The same people with the first of their server accounts, and servers, in one more query."""
    listed = list(licenses)
    keys = [license_.person_key for license_ in listed if license_.server_accounts]
    accounts: defaultdict[str, list[ServerAccount]] = defaultdict(list)
    order = ("installation__hostname", "user_id")
    place = Window(RowNumber(), partition_by="person_key", order_by=order)
    found = ServerAccount.objects.filter(ledger=ledger, person_key__in=keys).select_related("installation")
    first = found.annotate(place=place).filter(place__lte=MAX_ACCOUNTS_LISTED)
    for account in first.order_by(*order) if keys else ():
        accounts[account.person_key].append(account)
    return [Person(license=license_, accounts=tuple(accounts[license_.person_key])) for license_ in listed]
