"""Secrets are encrypted in the database, readable with any configured key, and a wrong key is said in one sentence."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection
from pytest_django import Settings

from connect.models import Server
from enterprises.models import Enterprise
from enterprises.secrets import WrongEncryptionKey, decrypt, digest, encrypt, new_secret, rotate, stored_values


def a_key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def server(server_enterprise: Enterprise) -> Server:
    return Server.objects.create(enterprise=server_enterprise, hostname="octo.example", identity_key="the key")


def test_field_reads_what_was_written(server: Server) -> None:
    assert Server.objects.get(pk=server.pk).identity_key == "the key"


def test_database_holds_no_plain_text(server: Server) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT identity_key FROM connect_server")
        (kept,) = cursor.fetchone()

    assert "the key" not in kept
    assert decrypt(kept) == "the key"
    assert list(stored_values(Server, "identity_key")) == [(server.pk, kept)]


def test_no_secret_stays_empty(server: Server) -> None:
    Server.objects.update(identity_key="")

    assert Server.objects.get().identity_key == ""
    assert list(stored_values(Server, "identity_key")) == []


def test_lookup_by_value_is_refused(server: Server) -> None:
    with pytest.raises(FieldError):
        Server.objects.filter(identity_key="the key").exists()


def test_wrong_key_is_one_clear_sentence(server: Server, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [a_key()]

    with pytest.raises(WrongEncryptionKey, match=r"^FIELD_ENCRYPTION_KEYS holds no key that opens this secret: .*\.$"):
        Server.objects.get()


def test_older_keys_still_open(settings: Settings) -> None:
    old, new = a_key(), a_key()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    kept = encrypt("secret")

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    rotated = rotate(kept)
    assert decrypt(kept) == "secret"

    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert decrypt(rotated) == "secret"
    with pytest.raises(WrongEncryptionKey):
        rotate(kept)


def test_malformed_key_names_the_variable(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["too short"]

    with pytest.raises(ImproperlyConfigured, match="FIELD_ENCRYPTION_KEYS"):
        encrypt("secret")


def test_secrets_are_long_different_and_ours() -> None:
    made = {new_secret() for _each in range(100)}

    assert len(made) == 100
    assert all(secret.startswith("lss_") and len(secret) == 47 for secret in made)


def test_digest_is_sha256() -> None:
    assert digest("abc") == hashlib.sha256(b"abc").hexdigest()
