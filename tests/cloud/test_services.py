"""Disconnecting keeps the people, removing purges them; the minute expires what is too old."""

import io
import uuid
from contextlib import suppress
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from cloud import beat, consumption, intake, retention, services, tasks
from cloud.models import (
    AppToken,
    ConnectCode,
    ConsumedLicense,
    Installation,
    Intake,
    IntakePart,
    Ledger,
    ReceiptSigner,
    UsagePoint,
)
from cloud.signer import current_signer, public_keys
from config.celery import app
from enterprises.models import AuditEvent, User
from tests.cloud.books import (
    NOW,
    commit_whole,
    connect,
    import_members,
    lines_of,
    member,
    opening,
    parts_of,
    people,
    sync,
)

MONA = (1, "mona@octo.example")


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def test_disconnected_server_still_counts(server: Installation) -> None:
    sync(server, [MONA])
    AppToken.objects.create(installation=server, digest="d", expires_at=NOW)

    services.disconnect_installation(installation=server, by=None, at=NOW)

    assert server.state == Installation.State.DISCONNECTED
    assert consumption.totals(server.ledger).consumed == 1
    assert not AppToken.objects.exists()


def test_disconnecting_ends_snapshots_on_their_way(server: Installation) -> None:
    opened = opening(server, lines_of([MONA]))
    intake.open_sync(server, opened, NOW)
    intake.receive_part(server, opened.sync_id, 1, parts_of(lines_of([MONA]))[0], NOW)

    services.disconnect_installation(installation=server, by=None, at=NOW)

    assert intake.status(server, opened.sync_id).state == "expired"
    assert server.last_status == Installation.SyncStatus.FAILURE
    assert not IntakePart.objects.exists()


def test_removed_server_takes_its_people_along(ledger: Ledger, server: Installation) -> None:
    import_members(ledger, member(1, "ana"))
    sync(server, [MONA, (2, "both@octo.example")])
    sync(connect(ledger, "ghes2.octo.example"), [(7, "both@octo.example")])

    services.remove_installation(installation=server, by=None, at=NOW)

    totals = consumption.totals(ledger)
    assert people(ledger) == [("", ("ghes2.octo.example:7",), False, False), ("ana", (), False, False)]
    assert (totals.consumed, totals.server_seats, totals.counted_apart) == (2, 1, 2)


def test_removing_twice_is_removing_once(ledger: Ledger, server: Installation) -> None:
    for _time in range(2):
        services.remove_installation(installation=server, by=None, at=NOW)

    assert AuditEvent.objects.filter(action="enterprise_installation.destroy").count() == 1


def test_removal_says_who_did_it_and_what_went(server: Installation) -> None:
    sync(server, [MONA])
    owner = User.objects.create(username="olivia")

    services.remove_installation(installation=server, by=owner, at=NOW, ip="192.0.2.7")

    event = AuditEvent.objects.get(action="enterprise_installation.destroy")
    assert (event.actor, event.ip, event.target) == (owner, "192.0.2.7", "ghes1.octo.example")
    assert event.before == {"state": "connected", "accounts": 1}


def test_renamed_server_keeps_its_people_under_the_new_name(server: Installation) -> None:
    sync(server, [(1, None)])

    services.rename_installation(installation=server, hostname="renamed.example", at=NOW)

    assert ConsumedLicense.objects.get().label == "renamed.example:1"


def test_purchased_seats_change_what_is_available(ledger: Ledger) -> None:
    services.set_seats_purchased(ledger=ledger, seats_purchased=7, by=None, at=NOW)

    totals = consumption.totals(ledger)
    assert (totals.purchased, totals.available) == (7, 7)
    assert AuditEvent.objects.get(action="license.update").after == {"seats_purchased": 7}


def test_day_keeps_its_last_and_its_highest_count(server: Installation) -> None:
    sync(server, [MONA, (2, None), (3, None)])
    sync(server, [MONA])

    point = UsagePoint.objects.get()
    assert (point.day, point.consumed, point.peak, point.counted_apart) == (date(2026, 3, 2), 1, 3, 1)


def test_number_of_queries_does_not_grow_with_the_accounts(server: Installation) -> None:
    sync(server, [MONA])
    with CaptureQueriesContext(connection) as few:
        sync(server, [MONA, (2, None)])

    with CaptureQueriesContext(connection) as many:
        sync(server, [MONA, (2, None), *((number, f"p.{number}@octo.example") for number in range(3, 300))])

    # Many rows are looked at once before they are joined, table by table.
    asked = [[query["sql"] for query in each if not query["sql"].startswith("ANALYZE cloud_")] for each in (few, many)]
    assert len(asked[0]) == len(asked[1])


