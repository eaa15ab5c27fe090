"""A sync over the wire: the real client sends a tiny snapshot to the real cloud, and can verify the receipt."""

import uuid
from datetime import datetime, timedelta
from functools import partial

import pytest
import requests
import time_machine
from django.utils import timezone
from requests import PreparedRequest, Response

from cloud.intake import apply
from cloud.models import AppToken, Intake, IntakePart, Ledger, ReceiptSigner
from connect import services
from connect.client import CloudClient
from connect.failures import CloudRejected, CloudUnavailable, RevisionConflict
from connect.models import Connection, Server
from connect.receipts import ReceiptInvalid, verify_receipt
from enterprises.models import User
from tests.support.line import connect
from tests.support.wsgi_adapter import WsgiAdapter
from wire import parts, signing
from wire.lines import SnapshotDigest, make_line
from wire.messages import Base, ConnectionRecord, OpenSync, Receipt, SyncStatus

PEOPLE = {7: "mona@octo.example", 8: "hubot@octo.example"}


class Snapshot:
    """The frozen lines of a few people, and how they are announced."""

    def __init__(self, people: dict[int, str] | None = None, *, base: Base | None = None) -> None:
        lines = [make_line(user_id, address) + b"\n" for user_id, address in sorted((people or PEOPLE).items())]
        digest = SnapshotDigest()
        for line in lines:
            digest.add(line)
        self.sync_id = str(uuid.uuid4())
        self.sha256 = digest.hexdigest()
        self.body = parts.pack(b"".join(lines))
        self.opening = OpenSync(
            sync_id=self.sync_id,
            hostname="ghes.octo.example",
            taken_at=timezone.now().replace(microsecond=0),
            accounts=len(lines),
            parts=1,
            sha256=self.sha256,
            base=base,
        )


def work() -> None:
    """Do what a worker does with everything that was committed."""
    for intake in Intake.objects.filter(state=Intake.State.APPLYING):
        apply(intake.pk, timezone.now)


def sync(connection: Connection, snapshot: Snapshot, adapter: WsgiAdapter) -> SyncStatus:
    with CloudClient(connection, adapter=adapter) as cloud:
        for number in cloud.open_sync(snapshot.opening).missing:
            cloud.put_part(snapshot.sync_id, number, snapshot.body)
        cloud.commit(snapshot.sync_id)
        work()
        return cloud.status(snapshot.sync_id)


def receipt_of(connection: Connection, snapshot: Snapshot, status: SyncStatus) -> Receipt:
    return verify_receipt(
        connection=connection, receipt=status.receipt, sync_id=snapshot.sync_id, sha256=snapshot.sha256
    )


def test_a_sync_ends_in_a_receipt_that_can_be_verified(connection: Connection, cloud: WsgiAdapter) -> None:
    snapshot = Snapshot()

    receipt = receipt_of(connection, snapshot, sync(connection, snapshot, cloud))

    assert (receipt.accounts, receipt.added, receipt.removed, receipt.revision) == (2, 2, 0, 1)
    assert (receipt.licenses_before, receipt.licenses_after) == (0, 2)
    assert cloud.calls == [
        f"POST /api/v3/app/installations/{connection.installation_id}/access_tokens",
        "POST /api/v3/enterprise-installation/license-syncs",
        f"PUT /api/v3/enterprise-installation/license-syncs/{snapshot.sync_id}/parts/1",
        f"POST /api/v3/enterprise-installation/license-syncs/{snapshot.sync_id}/commit",
        f"GET /api/v3/enterprise-installation/license-syncs/{snapshot.sync_id}",
    ]


def test_an_unchanged_server_uploads_nothing_and_gets_a_receipt(connection: Connection, cloud: WsgiAdapter) -> None:
    first = Snapshot()
    sync(connection, first, cloud)
    again = Snapshot(base=Base(revision=1, snapshot_id=first.sync_id))

    with CloudClient(connection, adapter=cloud) as client:
        status = client.open_sync(again.opening)

    receipt = receipt_of(connection, again, status)
    assert (status.state, receipt.revision, receipt.added, receipt.changed) == ("applied", 2, 0, 0)
    assert len([call for call in cloud.calls if call.startswith("PUT")]) == 1


