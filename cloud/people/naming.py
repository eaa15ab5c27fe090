"""Find the one person that somebody names on the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cloud.models import Member, MemberAddress, ServerAccount
from wire.addresses import AddressInvalid, normalize

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from cloud.models import ConsumedLicense, Ledger

_SERVER_ACCOUNT: Final = re.compile(r"(?P<host>[^\s:]+):(?P<user_id>[0-9]{1,16})")
_NUMBER: Final = re.compile(r"#(?P<number>[0-9]{1,16})")
MAX_NAMED: Final = 5


class PersonNotNamed(LookupError):
    """Nobody is listed under that name, or several people are: ``labels`` are the first of them."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        """Keep who might have been meant."""
        self.labels = labels
        super().__init__(", ".join(labels))


def find_person(ledger: Ledger, name: str) -> ConsumedLicense:
    """The person with that login, address, ``host:id`` of a server account, or ``#`` and the number of their page.

    An address is one of a server account (the primary one) or of a member, verified or not.

    :raises PersonNotNamed: nobody, or several.
    """
    people = ledger.licenses.select_related("member", "ledger")
    found = list(_named(ledger, people, name.strip()).order_by("label", "person_key")[:MAX_NAMED])
    if len(found) != 1:
        raise PersonNotNamed(tuple(person.label for person in found))
    return found[0]


def _named(ledger: Ledger, people: QuerySet[ConsumedLicense], name: str) -> QuerySet[ConsumedLicense]:
    if numbered := _NUMBER.fullmatch(name):
        return people.filter(pk=int(numbered["number"]))
    accounts = ServerAccount.objects.filter(ledger=ledger)
    if account := _SERVER_ACCOUNT.fullmatch(name):
        of_server = accounts.filter(installation__hostname=account["host"].lower(), user_id=int(account["user_id"]))
        return people.filter(person_key__in=of_server.values("person_key"))
    if "@" not in name:
        return people.filter(member__in=Member.objects.filter(ledger=ledger, login__iexact=name))
    try:
        address = normalize(name)
    except AddressInvalid:
        return people.none()
    keys = set(accounts.filter(primary_address=address).values_list("person_key", flat=True))
    holders = MemberAddress.objects.filter(ledger=ledger, value=address).values_list("number", flat=True)
    return people.filter(person_key__in=keys | {f"m:{number}" for number in holders})
