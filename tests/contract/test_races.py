"""Eight at once through the real cloud: the browser that comes back twice, and the button that is pressed again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from cloud.models import AppToken, Installation
from connect import handshake
from connect.client import CloudClient
from connect.failures import CloudFailure
from connect.models import Connection
from enterprises.models import AuditEvent
from tests.factories import make_user
from tests.support.line import Journey, connect, consented, make_ledger, make_server
from tests.support.wsgi_adapter import WsgiAdapter

THREADS = 8

pytestmark = pytest.mark.django_db(transaction=True)


def together(work: Callable[[Connection], object], connection: Connection) -> list[object]:
    """Run it in eight threads that start at the same moment, each with a row and a database connection of its own."""
    barrier = threading.Barrier(THREADS)

    def run(_: int) -> object:
        try:
            own = Connection.objects.select_related("server__enterprise").get(pk=connection.pk)
            barrier.wait(timeout=30)
            return work(own)
        except (handshake.HandshakeFailed, CloudFailure) as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.fixture
def journey() -> tuple[Connection, Journey]:
    """A handshake that only waits for the browser to come back."""
    owner = make_user("olivia")
    connection = make_server("octo-server", owner=owner).connection
    return connection, consented(connection, make_ledger("octo", owner=owner).enterprise, owner=owner)


def test_a_browser_that_comes_back_eight_times_connects_once(journey: tuple[Connection, Journey]) -> None:
    connection, brought = journey

    def finish(own: Connection) -> object:
        return handshake.finish(
            connection=own,
            code=brought.code,
            state=brought.state,
            session_state=brought.state,
            by=None,
            at=timezone.now(),
            adapter=WsgiAdapter(),
        )

    results = together(finish, connection)

    assert [type(result) for result in results].count(Connection) == 1
    assert [type(result) for result in results].count(handshake.StateMismatch) == THREADS - 1
    assert Installation.objects.count() == 1
    assert AuditEvent.objects.filter(action="dotcom_connection.create").count() == 1


def test_completing_eight_times_gives_everybody_the_same_connection(journey: tuple[Connection, Journey]) -> None:
    connection, brought = journey
    Connection.objects.filter(pk=connection.pk).update(pending_code=brought.code, pending_code_at=timezone.now())

    results = together(
        lambda own: handshake.retry(connection=own, by=None, at=timezone.now(), adapter=WsgiAdapter()), connection
    )

    assert {result.installation_id for result in results if isinstance(result, Connection)} == {
        Installation.objects.get().pk
    }
    assert len([result for result in results if isinstance(result, Connection)]) == THREADS
    assert AuditEvent.objects.filter(action="dotcom_connection.create").count() == 1


def test_eight_workers_may_renew_at_once() -> None:
    owner = make_user("olivia")
    server = make_server("octo-server", owner=owner)
    connection = connect(server, make_ledger("octo", owner=owner).enterprise, owner=owner)

    def token(own: Connection) -> str:
        with CloudClient(own, adapter=WsgiAdapter()) as cloud:
            return cloud.token()

    tokens = together(token, connection)

    assert Connection.objects.get(pk=connection.pk).token in tokens
    assert AppToken.objects.count() == len(set(tokens))
