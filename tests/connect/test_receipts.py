"""Receipts: only one of a pinned key, for exactly this server, sync and digest, counts."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connect.models import Connection
from connect.receipts import ReceiptInvalid, verify_receipt
from tests.connect.connections import receipt_key
from wire import signing
from wire.messages import Receipt

SYNC = "3f1c2a9e-0000-4000-8000-000000000001"
OTHER_SYNC = "3f1c2a9e-0000-4000-8000-000000000002"
SHA256 = "ab" * 32
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def receipt(connection: Connection, **changes: object) -> Receipt:
    fields: dict[str, object] = {
        "sync_id": SYNC,
        "server_id": str(connection.server.server_id),
        "hostname": "ghes.octo.example",
        "account": "octo",
        "sha256": SHA256,
        "accounts": 2,
        "added": 2,
        "changed": 0,
        "removed": 0,
        "licenses_before": 0,
        "licenses_after": 2,
        "revision": 1,
        "taken_at": NOW,
        "applied_at": NOW,
    }
    return msgspec.convert(fields | changes, Receipt)


def signed(connection: Connection, *, key: Ed25519PrivateKey | None = None, **changes: Any) -> str:
    return signing.sign(receipt(connection, **changes), typ=signing.RECEIPT, key=key or receipt_key(), kid="receipts-1")


def verify(connection: Connection, token: str) -> Receipt:
    return verify_receipt(connection=connection, receipt=token, sync_id=SYNC, sha256=SHA256)


def test_a_receipt_is_read(connection: Connection) -> None:
    assert verify(connection, signed(connection)) == receipt(connection)


def test_any_pinned_key_will_do(connection: Connection) -> None:
    newer = signing.new_identity_key()
    connection.receipt_keys.append({"kid": "receipts-2", "x": signing.public_text(newer.public_key())})

    assert verify(connection, signed(connection, key=newer)).revision == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"server_id": OTHER_SYNC},
        {"sync_id": OTHER_SYNC},
        {"account": "elsewhere"},
        {"sha256": "cd" * 32},
        {"sha256": "é"},
        {"revision": 0},
        {"removed": -1},
    ],
)
def test_a_receipt_for_something_else_is_refused(connection: Connection, changes: dict[str, Any]) -> None:
    with pytest.raises(ReceiptInvalid):
        verify(connection, signed(connection, **changes))


def test_a_receipt_of_another_key_is_refused_whatever_it_calls_itself(connection: Connection) -> None:
    with pytest.raises(ReceiptInvalid):
        verify(connection, signed(connection, key=signing.new_identity_key()))


def test_the_same_words_as_another_type_are_no_receipt(connection: Connection) -> None:
    token = signing.sign(receipt(connection), typ=signing.MANIFEST, key=receipt_key())

    with pytest.raises(ReceiptInvalid):
        verify(connection, token)


@pytest.mark.parametrize("token", ["", "receipt", "a.b.c"])
def test_what_is_no_token_is_refused(connection: Connection, token: str) -> None:
    with pytest.raises(ReceiptInvalid):
        verify(connection, token)


def test_without_pinned_keys_nothing_is_a_receipt(connection: Connection) -> None:
    token = signed(connection)
    connection.receipt_keys = []

    with pytest.raises(ReceiptInvalid):
        verify(connection, token)
