"""A connection's state when eight change it at the same moment, and what would happen without each guard."""

from __future__ import annotations

from functools import partial
from itertools import count

import pytest
from django.utils import timezone

from connect import handshake, transitions
from connect.credentials import keep_token, prepare_app_key, switch_app_key
from connect.models import Connection, Server
from connect.receipts import pin_followers
from enterprises.models import AuditEvent
from enterprises.secrets import digest
from tests.connect.connections import app_key_pem, receipt_key
from tests.support.line import callback, make_server
from tests.support.races import THREADS, race, without_condition, without_lock
from wire import signing
from wire.messages import AccessToken, Account, EndorsedKey, Installation, ReceiptKey

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTION = 'UPDATE "connect_connection"'


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


def take_eight(server: Server, state: str) -> list[str]:
    """Eight browsers come back with the same state; return the codes that were taken."""

    def bring(number: int) -> str:
        own = Connection.objects.get(pk=server.connection.pk)
        code = f"code-{number}"
        is_taken = transitions.take_code(own, state_digest=digest(state), code=code, at=timezone.now())
        return code if is_taken else ""

    return [code for code in race(bring, before=CONNECTION) if code]


def test_code_is_taken_once(server: Server, state: str) -> None:
    assert take_eight(server, state) == [Connection.objects.get().pending_code]


@pytest.mark.postgres
def test_without_the_condition_all_eight_are(server: Server, state: str) -> None:
    with without_condition(Connection):
        assert len(take_eight(server, state)) == THREADS


def complete_eight(server: Server, state: str) -> int:
    """Eight conversions of a handshake come to their end; return how many of them connected the server."""
    won = race(lambda _number: complete(server, state), before=CONNECTION).count(True)

    assert AuditEvent.objects.filter(action="dotcom_connection.create").count() == won
    return won


def test_handshake_is_completed_once(server: Server, state: str) -> None:
    assert complete_eight(server, state) == 1


@pytest.mark.postgres
def test_without_the_condition_it_is_completed_eight_times(server: Server, state: str) -> None:
    with without_condition(Connection):
        assert complete_eight(server, state) == THREADS


def complete_or_cancel(server: Server, state: str) -> set[str]:
    """Half of the eight complete the handshake, the others cancel it; return what was done."""

    def act(number: int) -> str:
        if number % 2:
            return "completed" if complete(server, state) else ""
        return "cancelled" if handshake.cancel(connection=Connection.objects.get(pk=server.connection.pk)) else ""

    return set(race(act, before=CONNECTION)) - {""}


def test_handshake_is_never_both_completed_and_cancelled(server: Server, state: str) -> None:
    done = complete_or_cancel(server, state)

    connection = Connection.objects.get()
    assert done == {"completed" if connection.is_connected else "cancelled"}
    assert bool(connection.app_key) == connection.is_connected


@pytest.mark.postgres
def test_without_the_conditions_it_is_both(server: Server, state: str) -> None:
    with without_condition(Connection):
        assert complete_or_cancel(server, state) == {"completed", "cancelled"}


def begin_behind(server: Server, state: str) -> Connection:
    """Eight begin another handshake, and are overtaken by the one that completes the first."""
    race(
        lambda number: transitions.begin(
            Connection.objects.get(pk=server.connection.pk),
            cloud_url="http://localhost:8000",
            state_digest=digest(f"other-{number}"),
            app_key=app_key_pem(),
            by=None,
            at=timezone.now(),
        ),
        before=CONNECTION,
        meanwhile=lambda: complete(server, state),
    )
    return Connection.objects.get()


def test_beginning_never_ends_a_connection(server: Server, state: str) -> None:
    assert begin_behind(server, state).is_connected


@pytest.mark.postgres
def test_without_the_condition_it_does(server: Server, state: str) -> None:
    with without_condition(Connection):
        assert begin_behind(server, state).state == Connection.State.PENDING


def test_of_many_starts_one_handshake_is_under_way(server: Server) -> None:
    begun = race(
        lambda _number: handshake.start(
            connection=Connection.objects.get(pk=server.connection.pk),
            cloud_url="http://localhost:8000",
            by=None,
            at=timezone.now(),
            callback=callback(server),
        )
    )

    connection = Connection.objects.get()
    assert connection.pending_state_digest in {digest(one.state) for one in begun}
    assert signing.load_app_key(connection.pending_app_key)


