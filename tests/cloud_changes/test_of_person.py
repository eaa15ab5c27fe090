"""What happened to a person: since when, by which sync, and why."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from cloud import changes
from cloud.models import Ledger, Revision
from tests.cloud.books import connect, import_members, member, sync

pytestmark = pytest.mark.django_db

VERIFIED = [{"email": "mona@octo.example", "verified": True}]


def told(ledger: Ledger, label: str) -> list[tuple[int, str, str]]:
    events = changes.events_of(ledger.licenses.get(label=label))
    return [(event.revision.number, event.cause, event.why) for event in events]


def test_person_tells_since_when_and_what_changed_newest_first(
    ledger: Ledger, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    one, two = connect(ledger, "ghes1.octo.example"), connect(ledger, "ghes2.octo.example")
    import_members(ledger, member(7, "mona", emails=VERIFIED))
    sync(one, [(1, "mona@octo.example")])
    sync(two, [(1, "other@octo.example")])
    sync(two, [(1, "mona@octo.example")])
    import_members(ledger, member(7, "mona", suspended=True, emails=VERIFIED))

    assert told(ledger, "mona") == [
        (5, "Import of members", "consumes on servers only now"),
        (4, "Sync of ghes2.octo.example", "one more account, which was somebody else's before"),
        (2, "Sync of ghes1.octo.example", "one more account on ghes1.octo.example"),
        (1, "Import of members", "joined the cloud"),
    ]
    mona = ledger.licenses.get(label="mona")
    with django_assert_num_queries(2):
        assert [event.is_arrival for event in changes.events_of(mona)] == [False, False, False, True]


def test_what_was_counted_before_reasons_were_kept_has_none(ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(1, "mona@octo.example"), (2, "cara@octo.example")])
    ledger.licenses.filter(label="mona@octo.example").update(since_reason="")
    ledger.licenses.filter(label="cara@octo.example").update(since_revision=None)

    assert told(ledger, "mona@octo.example") == [(1, "Sync of ghes1.octo.example", "")]
    assert told(ledger, "cara@octo.example") == []


def test_revision_that_is_not_kept_any_more_is_left_out(ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(1, "mona@octo.example")])
    Revision.objects.all().delete()

    assert told(ledger, "mona@octo.example") == []
