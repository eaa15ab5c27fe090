"""Receipts: only one of a pinned key, for exactly this server, sync and digest, counts."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connect.models import Connection
from connect.receipts import ReceiptInvalid, pin_followers, verify_receipt
from enterprises.models import AuditEvent
from tests.connect.connections import receipt_key
from wire import signing
from wire.messages import EndorsedKey, Receipt, ReceiptKey

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


def verify(connection: Connection, token: str, *offered: EndorsedKey) -> Receipt:
    return verify_receipt(connection=connection, receipt=token, sync_id=SYNC, sha256=SHA256, offered=offered)


def endorsed(
    key: Ed25519PrivateKey, by: Ed25519PrivateKey, *, kid: str = "receipts-2", typ: str = signing.RECEIPT_KEY
) -> EndorsedKey:
    """A key, with the word of another one for it."""
    public = signing.public_text(key.public_key())
    word = signing.sign(ReceiptKey(kid=kid, x=public), typ=typ, key=by)
    return EndorsedKey(kid=kid, x=public, endorsement=word)


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
        {"revision": 2**63},
        {"licenses_after": 2**63},
        {"taken_at": "0001-01-01T00:00:00+14:00"},
        {"applied_at": "9999-12-31T23:59:59-12:00"},
        {"hostname": "ghes\x1b[2J.octo.example"},
        {"hostname": "x" * 254},
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


def test_chain_of_words_leads_from_a_pinned_key_to_the_newest(connection: Connection) -> None:
    second, third = signing.new_identity_key(), signing.new_identity_key()
    chain = [endorsed(second, by=receipt_key()), endorsed(third, by=second, kid="receipts-3")]
    token = signed(connection, key=third)

    assert verify(connection, token, *chain).revision == 1
    for incomplete in ([], chain[1:], chain[:1], [chain[1], chain[0]]):
        with pytest.raises(ReceiptInvalid):
            verify(connection, token, *incomplete)


def test_key_is_pinned_by_the_word_of_a_pinned_one(connection: Connection) -> None:
    second, third = signing.new_identity_key(), signing.new_identity_key()
    chain = [endorsed(second, by=receipt_key()), endorsed(third, by=second, kid="receipts-3")]

    pin_followers(connection, chain, at=NOW)
    pin_followers(connection, chain, at=NOW)

    connection.refresh_from_db()
    assert [key["kid"] for key in connection.receipt_keys] == ["receipts-1", "receipts-2", "receipts-3"]
    assert verify(connection, signed(connection, key=third)).revision == 1
    pinned = AuditEvent.objects.filter(action="dotcom_connection.receipt_key_pinned").order_by("pk")
    assert [event.after for event in pinned] == [
        {"kid": key.kid, "key_fingerprint": signing.fingerprint(key.x)} for key in chain
    ]


def forged(number: int) -> EndorsedKey:
    """A key of a stranger, with a word that looks like one."""
    stranger, other = signing.new_identity_key(), signing.new_identity_key()
    honest = endorsed(other, by=receipt_key())
    public = signing.public_text(stranger.public_key())
    as_receipt = endorsed(stranger, by=receipt_key(), typ=signing.RECEIPT)
    return [
        endorsed(stranger, by=stranger),
        EndorsedKey(kid="receipts-2", x=public, endorsement=honest.endorsement),
        EndorsedKey(kid="receipts-9", x=honest.x, endorsement=honest.endorsement),
        as_receipt,
        EndorsedKey(kid="receipts-2", x=public, endorsement=""),
        EndorsedKey(kid="receipts-2", x="no key", endorsement=honest.endorsement),
        endorsed(stranger, by=receipt_key(), kid="<script>"),
        endorsed(stranger, by=stranger, kid="eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI3In0.c2ln"),
    ][number]


@pytest.mark.parametrize("number", range(8))
def test_forged_word_pins_nothing_and_is_audited(number: int, connection: Connection) -> None:
    before = connection.receipt_keys

    pin_followers(connection, [forged(number)] * 3, at=NOW)

    connection.refresh_from_db()
    assert connection.receipt_keys == before
    event = AuditEvent.objects.get(action__startswith="dotcom_connection.receipt_key")
    assert event.action == "dotcom_connection.receipt_key_refused"
    assert "<" not in str(event.after)


@pytest.mark.parametrize(("most_pinned", "pinned"), [(1000, 100), (40, 40), (1, 1)])
def test_keys_without_end_are_not_followed(
    most_pinned: int, pinned: int, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.receipts.MOST_PINNED", most_pinned)
    made_up = [endorsed(signing.new_identity_key(), by=receipt_key(), kid=f"x-{number}") for number in range(150)]

    pin_followers(connection, made_up, at=NOW)

    connection.refresh_from_db()
    assert len(connection.receipt_keys) == min(1 + pinned, most_pinned)


def test_keys_for_another_connection_pin_nothing(connection: Connection) -> None:
    offered = [endorsed(signing.new_identity_key(), by=receipt_key())]
    Connection.objects.filter(pk=connection.pk).update(installation_id=99)

    pin_followers(connection, offered, at=NOW)

    connection.refresh_from_db()
    assert len(connection.receipt_keys) == 1
