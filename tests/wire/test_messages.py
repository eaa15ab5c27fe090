"""Control messages: what is read, what is ignored, what is refused."""

import msgspec
import pytest

from wire.messages import AccessToken, MessageInvalid, Problem, Receipt, SyncStatus, read_message


def test_unknown_fields_are_ignored() -> None:
    status = read_message(b'{"sync_id":"s","state":"receiving","missing":[2],"mood":"good"}', SyncStatus)

    assert status.missing == (2,)


REFUSED = {
    "nothing": b"",
    "HTML": b"<!doctype html><title>Sign in to the network</title>",
    "truncated": b'{"sync_id":"s","state":"rece',
    "another shape": b"[]",
    "unknown state": b'{"sync_id":"s","state":"asleep"}',
    "missing field": b'{"state":"receiving"}',
    "not UTF-8": b'{"sync_id":"\xff","state":"receiving"}',
    "nested without end": b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_read_message_refuses(body: bytes) -> None:
    with pytest.raises(MessageInvalid):
        read_message(body, SyncStatus)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(MessageInvalid):
        read_message(b'{"token":"t","expires_at":"2026-01-01T00:00:00"}', AccessToken)


def test_a_refusal_quotes_nothing_of_what_came() -> None:
    with pytest.raises(MessageInvalid) as refusal:
        read_message(b'{"message":["mona@octo.example"]}', Problem)

    assert "mona" not in str(refusal.value)


def test_a_receipt_names_no_person() -> None:
    # What a receipt may say is a promise; a new field must be weighed, not slip in.
    assert set(Receipt.__struct_fields__) == {
        "sync_id", "server_id", "hostname", "account", "sha256", "accounts", "added", "changed", "removed",
        "licenses_before", "licenses_after", "revision", "taken_at", "applied_at", "format",
    }  # fmt: skip


def test_messages_travel_as_plain_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(Problem(message="No.", code="busy", status="503"))) == {
        "message": "No.",
        "code": "busy",
        "documentation_url": "",
        "status": "503",
    }
