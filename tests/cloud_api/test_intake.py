"""Connected servers report: the record, and snapshots in parts."""

import uuid
from typing import Any

import pytest
from django.utils import timezone

from cloud.applying import apply
from cloud.models import Installation, Ledger, ServerAccount
from tests.cloud_api.servers import Api, code_of
from wire.lines import SnapshotDigest, make_line
from wire.parts import MAX_PART_BYTES, content_digest, pack

SYNCS = "/enterprise-installation/license-syncs"
LINES = b"".join(make_line(number, f"u{number}@octo.example") + b"\n" for number in range(1, 4))


def opening(installation: Installation, lines: bytes = LINES, **changes: Any) -> dict[str, Any]:
    digest = SnapshotDigest()
    digest.add(lines)
    return {
        "sync_id": str(uuid.uuid4()),
        "hostname": installation.hostname,
        "taken_at": timezone.now().isoformat(),
        "accounts": lines.count(b"\n"),
        "parts": 1,
        "sha256": digest.hexdigest(),
    } | changes


def record(installation: Installation, **changes: Any) -> dict[str, Any]:
    return {
        "server_id": str(installation.server_id),
        "hostname": installation.hostname,
        "http_only": False,
        "version": "3.19.1",
        "license_public_key": "",
        "license_hash": "ab" * 32,
        "customer_name": "Octo Inc.",
        "features": [{"name": "license_sync", "enabled_at": "2026-03-02T09:30:00Z"}],
        "dormancy_threshold_days": 90,
        "dormant_users": 3,
        "license_consuming_seats": 40,
    } | changes


def put_part(api: Api, sync_id: str, body: bytes, **headers: str) -> Any:
    return api.put(f"{SYNCS}/{sync_id}/parts/1", body, **({"Content-Digest": content_digest(body)} | headers))


def test_sync_from_opening_to_receipt(server_api: Api, installation: Installation) -> None:
    body = opening(installation)

    opened = server_api.post(SYNCS, body)
    put = put_part(server_api, body["sync_id"], pack(LINES))
    committed = server_api.post(f"{SYNCS}/{body['sync_id']}/commit")
    apply(installation.intakes.get().pk, timezone.now)
    status = server_api.get(f"{SYNCS}/{body['sync_id']}").json()

    assert [opened.status_code, put.status_code, committed.status_code] == [201, 200, 202]
    assert opened.json()["missing"] == [1]
    assert status["state"] == "applied"
    assert status["receipt"]
    assert ServerAccount.objects.count() == 3


def test_unchanged_snapshot_is_answered_at_once(server_api: Api, installation: Installation) -> None:
    first = opening(installation)
    server_api.post(SYNCS, first)
    put_part(server_api, first["sync_id"], pack(LINES))
    server_api.post(f"{SYNCS}/{first['sync_id']}/commit")
    apply(installation.intakes.get().pk, timezone.now)
    base = {"revision": 1, "snapshot_id": first["sync_id"]}

    again = server_api.post(SYNCS, opening(installation, base=base))

    assert (again.status_code, again.json()["state"]) == (200, "applied")


def test_same_opening_gets_the_same_answer(server_api: Api, installation: Installation) -> None:
    body = opening(installation)

    first, again = (server_api.post(SYNCS, body) for _ in range(2))

    assert (first.status_code, first.json()) == (again.status_code, again.json())


def test_withdrawn_sync_is_over(server_api: Api, installation: Installation) -> None:
    body = opening(installation)
    server_api.post(SYNCS, body)
    put_part(server_api, body["sync_id"], pack(LINES))

    withdrawn = server_api.call("DELETE", f"{SYNCS}/{body['sync_id']}")
    unknown = server_api.call("DELETE", f"{SYNCS}/{uuid.uuid4()}")

    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "expired")
    assert (unknown.status_code, code_of(unknown)) == (404, "unknown_sync")


def test_another_opening_of_the_same_id_is_refused(server_api: Api, installation: Installation) -> None:
    body = opening(installation)
    server_api.post(SYNCS, body)

    response = server_api.post(SYNCS, body | {"accounts": 2})

    assert (response.status_code, code_of(response)) == (422, "sync_id_reused")


@pytest.mark.parametrize("digest", ["", "sha-256=:AAAA:", content_digest(b"something else"), "md5=:AAAA:"])
def test_part_without_its_digest_is_refused(digest: str, server_api: Api, installation: Installation) -> None:
    body = opening(installation)
    server_api.post(SYNCS, body)

    response = put_part(server_api, body["sync_id"], pack(LINES), **{"Content-Digest": digest})

    assert (response.status_code, code_of(response)) == (422, "part_digest")