def losing(method: str, end: str) -> WsgiAdapter:
    """A cloud that does what it is asked, but whose first answer of a kind does not arrive."""
    left = [1]

    def interrupt(request: PreparedRequest, response: Response) -> None:
        if request.method == method and str(request.url).endswith(end) and left[0]:
            left[0] = 0
            raise requests.ConnectionError("lost")

    return WsgiAdapter(interrupt=interrupt)


@pytest.mark.parametrize(
    ("method", "end"),
    [("POST", "/access_tokens"), ("POST", "/license-syncs"), ("PUT", "/parts/1"), ("POST", "/commit")],
)
def test_a_lost_answer_changes_nothing(connection: Connection, ledger: Ledger, method: str, end: str) -> None:
    snapshot, adapter = Snapshot(), losing(method, end)
    with pytest.raises(CloudUnavailable):
        sync(connection, snapshot, adapter)
    work()

    receipt = receipt_of(connection, snapshot, sync(connection, snapshot, adapter))

    assert (receipt.revision, receipt.accounts) == (1, 2)
    assert ledger.installations.get().revision == 1


def test_committing_again_gives_the_same_receipt(connection: Connection, cloud: WsgiAdapter) -> None:
    snapshot = Snapshot()
    status = sync(connection, snapshot, cloud)

    with CloudClient(connection, adapter=cloud) as client:
        again = client.commit(snapshot.sync_id)

    assert again.receipt == status.receipt


def test_withdrawing_leaves_nothing_behind(connection: Connection, cloud: WsgiAdapter) -> None:
    snapshot = Snapshot()
    with CloudClient(connection, adapter=cloud) as client:
        client.open_sync(snapshot.opening)
        client.put_part(snapshot.sync_id, 1, snapshot.body)

        states = [client.withdraw(snapshot.sync_id).state for _time in range(2)]

    assert states == ["expired", "expired"]
    assert not IntakePart.objects.exists()


def test_another_history_is_a_conflict(connection: Connection, cloud: WsgiAdapter) -> None:
    sync(connection, Snapshot(), cloud)

    with CloudClient(connection, adapter=cloud) as client, pytest.raises(RevisionConflict) as conflict:
        client.open_sync(Snapshot({9: "new@octo.example"}).opening)

    assert conflict.value.code == "revision_conflict"


def refused(call: partial[SyncStatus]) -> str:
    with pytest.raises(CloudRejected) as refusal:
        call()
    return refusal.value.code


def test_refusals_keep_their_codes(connection: Connection, cloud: WsgiAdapter) -> None:
    snapshot, other = Snapshot(), Snapshot({9: "new@octo.example"})
    with CloudClient(connection, adapter=cloud) as client:
        client.open_sync(snapshot.opening)

        assert refused(partial(client.put_part, snapshot.sync_id, 1, b"no zstd")) == "part_invalid"
        assert refused(partial(client.put_part, snapshot.sync_id, 2, snapshot.body)) == "part_invalid"
        assert refused(partial(client.status, other.sync_id)) == "unknown_sync"


def test_a_sync_id_is_for_one_snapshot(connection: Connection, cloud: WsgiAdapter) -> None:
    snapshot, other = Snapshot(), Snapshot({9: "new@octo.example"})
    other.opening = OpenSync(
        sync_id=snapshot.sync_id,
        hostname="ghes.octo.example",
        taken_at=other.opening.taken_at,
        accounts=1,
        parts=1,
        sha256=other.sha256,
    )
    with CloudClient(connection, adapter=cloud) as client:
        client.open_sync(snapshot.opening)

        assert refused(partial(client.open_sync, other.opening)) == "sync_id_reused"


