"""The home page's word about each cloud account: which server needs somebody, and whom."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cloud.home import home_states
from cloud.models import Installation, Ledger
from cloud.refusals import sentence
from enterprises.home import HomeState
from tests.cloud.books import connect, open_books
from wire.messages import ErrorCode

OFF = {"features": [{"name": "license_sync", "enabled_at": None}]}


def state_of(ledger: Ledger) -> HomeState:
    return home_states([ledger.enterprise])[ledger.enterprise_id]


def server(ledger: Ledger, hostname: str, *, days: int = 1, **fields: object) -> Installation:
    """One that synced so many days ago."""
    installation = connect(ledger, hostname)
    at = timezone.now() - timedelta(days=days)
    Installation.objects.filter(pk=installation.pk).update(**{"last_sync_at": at, "last_attempt_at": at, **fields})
    return installation


@pytest.mark.parametrize(
    "code", [ErrorCode.REVISION_CONFLICT, ErrorCode.HOSTNAME_CHANGED, ErrorCode.SHRINK_UNCONFIRMED]
)
def test_what_the_server_s_owner_decides_is_said_with_the_server(ledger: Ledger, code: ErrorCode) -> None:
    server(ledger, "ghes1.octo.example", last_status="failure", last_error=str(sentence(code)))

    state = state_of(ledger)

    assert (str(state.label), state.tone) == ("Waits for a server's owner", "danger")
    assert "the server's owner" in state.need
    assert "ghes1.octo.example." in state.need
    assert state.url == "/enterprises/octo/licensing"


@pytest.mark.parametrize(
    ("count", "named"),
    [(1, "ghes1.example."), (2, "ghes1.example and 1 other."), (4, "ghes1.example and 3 others.")],
)
@pytest.mark.parametrize(
    ("fields", "label", "need"),
    [
        ({"last_status": "failure", "last_error": "No."}, "A sync failed", "The last sync failed: "),
        ({"days": 9}, "A server is stale", "Not synced for more than 8 days: "),
    ],
)
def test_one_server_is_named_and_the_others_counted(
    ledger: Ledger, fields: dict[str, int], label: str, need: str, count: int, named: str
) -> None:
    for number in range(count):
        server(ledger, f"ghes{number + 1}.example", **fields)

    state = state_of(ledger)

    assert (str(state.label), state.need) == (label, need + named)


def test_server_whose_license_sync_is_off_is_not_stale(ledger: Ledger) -> None:
    server(ledger, "ghes1.example", days=9, record=OFF, record_at=timezone.now())

    state = state_of(ledger)

    assert (str(state.label), state.tone) == ("License sync is off", "attention")
    assert state.need.endswith("to Enabled on its GitHub Connect page: ghes1.example.")


def test_many_accounts_take_as_many_queries_as_one(
    ledger: Ledger, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ledgers = [ledger, open_books("acme"), open_books("globex")]
    for number, one in enumerate([*ledgers, ledger]):
        server(one, f"ghes{number}.example")

    with django_assert_num_queries(2):
        states = home_states([one.enterprise for one in ledgers])

    assert len(states) == 3
