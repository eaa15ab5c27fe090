"""Eight at once: a handshake is finished once, and never both finished and cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from connect import handshake, transitions
from connect.failures import CloudFailure, NotConnected
from connect.models import Connection, Server
from enterprises.models import AuditEvent
from enterprises.secrets import digest
from tests.connect.connections import app_key_pem, receipt_key
from tests.support.line import callback, make_server
from wire import signing
from wire.messages import Account, Installation, ReceiptKey

THREADS = 8

pytestmark = pytest.mark.django_db(transaction=True)


def together(work: Callable[[int], object]) -> list[object]:
    """Run it in eight threads that start at the same moment, each with its own connection; exceptions are results."""
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> object:
        try:
            # Opened before the barrier, so that connecting does not part them.
            connections["default"].ensure_connection()
            barrier.wait(timeout=20)
            return work(number)
        except (handshake.HandshakeFailed, CloudFailure) as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.fixture
def server() -> Server:
    """A server, not connected."""
    return make_server("octo-server")


@pytest.fixture
def state(server: Server) -> str:
    """The state of a handshake under way."""
    begun = handshake.start(
        connection=server.connection,
        cloud_url="http://localhost:8000",
        by=None,
        at=timezone.now(),
        callback=callback(server),
    )
    return begun.state


def installation() -> Installation:
    key = ReceiptKey(kid="receipts-1", x=signing.public_text(receipt_key().public_key()))
    account = Account(slug="octo", name="Octo", kind="enterprise")
    return Installation(app_id=42, installation_id=43, account=account, receipt_keys=(key,))


def complete(server: Server, state: str) -> bool:
    connection = Connection.objects.get(pk=server.connection.pk)
    return transitions.complete(
        connection,
        state_digest=digest(state),
        app_key=app_key_pem(),
        installation=installation(),
        by=None,
        at=timezone.now(),
        ip="",
    )


def test_a_code_is_taken_once(server: Server, state: str) -> None:
    def bring(number: int) -> object:
        connection = Connection.objects.get(pk=server.connection.pk)
        return transitions.take_code(connection, state_digest=digest(state), code=f"code-{number}", at=timezone.now())

    results = together(bring)

    assert sorted(results, key=bool) == [False] * (THREADS - 1) + [True]
    winner = results.index(True)
    assert Connection.objects.get(pk=server.connection.pk).pending_code == f"code-{winner}"


def test_a_handshake_is_completed_once(server: Server, state: str) -> None:
    results = together(lambda _: complete(server, state))

    assert results.count(True) == 1
    assert AuditEvent.objects.filter(action="dotcom_connection.create").count() == 1


def test_a_handshake_is_never_both_completed_and_cancelled(server: Server, state: str) -> None:
    def act(number: int) -> object:
        if number % 2:
            return complete(server, state)
        return handshake.cancel(connection=Connection.objects.get(pk=server.connection.pk))

    results = together(act)

    connection = Connection.objects.get(pk=server.connection.pk)
    assert results.count(True) == 1
    assert connection.is_connected == bool(results.index(True) % 2)
    assert bool(connection.app_key) == connection.is_connected
    assert AuditEvent.objects.filter(action="dotcom_connection.create").count() == int(connection.is_connected)


def test_of_many_starts_one_handshake_is_under_way(server: Server) -> None:
    results = together(
        lambda _: handshake.start(
            connection=Connection.objects.get(pk=server.connection.pk),
            cloud_url="http://localhost:8000",
            by=None,
            at=timezone.now(),
            callback=callback(server),
        )
    )

    digests = [digest(begun.state) for begun in results if isinstance(begun, handshake.Handshake)]
    connection = Connection.objects.get(pk=server.connection.pk)
    assert len(digests) == THREADS
    assert connection.pending_state_digest in digests
    assert signing.load_app_key(connection.pending_app_key)


def test_starting_never_ends_a_connection(server: Server, state: str) -> None:
    def act(number: int) -> object:
        if not number:
            return complete(server, state)
        return transitions.begin(
            Connection.objects.get(pk=server.connection.pk),
            cloud_url="http://localhost:8000",
            state_digest=digest(f"other-{number}"),
            app_key=app_key_pem(),
            by=None,
            at=timezone.now(),
        )

    results = together(act)

    connection = Connection.objects.get(pk=server.connection.pk)
    assert connection.is_connected == bool(results[0])
    assert (connection.installation_id == 43) == connection.is_connected


def test_a_connection_is_ended_once(server: Server, state: str) -> None:
    complete(server, state)

    def end(_: int) -> object:
        connection = Connection.objects.get(pk=server.connection.pk)
        if not connection.is_connected:
            raise NotConnected
        return transitions.end(connection, cloud="deleted", by=None, at=timezone.now(), ip="")

    results = together(end)

    assert results.count(True) == 1
    assert AuditEvent.objects.filter(action="dotcom_connection.destroy").count() == 1


def test_the_guard_is_what_keeps_two_from_finishing(server: Server, state: str) -> None:
    """The control: eight that look first and write then, as the code must not, really do overlap here."""
    looked = threading.Barrier(THREADS)

    def look_then_write(_: int) -> bool:
        is_pending = Connection.objects.get(pk=server.connection.pk).state == Connection.State.PENDING
        looked.wait(timeout=20)
        Connection.objects.filter(pk=server.connection.pk).update(account_name="written")
        return is_pending

    assert together(look_then_write) == [True] * THREADS
