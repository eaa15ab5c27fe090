"""The server's side of the handshake before any cloud answers: who may finish it, when, and what it says of itself."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection as database
from django.utils import timezone

from connect import handshake, transitions
from connect.models import Connection, Server
from enterprises.models import User
from enterprises.secrets import digest
from tests.support.line import callback
from tests.support.wsgi_adapter import WsgiAdapter
from wire import signing

CLOUD = "http://localhost:8000"
STATE = "a-state-of-this-test"


def start(server: Server, by: User | None = None) -> handshake.Handshake:
    return handshake.start(
        connection=server.connection, cloud_url=CLOUD, by=by, at=timezone.now(), callback=callback(server)
    )


def finish(server: Server, cloud: WsgiAdapter, state: str, session_state: str, minutes: int = 0) -> Connection:
    return handshake.finish(
        connection=server.connection,
        code="code-of-the-cloud",
        state=state,
        session_state=session_state,
        by=None,
        at=timezone.now() + timedelta(minutes=minutes),
        adapter=cloud,
    )


@pytest.fixture
def cloud() -> WsgiAdapter:
    """The cloud, which most of these tests must never reach."""
    return WsgiAdapter()


def test_start_sends_the_browser_with_a_signed_manifest(server: Server, owner: User) -> None:
    begun = start(server, owner)

    parts = urlsplit(begun.url)
    query = parse_qs(parts.query)
    manifest = signing.read_manifest(query["manifest"][0])
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "localhost:8000", "/enterprise-installations/new")
    assert query["state"] == [begun.state]
    assert (manifest.server_id, manifest.audience) == (str(server.server_id), CLOUD)
    assert manifest.callback == callback(server)


def test_start_keeps_only_the_digest_of_the_state(server: Server, owner: User) -> None:
    begun = start(server, owner)

    connection = Connection.objects.get(pk=server.connection.pk)
    assert len(begun.state) >= 43
    assert connection.pending_state_digest == digest(begun.state)
    assert (connection.state, connection.pending_by) == (Connection.State.PENDING, owner)


def test_the_app_key_is_encrypted_at_rest(server: Server) -> None:
    start(server)

    with database.cursor() as cursor:
        cursor.execute("SELECT pending_app_key FROM connect_connection")
        (kept,) = cursor.fetchone()
    assert "PRIVATE KEY" not in kept


def test_only_configured_clouds_may_be_connected_to(server: Server) -> None:
    with pytest.raises(handshake.CloudNotOffered, match="CLOUD_URLS"):
        handshake.start(
            connection=server.connection, cloud_url="https://evil.example", by=None, at=timezone.now(), callback=""
        )


def test_a_connected_server_is_not_connected_again(server: Server, connection: Connection) -> None:
    with pytest.raises(handshake.AlreadyConnected):
        start(server)

    assert Connection.objects.get(pk=connection.pk).is_connected


@pytest.mark.parametrize("session", ["", "other"])
def test_another_sessions_answer_is_refused(server: Server, cloud: WsgiAdapter, session: str) -> None:
    begun = start(server)

    with pytest.raises(handshake.StateMismatch):
        finish(server, cloud, begun.state, session)

    assert cloud.sent == []


@pytest.mark.parametrize("state", ["", "made-up"])
def test_a_state_of_no_handshake_is_refused(server: Server, cloud: WsgiAdapter, state: str) -> None:
    start(server)

    with pytest.raises(handshake.StateMismatch):
        finish(server, cloud, state, state)

    assert cloud.sent == []


def test_an_empty_state_does_not_match_a_server_without_handshake(server: Server, cloud: WsgiAdapter) -> None:
    with pytest.raises(handshake.StateMismatch):
        finish(server, cloud, "", "")


def test_a_state_serves_once(server: Server, cloud: WsgiAdapter) -> None:
    begun = start(server)
    assert transitions.take_code(
        server.connection, state_digest=digest(begun.state), code="code-of-the-cloud", at=timezone.now()
    )

    with pytest.raises(handshake.StateMismatch):
        finish(server, cloud, begun.state, begun.state)

    assert cloud.sent == []


def test_after_five_minutes_it_is_too_late(server: Server, cloud: WsgiAdapter) -> None:
    begun = start(server)

    with pytest.raises(handshake.HandshakeExpired):
        finish(server, cloud, begun.state, begun.state, minutes=5)

    assert cloud.sent == []
    assert start(server).state != begun.state


def test_there_is_nothing_to_complete_before_a_code_came(server: Server) -> None:
    start(server)

    with pytest.raises(handshake.HandshakeExpired):
        handshake.retry(connection=server.connection, by=None, at=timezone.now())


def test_completing_a_connected_server_changes_nothing(server: Server, connection: Connection) -> None:
    assert handshake.retry(connection=server.connection, by=None, at=timezone.now()).is_connected


def test_cancelling_a_reconnect_leaves_the_server_disconnected(server: Server) -> None:
    Connection.objects.update(state=Connection.State.DISCONNECTED, disconnected_at=timezone.now())
    start(server)

    assert handshake.cancel(connection=server.connection)

    assert server.connection.state == Connection.State.DISCONNECTED


def test_a_key_that_the_cloud_may_know_is_offered_again(server: Server) -> None:
    begun = start(server)
    first = server.connection.pending_app_key
    transitions.take_code(server.connection, state_digest=digest(begun.state), code="code", at=timezone.now())
    handshake.cancel(connection=server.connection)

    start(server)

    assert server.connection.pending_app_key == first


def test_a_key_is_never_offered_to_another_cloud(server: Server, settings: object) -> None:
    start(server)
    first = server.connection.pending_app_key
    Connection.objects.update(cloud_url="https://former.example")

    start(server)

    assert server.connection.pending_app_key != first


def test_every_end_of_a_handshake_has_a_sentence() -> None:
    ends = handshake.HandshakeFailed.__subclasses__()

    sentences = {str(end("ghes.octo.example")) for end in ends}

    assert len(sentences) == len(ends)
    assert all(sentence.endswith(".") for sentence in sentences)
