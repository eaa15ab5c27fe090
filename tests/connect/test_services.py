"""A server gets its identity, and commands connect and disconnect it."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from connect import services
from connect.models import Connection, Server
from enterprises.models import User
from tests.connect.connections import answer, problem
from tests.connect.hostile import HostileCloud
from tests.factories import make_server_enterprise
from wire import signing

INSTALLATION = {
    "app_id": 5,
    "installation_id": 5,
    "account": {"slug": "octo", "name": "Octo", "kind": "organization"},
    "receipt_keys": [{"kid": "k", "x": signing.public_text(signing.new_identity_key().public_key())}],
    "held": {"revision": 3, "snapshot_id": "3f1c2a9e-0000-4000-8000-000000000001"},
}
LOOPBACK = pytest.mark.allow_hosts(["127.0.0.1"])


def test_register_server_makes_an_identity_that_signs(server: Server) -> None:
    key = signing.load_identity_key(server.identity_key)

    assert len(signing.public_text(key.public_key())) == 43
    assert server.connection.state == Connection.State.NOT_CONNECTED


@pytest.mark.parametrize(
    "hostname", ["", "https://ghes.octo.example", "ghes.octo.example:8443", "two words", "a" * 254]
)
def test_register_server_refuses_what_is_no_host_name(owner: User, hostname: str) -> None:
    with pytest.raises(ValidationError):
        services.register_server(enterprise=make_server_enterprise(owner=owner), hostname=hostname, at=timezone.now())


@pytest.mark.parametrize(
    "half",
    [
        {"state": "connected", "app_id": 1},
        {"state": "pending"},
        {"license_sync_enabled_at": "2026-01-01T00:00:00Z"},
        {"base_revision": 1},
    ],
)
def test_nothing_is_half_connected(server: Server, half: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.filter(pk=server.connection.pk).update(**half)


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


@LOOPBACK
def test_connect_enterprise_takes_the_token_from_a_file(hostile: HostileCloud, server: Server, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("lss_owner-token\n")
    hostile.answers.append(answer(INSTALLATION, "201 Created"))

    line = run("connect_enterprise", "octo-server", "--account", "octo", "--token-file", str(secret))

    assert line.startswith("ghes.octo.example is connected to Octo (octo)")
    assert "Authorization: Bearer lss_owner-token" in hostile.requests[0]
    assert Connection.objects.get(pk=server.connection.pk).base_revision == 3


@pytest.fixture
def _token_in_the_environment() -> Iterator[None]:
    os.environ["LICENSESYNC_TOKEN"] = "lss_environment-token"
    yield
    del os.environ["LICENSESYNC_TOKEN"]


@LOOPBACK
@pytest.mark.usefixtures("_token_in_the_environment")
def test_connect_enterprise_takes_the_token_from_the_environment(hostile: HostileCloud, server: Server) -> None:
    hostile.answers.append(answer(INSTALLATION, "201 Created"))

    result = json.loads(run("connect_enterprise", "octo-server", "--account", "octo", "--json"))

    assert "Authorization: Bearer lss_environment-token" in hostile.requests[0]
    assert (result["state"], result["account"], result["held_revision"]) == ("connected", "octo", 3)


def refusal(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return str(error.value)


@LOOPBACK
@pytest.mark.parametrize(
    ("bytes_sent", "sentence"),
    [
        (problem("401 Unauthorized", "bad_credentials"), "does not accept the token"),
        (problem("403 Forbidden", ""), "does not accept the token"),
        (problem("404 Not Found", ""), "knows no such account"),
        (problem("409 Conflict", "connection_exists"), "A connection for ghes.octo.example already exists"),
        (answer(b"<html>", Content_Type="text/html"), "it was not the cloud"),
    ],
    ids=["wrong token", "not an owner", "no account", "exists", "not ours"],
)
def test_connect_enterprise_says_what_went_wrong(
    hostile: HostileCloud, server: Server, bytes_sent: bytes, sentence: str
) -> None:
    hostile.answers.append(bytes_sent)

    said = refusal("connect_enterprise", "octo-server", "--account", "octo", "--token", "lss_owner-token")

    assert sentence in said
    assert "lss_owner-token" not in said
    assert Connection.objects.get(pk=server.connection.pk).state == Connection.State.NOT_CONNECTED


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody", "--account", "octo", "--token", "x"], "There is no server 'nobody'"),
        (["octo-server", "--account", "octo"], "There is no token"),
        (["octo-server", "--account", "octo", "--token-file", "/nowhere"], "cannot be read: /nowhere"),
        (
            ["octo-server", "--account", "o", "--token", "x", "--cloud-url", "http://x.example"],
            "CLOUD_URLS does not list",
        ),
    ],
)
def test_connect_enterprise_checks_what_it_is_given(server: Server, arguments: list[str], sentence: str) -> None:
    assert sentence in refusal("connect_enterprise", *arguments)


def test_connect_enterprise_asks_which_cloud_is_meant(server: Server, settings: object) -> None:
    settings.CLOUD_URLS = ["http://a.example", "http://b.example"]  # type: ignore[attr-defined]

    assert "--cloud-url" in refusal("connect_enterprise", "octo-server", "--account", "octo", "--token", "x")


@LOOPBACK
def test_disconnect_enterprise_says_what_stays(hostile: HostileCloud, connection: Connection) -> None:
    hostile.answers.append(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    line = run("disconnect_enterprise", "octo-server")

    assert "People already synced still count there" in line
    assert Connection.objects.get(pk=connection.pk).state == Connection.State.DISCONNECTED


@LOOPBACK
def test_disconnect_enterprise_keeps_the_credentials_when_the_cloud_is_away(
    hostile: HostileCloud, connection: Connection
) -> None:
    hostile.answers.append(problem("500 Internal Server Error", ""))

    assert "problem of its own" in refusal("disconnect_enterprise", "octo-server")
    assert Connection.objects.get(pk=connection.pk).is_connected


@LOOPBACK
def test_disconnect_enterprise_can_be_told_to_go_on_alone(hostile: HostileCloud, connection: Connection) -> None:
    hostile.answers.append(problem("500 Internal Server Error", ""))

    run("disconnect_enterprise", "octo-server", "--even-if-unreachable")

    assert Connection.objects.get(pk=connection.pk).state == Connection.State.DISCONNECTED


def test_disconnect_enterprise_without_a_connection(server: Server) -> None:
    assert "GitHub Connect is not enabled" in refusal("disconnect_enterprise", "octo-server")
