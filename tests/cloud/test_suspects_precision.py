"""In a company whose truth is known, who is called probably the same person mostly is: the first ones always."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from cloud.models import Suspect
from cloud.suspects import runs, searching
from tests.cloud import labelled
from tests.cloud.books import NOW, open_books
from tests.support.shared_rows import shared_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

# The rules are sent to PostgreSQL by test_suspects_finding.
pytestmark = pytest.mark.sqlite

PEOPLE = 3_000
Kind = Suspect.Kind


@dataclass(frozen=True)
class Measured:
    """What was found, in the order of the list, and whether it is right; how often somebody is counted too often."""

    found: list[tuple[str, bool]]
    counted_too_often: int

    def precision(self, kind: str = "") -> float:
        right = [is_right for one, is_right in self.found if kind in {"", one}]
        return sum(right) / len(right)

    @property
    def recall(self) -> float:
        return sum(is_right for _kind, is_right in self.found) / self.counted_too_often


@pytest.fixture(scope="module")
def measured(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Measured]:
    with shared_rows(django_db_blocker):
        with django_db_blocker.unblock():
            ledger = open_books("octo")
            company = labelled.found(ledger, people=PEOPLE)
            searching.search(runs.request(ledger, NOW)[0].pk, lambda: NOW)
            owners = labelled.owners_of(ledger, company)
            listed = Suspect.objects.order_by("-licenses_at_stake", "-score", "pk")
            pairs = listed.values_list("kind", "first_key", "second_key")
            found = [(kind, bool(owners[first] & owners[second])) for kind, first, second in pairs]
        keys: defaultdict[int, set[str]] = defaultdict(set)
        for key, some in owners.items():
            for owner in some:
                keys[owner].add(key)
        yield Measured(found, sum(len(some) - 1 for some in keys.values()))


@pytest.mark.parametrize(
    ("kind", "at_least"),
    [
        (Kind.SECONDARY, 0.95),
        (Kind.UNVERIFIED, 0.97),
        (Kind.PLUS_TAG, 0.90),
        (Kind.DOTS, 0.85),
        (Kind.LOCAL_PART, 0.85),
    ],
)
def test_each_kind_of_evidence_is_mostly_right(measured: Measured, kind: str, at_least: float) -> None:
    assert sum(one == kind for one, _is_right in measured.found) > 30
    assert measured.precision(kind) >= at_least


def test_all_in_all(measured: Measured) -> None:
    """One in thirty who are counted too often cannot be found: no address of theirs tells."""
    assert measured.precision() >= 0.94
    assert measured.recall >= 0.75


def test_whoever_begins_at_the_top_meets_nobody_who_is_not(measured: Measured) -> None:
    wrong = [place for place, (_kind, is_right) in enumerate(measured.found) if not is_right]

    assert wrong[0] >= 300
    assert len(wrong) > 10, "What only looks like one person is in this world, too."
