"""Find people: all of them in the one order that every list has, or those that a search or filter is about."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from cloud.models import ConsumedLicense, Ledger, Member, ServerAccount
from cloud.people.visible import Viewer, sight

MAX_SEARCH_LENGTH: Final = 320
# Whole servers of robots share one address; a page of people must not grow with them.
MAX_ACCOUNTS_LISTED: Final = 20

_SERVER_ACCOUNT = re.compile(r"(?P<host>[^\s:]+):(?P<user_id>[0-9]{1,16})")
VIEWS: Final = {
    "cloud": Q(server_accounts=0),
    "server": Q(on_cloud=False, server_accounts__gt=0),
    "both": Q(on_cloud=True, server_accounts__gt=0),
    "ambiguous": Q(is_ambiguous=True),
    "subscription": Q(is_counted=False),
}
"""Parts of the list: the first three by where the license comes from, together the whole; the others across them."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person in a list, with the first of the server accounts behind the license."""

    license: ConsumedLicense
    accounts: tuple[ServerAccount, ...]

    @property
    def accounts_not_shown(self) -> int:
        """How many more there are."""
        return max(self.license.server_accounts - len(self.accounts), 0)


def people(ledger: Ledger, *, search: str = "", view: str = "") -> QuerySet[ConsumedLicense]:
    """The people of an account with their members, by label.

    ``view`` is one of ``VIEWS``, everything else is all of them. ``search`` looks into logins, names, the addresses
    that every viewer may see (``cloud.people.visible``; primary ones of server accounts), and ``host:id`` of a
    server account.
    """
    found = ConsumedLicense.objects.filter(ledger=ledger).select_related("member")
    if view in VIEWS:
        found = found.filter(VIEWS[view])
    wanted = "".join(character for character in search if character.isprintable()).strip()[:MAX_SEARCH_LENGTH]
    if wanted:
        found = found.filter(_matching(ledger, wanted))
    return found.order_by("label", "person_key")


def view_counts(licenses: QuerySet[ConsumedLicense]) -> dict[str, int]:
    """How many of these people are in each of ``VIEWS``, in one query."""
    return licenses.aggregate(**{name: Count("pk", filter=condition) for name, condition in VIEWS.items()})


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
