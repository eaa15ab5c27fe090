"""In a company whose truth is known, every fix that is proposed makes the two one, and frees what it says."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from cloud import consumption
from cloud.models import ConsumedLicense, Ledger, Member, MemberAddress, ServerAccount, Suspect
from cloud.suspects import runs, searching
from tests.cloud import labelled
from tests.cloud.books import NOW
from wire.lines import make_line

if TYPE_CHECKING:
    from cloud.suspects.evidence import Fix

PEOPLE = 400
OF_A_KIND = 5


def do(ledger: Ledger, suspect: Suspect, fix: Fix) -> None:
    """What the fix says; where somebody has several accounts, with all of them."""
    members = Member.objects.filter(ledger=ledger, number=fix["number"] or 0)
    if fix["action"] == "verify":
        MemberAddress.objects.create(ledger=ledger, number=fix["number"] or 0, rank=2, value=fix["address"])
    elif fix["action"] == "leave" and fix["number"]:
        MemberAddress.objects.filter(ledger=ledger, number=fix["number"]).delete()
        members.delete()
    else:
        account = ServerAccount.objects.get(installation=fix["installation"] or 0, user_id=fix["user_id"] or 0)
        theirs = ServerAccount.objects.filter(ledger=ledger, person_key=account.person_key)
        assert theirs.count() == fix["more"] + 1
        assert account.person_key in {suspect.first_key, suspect.second_key}
        if fix["action"] == "leave":
            theirs.delete()
        for one in theirs:
            one.primary_address, one.line = fix["address"], make_line(one.user_id, fix["address"]).decode()
            one.save()


@pytest.mark.sqlite
@pytest.mark.django_db
def test_every_fix_makes_the_two_one(ledger: Ledger) -> None:
    labelled.found(ledger, people=PEOPLE, seed=7)
    searching.search(runs.request(ledger, NOW)[0].pk, lambda: NOW)
    before = consumption.totals(ledger).consumed
    chance = random.Random(7)
    tried = 0

    for kind in Suspect.Kind.values:
        of_kind = list(Suspect.objects.filter(kind=kind).order_by("pk"))
        for suspect in chance.sample(of_kind, min(OF_A_KIND, len(of_kind))):
            for fix in suspect.fixes:
                with transaction.atomic():
                    do(ledger, suspect, fix)
                    consumption.recount_all(ledger, NOW)
                    freed = before - consumption.totals(ledger).consumed
                    left = ConsumedLicense.objects.filter(person_key__in=[suspect.first_key, suspect.second_key])
                    assert (freed, left.count()) == (suspect.licenses_at_stake, 1), (kind, fix["action"])
                    transaction.set_rollback(True)
                tried += 1

    assert tried > 30