def test_a_part_that_is_not_the_snapshots_is_found_out(connection: Connection, cloud: WsgiAdapter) -> None:
    snapshot, other = Snapshot(), Snapshot({7: "mona@octo.example", 9: "new@octo.example"})
    snapshot.body = other.body

    status = sync(connection, snapshot, cloud)

    assert (status.state, status.receipt) == ("refused", "")
    assert status.problem is not None
    assert status.problem.code == "digest_mismatch"


def test_reconnecting_adopts_what_the_cloud_holds(
    connection: Connection, ledger: Ledger, server: Server, owner: User, cloud: WsgiAdapter
) -> None:
    first = Snapshot()
    sync(connection, first, cloud)
    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)
    server.refresh_from_db()

    again = connect(server, ledger.enterprise, owner=owner)

    assert (again.base_revision, str(again.base_snapshot_id)) == (1, first.sync_id)
    second = Snapshot({7: "mona@octo.example"}, base=Base(revision=1, snapshot_id=first.sync_id))
    assert receipt_of(again, second, sync(again, second, cloud)).removed == 1


def test_only_ids_and_addresses_travel(connection: Connection, cloud: WsgiAdapter) -> None:
    snapshot = Snapshot()

    sync(connection, snapshot, cloud)

    sent = [request.body for request in cloud.sent if request.method == "PUT"]
    assert [parts.unpack(body) for body in sent if isinstance(body, bytes)] == [
        b'{"user_id":7,"emails":[["mona@octo.example",true]]}\n{"user_id":8,"emails":[["hubot@octo.example",true]]}\n'
    ]


def test_the_connection_record_arrives(connection: Connection, ledger: Ledger, cloud: WsgiAdapter) -> None:
    record = ConnectionRecord(
        server_id=str(connection.server.server_id),
        hostname="ghes.octo.example",
        http_only=False,
        version="3.19.2",
        license_public_key="",
        license_hash="0" * 64,
        customer_name="Octo",
        features=(),
        dormancy_threshold_days=90,
        dormant_users=1,
        license_consuming_seats=2,
    )

    with CloudClient(connection, adapter=cloud) as client:
        client.put_record(record)

    installation = ledger.installations.get()
    assert (installation.version, installation.record["customer_name"]) == ("3.19.2", "Octo")


def test_a_token_lives_an_hour_and_is_renewed(connection: Connection, cloud: WsgiAdapter) -> None:
    with CloudClient(connection, adapter=cloud) as client:
        first, same = client.token(), client.token()
        with time_machine.travel(timezone.now() + timedelta(minutes=56)):
            second = client.token()

    assert first == same
    assert second != first
    assert len(cloud.sent) == 2


def test_a_token_that_the_cloud_forgot_is_renewed_once(connection: Connection, cloud: WsgiAdapter) -> None:
    snapshot = Snapshot()
    with CloudClient(connection, adapter=cloud) as client:
        client.token()
        AppToken.objects.all().delete()

        status = client.open_sync(snapshot.opening)

    assert status.missing == (1,)
    assert [call.rpartition("/")[2] for call in cloud.calls] == [
        "access_tokens", "license-syncs", "access_tokens", "license-syncs",
    ]  # fmt: skip


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_wrong_clock_is_corrected(connection: Connection, cloud: WsgiAdapter, hours: int) -> None:
    def wrong() -> datetime:
        return timezone.now() + timedelta(hours=hours)

    with CloudClient(connection, adapter=cloud, clock=wrong) as client:
        assert client.open_sync(Snapshot().opening).state == "receiving"

    assert len(cloud.sent) == 3


def test_a_receipt_of_another_cloud_is_no_receipt(connection: Connection, cloud: WsgiAdapter) -> None:
    impostor = signing.new_identity_key()
    ReceiptSigner.objects.update(private_key=signing.private_pem(impostor))
    snapshot = Snapshot()

    status = sync(connection, snapshot, cloud)

    with pytest.raises(ReceiptInvalid):
        receipt_of(connection, snapshot, status)