def test_link_follows_the_name_of_the_server(ledger: Ledger, server: Installation) -> None:
    sync(server, [(4, "somebody@else.example")])
    report = io.BytesIO(b"github_com_login,enterprise_server_user_ids\nana,renamed.example:4\n")
    services.import_members(ledger=ledger, stream=report, by=None, at=NOW)

    services.rename_installation(installation=server, hostname="renamed.example", at=NOW)

    assert people(ledger) == [("ana", ("renamed.example:4",), False, False)]


def _sent() -> list[dict[str, object]]:
    """The keyword arguments of all messages that wait for a worker, taken away."""
    found = []
    with app.connection_for_read() as broker, broker.SimpleQueue("licensesync") as queue, suppress(queue.Empty):
        while True:
            message = queue.get(block=False)
            message.ack()
            found.append(message.payload[1])
    return found


def test_commit_wakes_a_worker(
    server: Installation, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    opened = opening(server, lines_of([MONA]))
    intake.open_sync(server, opened, NOW)
    intake.receive_part(server, opened.sync_id, 1, parts_of(lines_of([MONA]))[0], NOW)
    _sent()

    with django_capture_on_commit_callbacks(execute=True):
        intake.commit(server, opened.sync_id, NOW)

    assert _sent() == [{"intake_id": server.intakes.get().pk}]


def test_tick_sends_a_forgotten_snapshot_again(server: Installation) -> None:
    commit_whole(server, lines_of([MONA]))
    _sent()

    beat.tick()

    assert _sent() == [{"intake_id": server.intakes.get().pk}]


def test_worker_applies_what_it_is_sent(server: Installation) -> None:
    opened = commit_whole(server, lines_of([MONA]))

    tasks.apply_intake(intake_id=server.intakes.get().pk, something_newer=1)

    assert intake.status(server, opened.sync_id).state == "applied"


def test_late_snapshot_expires_with_its_bytes(server: Installation) -> None:
    opened = opening(server, lines_of([MONA]))
    intake.open_sync(server, opened, NOW)
    intake.receive_part(server, opened.sync_id, 1, parts_of(lines_of([MONA]))[0], NOW)

    retention.enforce(NOW + timedelta(hours=23))
    assert intake.status(server, opened.sync_id).state == "receiving"
    retention.enforce(NOW + timedelta(days=8))

    server.refresh_from_db()
    assert intake.status(server, opened.sync_id).state == "expired"
    assert not IntakePart.objects.exists()
    assert server.last_status == Installation.SyncStatus.FAILURE


def test_late_preview_expires_after_an_hour(server: Installation) -> None:
    opened = opening(server, lines_of([MONA]), kind="preview")
    intake.open_sync(server, opened, NOW)

    retention.enforce(NOW + timedelta(hours=2))

    assert intake.status(server, opened.sync_id).state == "expired"


def test_old_codes_tokens_and_ended_snapshots_go(server: Installation) -> None:
    sync(server, [MONA])
    sync(server, [MONA, (2, None)])
    user = User.objects.create(username="olivia")
    AppToken.objects.create(installation=server, digest="d", expires_at=NOW)
    ConnectCode.objects.create(ledger=server.ledger, digest="c", manifest="", created_by=user, expires_at=NOW)

    retention.enforce(NOW + timedelta(days=31))

    assert not AppToken.objects.exists()
    assert not ConnectCode.objects.exists()
    assert [row.snapshot_id for row in Intake.objects.all()] == [server.snapshot_id]


def test_first_ledger_makes_the_key_that_signs(ledger: Ledger) -> None:
    assert current_signer(NOW) == ReceiptSigner.objects.get()
    assert [key.kid for key in public_keys(NOW)] == ["receipts-1"]


def test_newest_key_signs_and_older_ones_stay_known(ledger: Ledger) -> None:
    newest = ReceiptSigner.objects.create(
        kid=uuid.uuid4().hex, private_key="x", public_key="y", created_at=NOW + timedelta(days=1)
    )

    assert current_signer(NOW) == newest
    assert [key.kid for key in public_keys(NOW)] == [newest.kid, "receipts-1"]