def test_part_is_refused_by_its_length_before_it_is_read(server_api: Api, installation: Installation) -> None:
    body = opening(installation)
    server_api.post(SYNCS, body)

    response = server_api.put(f"{SYNCS}/{body['sync_id']}/parts/1", b"", **{"Content-Length": str(MAX_PART_BYTES + 1)})

    assert (response.status_code, code_of(response)) == (413, "payload_too_large")


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "1e3", "9" * 40])
def test_part_of_no_such_number_is_refused(number: str, server_api: Api, installation: Installation) -> None:
    body = opening(installation)
    server_api.post(SYNCS, body)
    part = pack(LINES)

    response = server_api.put(
        f"{SYNCS}/{body['sync_id']}/parts/{number}", part, **{"Content-Digest": content_digest(part)}
    )

    assert (response.status_code, code_of(response)) == (422, "part_invalid")


@pytest.mark.parametrize("junk", [b"", b"not zstd", pack(b'{"user_id":1,"emails":[],"login":"mona"}\n')])
def test_part_with_anything_but_lines_is_refused(junk: bytes, server_api: Api, installation: Installation) -> None:
    body = opening(installation)
    server_api.post(SYNCS, body)

    response = put_part(server_api, body["sync_id"], junk)

    assert (response.status_code, code_of(response)) == (422, "part_invalid")


def test_sync_of_another_server_is_unknown(server_api: Api, installation: Installation, ledger: Ledger) -> None:
    body = opening(installation)
    server_api.post(SYNCS, body)
    Installation.objects.filter(pk=installation.pk).update(server_id=uuid.uuid4())
    other = Installation.objects.create(
        ledger=ledger, server_id=uuid.uuid4(), hostname="ghes2.octo.example", created_at=timezone.now()
    )
    installation.intakes.update(installation=other)

    response = server_api.get(f"{SYNCS}/{body['sync_id']}")

    assert (response.status_code, code_of(response)) == (404, "unknown_sync")


@pytest.mark.parametrize(
    "change",
    [
        {"sync_id": "not-a-uuid"},
        {"hostname": "a b"},
        {"taken_at": "2026-03-02T09:30:00"},
        {"taken_at": "0001-01-01T00:00:00+23:59"},
        {"accounts": -1},
        {"accounts": 10**30},
        {"parts": 0},
        {"parts": 10**30},
        {"sha256": "Z" * 64},
        {"sha256": "\u00e9" * 64},
        {"formats": []},
        {"base": {"revision": 10**25, "snapshot_id": str(uuid.uuid4())}},
        {"base": {"revision": 1, "snapshot_id": "x"}},
        {"unanswered": ["x"]},
        {"unanswered": [str(uuid.UUID(int=number)) for number in range(2000)]},
        {"kind": "upload"},
        {"hostname": "octo\u0000.example"},
        {"accounts": "3"},
    ],
)
def test_opening_that_cannot_be_meant_is_refused(
    change: dict[str, Any], server_api: Api, installation: Installation
) -> None:
    response = server_api.post(SYNCS, opening(installation, **change))

    assert (response.status_code, code_of(response)) == (422, "invalid_request")


def test_newer_server_without_common_format_is_told(server_api: Api, installation: Installation) -> None:
    response = server_api.post(SYNCS, opening(installation, formats=[99]))

    assert (response.status_code, code_of(response)) == (422, "unsupported_format")


def test_unknown_fields_are_ignored(server_api: Api, installation: Installation) -> None:
    assert server_api.post(SYNCS, opening(installation, from_the_future=True)).status_code == 201


def test_record_is_kept_without_what_it_does_not_know(server_api: Api, installation: Installation) -> None:
    response = server_api.put("/enterprise-installation/connection", record(installation, users=["mona"]))

    installation.refresh_from_db()
    assert response.status_code == 204
    assert installation.record["license_consuming_seats"] == 40
    assert installation.version == "3.19.1"
    assert installation.record_at is not None
    assert "mona" not in str(installation.record)


@pytest.mark.parametrize(
    "change",
    [
        {"server_id": str(uuid.uuid4())},
        {"version": "x" * 33},
        {"dormant_users": -1},
        {"license_consuming_seats": 10**30},
        {"customer_name": "x" * 20_000},
        {"customer_name": "Octo\u0000"},
        {"features": [{"name": "x", "enabled_at": "2026-03-02"}]},
    ],
)
def test_record_that_cannot_be_meant_is_refused(
    change: dict[str, Any], server_api: Api, installation: Installation
) -> None:
    response = server_api.put("/enterprise-installation/connection", record(installation, **change))

    installation.refresh_from_db()
    assert (response.status_code, code_of(response)) == (422, "invalid_request")
    assert installation.record_at is None


@pytest.mark.parametrize("credential", ["", "token lss_wrong", "Bearer x.y.z", "Basic b2N0bzpvY3Rv", "token"])
def test_intake_needs_an_installation_token(credential: str, installation: Installation) -> None:
    response = Api(credential).post(SYNCS, opening(installation))

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


def test_persons_token_is_no_installation_token(owner_api: Api, installation: Installation) -> None:
    assert owner_api.post(SYNCS, opening(installation)).status_code == 401
