"""Find the account and the person that a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.management.base import CommandError

from cloud.models import Ledger
from cloud.people.naming import PersonNotNamed, find_person

if TYPE_CHECKING:
    from cloud.models import ConsumedLicense

PERSON: Final = "login, address, host:id of a server account, or # and the number of the person's page"


def find_account(cloud: str) -> Ledger:
    """:raises CommandError: when there is none of that name."""
    ledger = Ledger.objects.select_related("enterprise").filter(enterprise__slug=cloud).first()
    if ledger is None:
        raise CommandError(f"There is no cloud account {cloud!r}; create_enterprise makes one.")
    return ledger


def named(cloud: str, person: str) -> ConsumedLicense:
    """:raises CommandError: no such account, nobody of that name, or several."""
    try:
        return find_person(find_account(cloud), person)
    except PersonNotNamed as error:
        if error.labels:
            raise CommandError(f"{person!r} is said of several people: {error}.") from error
        raise CommandError(f"Nobody is listed in {cloud} under {person!r}.") from error
