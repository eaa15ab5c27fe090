"""Octo's three servers, from their files over the real client and the real cloud to the one number."""

import io
from pathlib import Path

from django.utils import timezone

from cloud import intake
from cloud.consumption import totals
from cloud.models import Intake
from cloud.services import import_members
from cloud.usage_files import upload_now
from enterprises.models import User
from licensesync import services
from licensesync.exporting import export_now
from licensesync.models import SyncJob
from licensesync.syncing import run as sync
from licensesync.usage_files import usage_file
from tests.support.line import connect, make_ledger, make_server
from tests.support.wsgi_adapter import WsgiAdapter
from wire import signing

OCTO = Path(__file__).parent.parent / "data" / "octo"
HOSTS = ("ghes1.octo.example", "ghes2.octo.example", "ghes3.octo.example")


def apply_what_waits(_seconds: float) -> None:
    """What a worker of the cloud does while the server's worker pauses."""
    for pk in Intake.objects.filter(state=Intake.State.APPLYING).values_list("pk", flat=True):
        intake.apply(pk, timezone.now)


def test_octo_counts_the_same_by_file(owner: User) -> None:
    ledger = make_ledger("octo", owner=owner)
    with (OCTO / "members.ndjson").open("rb") as members:
        import_members(ledger=ledger, stream=members, by=owner, at=timezone.now())

    for number, host in enumerate(HOSTS, start=1):
        server = make_server(f"ghes{number}", hostname=host, owner=owner)
        with (OCTO / f"seats-{host}.ndjson").open("rb") as seats:
            services.import_seats(server=server, stream=seats, by=owner, at=timezone.now())
        job = export_now(server=server, clock=timezone.now, wait=lambda _s: None, show=lambda _count: None)
        file = usage_file(server, job)
        stream = io.BytesIO(b"".join(file))
        key = signing.fingerprint(file.header.server_key)
        upload_now(ledger=ledger, stream=stream, name=file.name, by=owner, at=timezone.now(), fingerprint=key)

    ledger.refresh_from_db()
    counted = totals(ledger)
    assert (counted.counted_apart, counted.consumed, counted.saved) == (113, 81, 32)


def test_octo_counts_113_apart_and_81_with_license_sync(owner: User) -> None:
    ledger = make_ledger("octo", owner=owner)
    with (OCTO / "members.ndjson").open("rb") as members:
        import_members(ledger=ledger, stream=members, by=owner, at=timezone.now())
    adapter = WsgiAdapter()

    for number, host in enumerate(HOSTS, start=1):
        server = make_server(f"ghes{number}", hostname=host, owner=owner)
        with (OCTO / f"seats-{host}.ndjson").open("rb") as seats:
            services.import_seats(server=server, stream=seats, by=owner, at=timezone.now())
        connection = connect(server, ledger.enterprise, owner=owner, adapter=adapter)
        services.set_license_sync(connection=connection, enabled=True, by=owner, at=timezone.now())
        job = services.request_sync(connection=connection, by=owner, at=timezone.now())
        sync.run(job.pk, adapter=adapter, wait=apply_what_waits)
        job.refresh_from_db()
        assert (job.state, job.error_code) == (SyncJob.State.SUCCEEDED, "")

    ledger.refresh_from_db()
    counted = totals(ledger)
    assert (counted.counted_apart, counted.consumed, counted.saved) == (113, 81, 32)
