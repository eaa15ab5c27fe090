"""Two beats, or a beat and a command, make one statement of a month."""

import pytest

from cloud import statements
from cloud.models import Ledger, Statement
from tests.cloud.books import import_members, member, open_books
from tests.cloud.test_statements import APRIL_BEGINS, MARCH
from tests.support.races import THREADS, race, without_lock, without_unique

pytestmark = pytest.mark.django_db(transaction=True)


def make_by_eight_beats() -> int:
    """Eight beats make what is due; return how many statements of the month there are."""
    ledger = open_books("octo")
    import_members(ledger, member(1, "mona"))
    race(lambda _number: statements.make_due(APRIL_BEGINS), before="INSERT INTO .cloud_statement")
    return Statement.objects.filter(ledger=ledger).count()


def test_many_beats_make_one_statement() -> None:
    assert make_by_eight_beats() == 1


@pytest.mark.postgres
def test_without_lock_and_constraint_they_make_eight() -> None:
    with without_unique(Statement, "statement_ledger_month"), without_lock(Ledger):
        assert make_by_eight_beats() == THREADS


def test_everybody_who_asks_gets_the_statement_of_the_first() -> None:
    ledger = open_books("octo")
    import_members(ledger, member(1, "mona"))

    def make(_number: int) -> int:
        return statements.make_month(ledger=ledger, month=MARCH, at=APRIL_BEGINS).pk

    made = race(make)

    assert set(made) == set(Statement.objects.values_list("pk", flat=True))
    assert len(set(made)) == 1
