"""Two beats, or a beat and a command, make one statement of a month."""

import pytest

from cloud import statements
from cloud.models import Statement
from tests.cloud.books import import_members, member, open_books
from tests.cloud.test_statements import APRIL_BEGINS, MARCH
from tests.support.races import race

pytestmark = pytest.mark.django_db(transaction=True)


def test_many_beats_make_one_statement() -> None:
    ledger = open_books("octo")
    import_members(ledger, member(1, "mona"))

    race(lambda _number: statements.make_due(APRIL_BEGINS), before="INSERT INTO .cloud_statement")

    assert Statement.objects.filter(ledger=ledger).count() == 1


def test_everybody_who_asks_gets_the_statement_of_the_first() -> None:
    ledger = open_books("octo")
    import_members(ledger, member(1, "mona"))

    def make(_number: int) -> int:
        return statements.make_month(ledger=ledger, month=MARCH, at=APRIL_BEGINS).pk

    made = race(make)

    assert set(made) == set(Statement.objects.values_list("pk", flat=True))
    assert len(set(made)) == 1
