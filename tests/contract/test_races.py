"""Eight at once through the real cloud: the browser that comes back twice, and the button that is pressed again."""

from __future__ import annotations

import pytest
from django.utils import timezone

from cloud.models import AppToken, Installation
from connect import handshake
from connect.client import CloudClient
from connect.models import Connection
from enterprises.models import AuditEvent
from tests.factories import make_user
from tests.support.line import Journey, connect, consented, make_ledger, make_server
from tests.support.races import THREADS, race
from tests.support.wsgi_adapter import WsgiAdapter

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTION = 'UPDATE "connect_connection"'


def own() -> Connection:
    return Connection.objects.select_related("server__enterprise").get()


@pytest.fixture
def journey() -> Journey:
    """A handshake that only waits for the browser to come back."""
    owner = make_user("olivia")
    connection = make_server("octo-server", owner=owner).connection
    return consented(connection, make_ledger("octo", owner=owner).enterprise, owner=owner)


def test_a_browser_that_comes_back_eight_times_connects_once(journey: Journey) -> None:
    def finish(_number: int) -> Connection:
        return handshake.finish(
            connection=own(),
            code=journey.code,
            state=journey.state,
            session_state=journey.state,
            by=None,
            at=timezone.now(),
            adapter=WsgiAdapter(),
        )

    results = race(finish, before=CONNECTION, refusals=(handshake.StateMismatch,))

    assert [type(result) for result in results].count(Connection) == 1
    assert Installation.objects.count() == 1
    assert AuditEvent.objects.filter(action="dotcom_connection.create").count() == 1


def test_completing_eight_times_gives_everybody_the_same_connection(journey: Journey) -> None:
    Connection.objects.update(pending_code=journey.code, pending_code_at=timezone.now())

    results = race(
        lambda _number: handshake.retry(connection=own(), by=None, at=timezone.now(), adapter=WsgiAdapter()),
        before=CONNECTION,
    )

    assert {result.installation_id for result in results} == {Installation.objects.get().pk}
    assert AuditEvent.objects.filter(action="dotcom_connection.create").count() == 1


def test_eight_workers_may_renew_at_once() -> None:
    owner = make_user("olivia")
    connect(make_server("octo-server", owner=owner), make_ledger("octo", owner=owner).enterprise, owner=owner)

    def token(_number: int) -> str:
        with CloudClient(own(), adapter=WsgiAdapter()) as cloud:
            return cloud.token()

    tokens = race(token, before=CONNECTION)

    assert own().token in tokens
    assert AppToken.objects.count() == len(set(tokens)) == THREADS
