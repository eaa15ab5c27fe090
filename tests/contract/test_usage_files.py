"""Usage files between the two sides: the server's own exports, as the real cloud takes them, beside the wire."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from cloud import intake, usage_files
from cloud.consumption import totals
from cloud.models import Intake, Ledger
from cloud.usage_files import UploadCode, UploadRefused
from connect.models import Connection, Server
from enterprises.models import User
from licensesync import exporting, services
from licensesync.models import SyncJob
from licensesync.syncing import run
from licensesync.usage_files import usage_file
from tests.licensesync.world import ndjson, seat
from tests.support.line import connect
from tests.support.wsgi_adapter import WsgiAdapter
from wire import signing


def exported(server: Server) -> SyncJob:
    server.refresh_from_db()
    return exporting.export_now(server=server, clock=timezone.now, wait=lambda _s: None, show=lambda _count: None)


def hand_over(server: Server, job: SyncJob, ledger: Ledger, owner: User) -> Intake:
    """What two people do: compare the fingerprint, and upload the file."""
    content = b"".join(usage_file(server, job))
    key = json.loads(content)["header"]["server_key"]
    return usage_files.upload_now(
        ledger=ledger,
        stream=io.BytesIO(content),
        name="usage.json",
        by=owner,
        at=timezone.now(),
        fingerprint=signing.fingerprint(key),
    )


def sync(connection: Connection, adapter: WsgiAdapter, owner: User) -> SyncJob:
    def apply_what_waits(_seconds: float) -> None:
        for pk in Intake.objects.filter(state=Intake.State.APPLYING).values_list("pk", flat=True):
            intake.apply(pk, timezone.now)

    job = services.request_sync(connection=connection, by=owner, at=timezone.now())
    run.run(job.pk, adapter=adapter, wait=apply_what_waits)
    job.refresh_from_db()
    return job


@pytest.fixture
def connected(server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter) -> Connection:
    """The server with three accounts, connected, license sync enabled."""
    seat(server, ndjson(range(1, 4)), at=timezone.now() - timedelta(hours=3))
    made = connect(server, ledger.enterprise, owner=owner, adapter=cloud)
    services.set_license_sync(connection=made, enabled=True, by=owner, at=timezone.now())
    return made


def consumed(ledger: Ledger) -> int:
    ledger.refresh_from_db()
    return totals(ledger).consumed


def test_server_without_a_line_reports_by_files_one_after_the_other(
    server: Server, ledger: Ledger, owner: User
) -> None:
    seat(server, ndjson(range(1, 4)), at=timezone.now() - timedelta(hours=3))
    hand_over(server, exported(server), ledger, owner)
    seat(server, ndjson(range(1, 6)), at=timezone.now() - timedelta(hours=2))

    # No receipt came back: the second file says itself what the first one was.
    second = hand_over(server, exported(server), ledger, owner)

    assert (second.state, consumed(ledger)) == (Intake.State.APPLIED, 5)


def test_sync_goes_on_after_a_file_whose_receipt_never_came(
    connected: Connection, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    server = connected.server
    assert sync(connected, cloud, owner).state == SyncJob.State.SUCCEEDED
    seat(server, ndjson(range(1, 6)), at=timezone.now() - timedelta(hours=2))
    hand_over(server, exported(server), ledger, owner)
    seat(server, ndjson(range(1, 8)), at=timezone.now() - timedelta(hours=1))

    job = sync(connected, cloud, owner)

    assert (job.state, job.error_code, consumed(ledger)) == (SyncJob.State.SUCCEEDED, "", 7)


def test_file_from_before_a_sync_is_refused_after_it(
    connected: Connection, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    server = connected.server
    old = exported(server)
    seat(server, ndjson(range(1, 6)), at=timezone.now() - timedelta(hours=2))
    sync(connected, cloud, owner)

    with pytest.raises(UploadRefused):
        hand_over(server, old, ledger, owner)

    assert consumed(ledger) == 5


def test_file_whose_seats_came_over_the_wire_meanwhile_is_recognized(
    connected: Connection, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    file = exported(connected.server)
    sync(connected, cloud, owner)

    with pytest.raises(UploadRefused) as refused:
        hand_over(connected.server, file, ledger, owner)

    assert (refused.value.code, consumed(ledger)) == (UploadCode.ALREADY_HELD, 3)


def test_file_after_a_sync_of_the_same_seats_changes_nobody(
    connected: Connection, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    sync(connected, cloud, owner)

    taken = hand_over(connected.server, exported(connected.server), ledger, owner)

    assert (taken.state, consumed(ledger)) == (Intake.State.APPLIED, 3)
    assert sync(connected, cloud, owner).state == SyncJob.State.SUCCEEDED
