"""All pairs together free as many licenses as they would if all of them became one."""

from __future__ import annotations

import random

from cloud.consumption import totals
from cloud.models import ConsumedLicense, Ledger, Suspect
from cloud.suspects.stakes import counted_twice
from cloud.worklist.listing import counts
from tests.cloud.books import connect, sync
from tests.cloud.pairs import note_pair

PEOPLE = 12


def groups(pairs: set[tuple[int, int]]) -> int:
    """How many people there are if each pair is one, by plain Python."""
    parts = [{number} for number in range(PEOPLE)]
    for one, other in pairs:
        touched = [part for part in parts if part & {one, other}]
        parts = [part for part in parts if part not in touched] + [set().union(*touched)]
    return len(parts)


def test_together_they_free_what_is_left_over(ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(1 + n, f"u{n}@octo.example") for n in range(PEOPLE)])
    assert totals(ledger).consumed == PEOPLE
    everybody = sorted(ConsumedLicense.objects.values_list("person_key", flat=True))
    some = [(a, b) for a in range(PEOPLE) for b in range(a)]
    chance = random.Random(1)

    for _round in range(12):
        Suspect.objects.all().delete()
        pairs = set(chance.sample(some, chance.randint(0, PEOPLE)))
        for one, other in pairs:
            note_pair(ledger, everybody[one], everybody[other], score=chance.randint(60, 99))
        for one, other in chance.sample(sorted(set(some) - pairs), 5):
            note_pair(ledger, everybody[one], everybody[other], state=Suspect.State.DISMISSED)

        free_together = PEOPLE - groups(pairs)

        assert counts(ledger).licenses_at_stake == free_together
        assert len(pairs) - counted_twice(ledger) == free_together
