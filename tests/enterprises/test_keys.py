"""Rotating the keys reaches every stored secret, overwrites nothing newer, and a wrong key is said in one sentence."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from cloud.models import ReceiptSigner
from config.env import Misconfigured
from config.keys import refuse_wrong_keys
from connect.models import Server
from enterprises import keys, secrets
from enterprises.secrets import stored_values
from tests.connect.connections import make_connected
from tests.factories import NOW
from tests.licensesync.world import make_server

pytestmark = pytest.mark.django_db


def a_key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def older(settings: Settings) -> str:
    """The key under which everything of these tests is saved first."""
    key = a_key()
    settings.FIELD_ENCRYPTION_KEYS = [key]
    return key


@pytest.fixture
def server(older: str) -> Server:
    server = make_server()
    make_connected(server, "https://cloud.example")
    ReceiptSigner.objects.create(kid="receipts-1", private_key="of the cloud", public_key="x", created_at=NOW)
    return server


def run() -> dict[str, Any]:
    output = StringIO()
    call_command("rotate_keys", "--json", stdout=output)
    result: dict[str, Any] = json.loads(output.getvalue())
    return result


def test_every_secret_opens_with_the_first_key_alone(server: Server, older: str, settings: Settings) -> None:
    newer = a_key()
    settings.FIELD_ENCRYPTION_KEYS = [newer, older]

    first, again = run(), run()

    settings.FIELD_ENCRYPTION_KEYS = [newer]
    keys.check_keys()
    assert first["rotated"] >= 3
    assert (first["current"], first["unreadable"], first["changed_meanwhile"]) == (0, 0, 0)
    assert (again["rotated"], again["current"]) == (0, first["rotated"])
    assert Server.objects.get(pk=server.pk).identity_key == server.identity_key
    assert ReceiptSigner.objects.get().private_key == "of the cloud"


def test_value_that_changed_meanwhile_is_kept(
    server: Server, older: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = a_key()
    settings.FIELD_ENCRYPTION_KEYS = [newer, older]
    rotate = secrets.rotate

    def while_somebody_saves(kept: str) -> str:
        Server.objects.filter(identity_key__isnull=False).update(identity_key="newer")
        return rotate(kept)

    monkeypatch.setattr(secrets, "rotate", while_somebody_saves)
    done = keys.rotate_keys()

    assert Server.objects.get().identity_key == "newer"
    assert done.changed_meanwhile == 0


def test_batches_lose_nobody(older: str) -> None:
    for number in range(5):
        make_server(slug=f"s{number}")

    (every, few) = (list(stored_values(Server, "identity_key", batch=size)) for size in (500, 2))

    assert len(every) == 5
    assert few == every


def test_secret_that_no_key_opens_is_an_error_and_stays(server: Server, settings: Settings) -> None:
    before = list(stored_values(Server, "identity_key"))
    settings.FIELD_ENCRYPTION_KEYS = [a_key()]

    with pytest.raises(CommandError, match=r"secrets stay as they are\. FIELD_ENCRYPTION_KEYS holds no key"):
        run()

    assert list(stored_values(Server, "identity_key")) == before


def test_wrong_key_stops_the_start_and_shows_in_readyz(server: Server, settings: Settings, client: Client) -> None:
    refuse_wrong_keys()
    assert client.get("/readyz").json()["keys"] == "ok"

    settings.FIELD_ENCRYPTION_KEYS = [a_key()]

    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["keys"]) == (503, "wrong")
    with pytest.raises(Misconfigured, match=r"^FIELD_ENCRYPTION_KEYS holds no key that opens"):
        refuse_wrong_keys()