def end_eight(server: Server, state: str) -> int:
    """Eight times Disable; return how many of them disconnected the server."""
    complete(server, state)

    def end(_number: int) -> bool:
        own = Connection.objects.get(pk=server.connection.pk)
        return transitions.end(own, cloud="deleted", by=None, at=timezone.now(), ip="")

    won = race(end, before=CONNECTION).count(True)
    assert AuditEvent.objects.filter(action="dotcom_connection.destroy").count() == won
    return won


def test_connection_is_ended_once(server: Server, state: str) -> None:
    assert end_eight(server, state) == 1


@pytest.mark.postgres
def test_without_the_condition_it_is_ended_eight_times(server: Server, state: str) -> None:
    with without_condition(Connection):
        assert end_eight(server, state) == THREADS


def prepare_eight(server: Server, state: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Eight processes prepare the App key that shall follow; return how many different keys they offer the cloud."""
    complete(server, state)
    monkeypatch.setattr(signing, "new_app_key", partial(next, count()))
    monkeypatch.setattr(signing, "private_pem", str)

    return len(set(race(lambda _number: prepare_app_key(Connection.objects.get()), before=CONNECTION)))


def test_next_app_key_is_prepared_once(server: Server, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepare_eight(server, state, monkeypatch) == 1


@pytest.mark.postgres
def test_without_the_lock_eight_are_prepared(server: Server, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with without_lock(Connection):
        assert prepare_eight(server, state, monkeypatch) == THREADS


def switch_eight(server: Server, state: str) -> int:
    """Eight processes go over to the prepared key; return how many of them say so in the audit log."""
    complete(server, state)
    Connection.objects.update(next_app_key=app_key_pem())

    def act(_number: int) -> bool:
        own = Connection.objects.select_related("server__enterprise").get()
        return switch_app_key(own, app_key_pem(), by=None, at=timezone.now(), ip="")

    race(act, before=CONNECTION)
    return AuditEvent.objects.filter(action="dotcom_connection.app_key_updated").count()


def test_app_key_is_switched_once(server: Server, state: str) -> None:
    assert switch_eight(server, state) == 1


@pytest.mark.postgres
def test_without_the_lock_it_is_switched_eight_times(server: Server, state: str) -> None:
    with without_lock(Connection):
        assert switch_eight(server, state) == THREADS


def pin_eight(server: Server, state: str) -> int:
    """Eight receipts bring the same new key; return how often the audit log says that it was pinned."""
    complete(server, state)
    following = ReceiptKey(kid="receipts-2", x=signing.public_text(signing.new_identity_key().public_key()))
    word = signing.sign(following, typ=signing.RECEIPT_KEY, key=receipt_key(), kid="receipts-1")
    offered = [EndorsedKey(kid=following.kid, x=following.x, endorsement=word)]

    def act(_number: int) -> None:
        own = Connection.objects.select_related("server__enterprise").get()
        pin_followers(own, offered, at=timezone.now())

    race(act, before=CONNECTION)
    return AuditEvent.objects.filter(action="dotcom_connection.receipt_key_pinned").count()


def test_receipt_key_is_pinned_once(server: Server, state: str) -> None:
    assert pin_eight(server, state) == 1


@pytest.mark.postgres
def test_without_the_lock_it_is_pinned_eight_times(server: Server, state: str) -> None:
    with without_lock(Connection):
        assert pin_eight(server, state) == THREADS


def keep_behind(server: Server, state: str) -> str:
    """Eight workers keep a new token, and are overtaken by Disable; return what is kept."""
    complete(server, state)
    now = timezone.now()
    token = AccessToken(token="of-the-installation", expires_at=now, permissions={})

    def end() -> None:
        transitions.end(Connection.objects.get(), cloud="deleted", by=None, at=now, ip="")

    race(
        lambda _number: keep_token(Connection.objects.get(pk=server.connection.pk), token, now),
        before=CONNECTION,
        meanwhile=end,
    )
    return Connection.objects.get().token


def test_disabled_server_keeps_no_token(server: Server, state: str) -> None:
    assert keep_behind(server, state) == ""


@pytest.mark.postgres
def test_without_the_condition_it_keeps_one(server: Server, state: str) -> None:
    with without_condition(Connection):
        assert keep_behind(server, state) == "of-the-installation"
