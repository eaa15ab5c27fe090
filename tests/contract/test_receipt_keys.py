"""A new receipt key, from both ends: servers go over to it with the word of the old one, each when it can."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.utils import timezone
from requests import PreparedRequest, Response
from urllib3 import HTTPResponse

from cloud import intake, signer
from cloud.doctor import cloud_checks
from cloud.models import Installation, Intake, ReceiptSigner
from connect.models import Connection
from enterprises.models import AuditEvent
from licensesync import services
from licensesync.models import SyncJob
from licensesync.receipts import prove
from licensesync.syncing import run as sync
from tests.licensesync.world import ndjson, seat
from tests.support.wsgi_adapter import WsgiAdapter
from wire import signing
from wire.messages import Receipt


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """Connected before any new key was made, with three seats and license sync enabled."""
    seat(connection.server, ndjson(range(1, 4)))
    services.set_license_sync(connection=connection, enabled=True, by=None, at=timezone.now())
    return connection


def run_sync(connection: Connection, adapter: WsgiAdapter | None = None) -> str:
    """Sync once; the id of the key under which the receipt came."""

    def apply_what_waits(_seconds: float) -> None:
        for pk in Intake.objects.filter(state=Intake.State.APPLYING).values_list("pk", flat=True):
            intake.apply(pk, timezone.now)

    job = services.request_sync(connection=connection, by=None, at=timezone.now())
    sync.run(job.pk, adapter=adapter or WsgiAdapter(), wait=apply_what_waits)
    job.refresh_from_db()
    connection.refresh_from_db()
    assert (job.state, job.error_code) == (SyncJob.State.SUCCEEDED, "")
    return signing.kid_of(job.receipt)


def pinned(connection: Connection) -> list[str]:
    return [key["kid"] for key in connection.receipt_keys]


def saying(change: Callable[[dict[str, Any]], object]) -> WsgiAdapter:
    """A cloud whose word about a sync is changed on the way."""

    def interrupt(request: PreparedRequest, response: Response) -> None:
        if "/license-syncs" not in str(request.url):
            return
        body = json.loads(response.raw.read())
        change(body)
        response.raw = HTTPResponse(
            io.BytesIO(json.dumps(body).encode()),
            headers={"Content-Type": response.headers["Content-Type"]},
            status=response.status_code,
            preload_content=False,
        )

    return WsgiAdapter(interrupt=interrupt)


def losing_the_word() -> WsgiAdapter:
    """A cloud whose answer to "we accept the new key" does not arrive."""

    def interrupt(request: PreparedRequest, response: Response) -> None:
        if str(request.url).endswith("/receipt-key"):
            raise requests.ConnectionError("lost")

    return WsgiAdapter(interrupt=interrupt)


def events(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def test_server_pins_the_next_key_by_the_word_of_the_one_before(connection: Connection) -> None:
    assert run_sync(connection) == "receipts-1"
    newer = signer.rotate(timezone.now())

    first, second = run_sync(connection), run_sync(connection)

    assert (first, second) == ("receipts-1", newer.kid)
    assert pinned(connection) == ["receipts-1", newer.kid]
    assert not signer.waiting_for(newer).exists()
    kept = SyncJob.objects.select_related("connection__server").filter(kind=SyncJob.Kind.USAGE).order_by("pk")
    assert [(proof.kid, proof.holds) for proof in map(prove, kept)] == [
        ("receipts-1", True), ("receipts-1", True), (newer.kid, True),
    ]  # fmt: skip
    assert [
        events("receipt_key.create"),
        events("dotcom_connection.receipt_key_pinned"),
        events("enterprise_installation.receipt_key_accepted"),
    ] == [1, 1, 1]


def test_server_that_was_away_for_two_new_keys_follows_both(connection: Connection) -> None:
    newer = [signer.rotate(timezone.now()) for _each in range(2)]

    first, second = run_sync(connection), run_sync(connection)

    assert (first, second) == ("receipts-1", newer[1].kid)
    assert pinned(connection) == ["receipts-1", *(key.kid for key in newer)]


def test_server_of_an_earlier_version_keeps_getting_the_key_that_it_pinned(connection: Connection) -> None:
    newer = signer.rotate(timezone.now())
    deaf = saying(lambda body: body.pop("receipt_keys"))

    kids = [run_sync(connection, deaf) for _each in range(2)]

    assert kids == ["receipts-1"] * 2
    assert pinned(connection) == ["receipts-1"]
    assert signer.waiting_for(newer).count() == 1


def test_forged_word_is_refused_and_the_old_key_goes_on(connection: Connection) -> None:
    signer.rotate(timezone.now())
    stranger = signing.public_text(signing.new_identity_key().public_key())

    kids = [run_sync(connection, saying(lambda body: [key.update(x=stranger) for key in body["receipt_keys"]]))]
    kids.append(run_sync(connection))

    assert kids == ["receipts-1"] * 2
    assert events("dotcom_connection.receipt_key_refused") == 1
    assert stranger not in str(connection.receipt_keys)


def test_lost_answer_about_the_new_key_changes_nothing(connection: Connection) -> None:
    newer = signer.rotate(timezone.now())

    kids = [run_sync(connection, losing_the_word()), run_sync(connection)]

    assert kids == ["receipts-1", newer.kid]


def test_word_that_never_reached_the_cloud_is_given_again(connection: Connection) -> None:
    newer = signer.rotate(timezone.now())
    run_sync(connection)
    Installation.objects.update(receipt_kid="")

    kids = [run_sync(connection), run_sync(connection)]

    assert kids == ["receipts-1", newer.kid]
    assert events("dotcom_connection.receipt_key_pinned") == 1


def test_cloud_restored_from_before_the_new_key_is_still_believed(connection: Connection) -> None:
    newer = signer.rotate(timezone.now())
    assert [run_sync(connection), run_sync(connection)] == ["receipts-1", newer.kid]
    newer.delete()
    Installation.objects.update(receipt_kid="")

    restored = run_sync(connection)
    again = signer.rotate(timezone.now())
    kids = [run_sync(connection), run_sync(connection)]

    assert again.kid != newer.kid
    assert [restored, *kids] == ["receipts-1", "receipts-1", again.kid]
    assert pinned(connection) == ["receipts-1", newer.kid, again.kid]


def test_doctor_counts_the_servers_that_have_not_gone_over(connection: Connection) -> None:
    def seen() -> str:
        return cloud_checks(list, timezone.now())[0].seen

    assert seen() == "Receipts are signed with receipts-1."
    kid = signer.rotate(timezone.now()).kid

    assert seen() == f"Receipts are signed with {kid}; servers that still get theirs under an older key: 1."
    run_sync(connection)
    assert seen() == f"Receipts are signed with {kid}."


def test_past_receipts_verify_with_the_keys_that_are_kept(connection: Connection) -> None:
    run_sync(connection)
    signer.rotate(timezone.now())
    run_sync(connection)
    run_sync(connection)

    keys = {each.kid: signing.read_public_key(each.public_key) for each in ReceiptSigner.objects.all()}
    receipts = SyncJob.objects.exclude(receipt="").values_list("receipt", flat=True)
    assert len({signing.kid_of(receipt) for receipt in receipts}) == 2
    for receipt in receipts:
        assert signing.verify(receipt, Receipt, typ=signing.RECEIPT, key=keys[signing.kid_of(receipt)]).sync_id
