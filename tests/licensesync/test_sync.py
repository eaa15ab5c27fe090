"""A sync from the seats to the receipt: what travels, what is kept, and what is refused."""

from django.db import transaction

from enterprises.models import AuditEvent
from enterprises.outbound import assert_no_open_transaction
from licensesync import services
from licensesync.models import Schedule, SyncJob, SyncPart
from tests.licensesync.fake_cloud import FakeCloud
from tests.licensesync.world import World, make_server, make_world, ndjson, seat
from wire import signing
from wire.lines import read_lines
from wire.parts import MAX_PART_LINES

State = SyncJob.State
Kind = SyncJob.Kind


def events(job: SyncJob) -> list[str]:
    return list(job.events.values_list("event", flat=True))


def actions() -> list[str]:
    """What was audited of the sync, oldest first."""
    wanted = AuditEvent.objects.exclude(action__in=("business.create", "dotcom_connection.token_updated"))
    return list(wanted.order_by("pk").values_list("action", flat=True))


def test_sync_ends_with_a_verified_receipt_and_a_new_base(world: World) -> None:
    job = world.sync()

    world.connection.refresh_from_db()
    assert (job.state, job.accounts, job.parts_sent) == (State.SUCCEEDED, 3, 1)
    assert job.result is not None
    assert job.result["licenses_after"] == 3
    assert (world.connection.base_revision, world.connection.base_snapshot_id) == (1, job.sync_id)
    assert events(job) == [
        "requested",
        "attempt",
        "prepared",
        "opened",
        "part_sent",
        "commit_sent",
        "receipt_verified",
        "succeeded",
    ]


def test_unchanged_server_uploads_nothing_and_still_gets_a_receipt(world: World) -> None:
    first = world.sync()
    world.clock.move(days=7)

    second = world.sync()

    assert world.cloud.seen.count("part") == 1
    assert second.state == State.SUCCEEDED
    assert second.receipt != first.receipt
    assert second.result is not None
    assert second.result["revision"] == 2


def test_only_user_ids_and_addresses_travel(world: World) -> None:
    people = ndjson(
        [4, 5], login="secret-login", role="secret-role", name="Secret Name", last_active="2024-01-02T03:04:05Z"
    )
    seat(world.server, people, partial=True)

    world.sync()

    lines = [line for _raw, line in read_lines(world.cloud.lines)]
    assert [line.user_id for line in lines] == [1, 2, 3, 4, 5]
    everything = b"".join(world.cloud.bytes_received) + world.cloud.lines
    for word in (b"secret", b"Secret", b"login", b"2024-01-02", b"role"):
        assert word not in everything


def test_accounts_without_a_license_do_not_travel(world: World) -> None:
    seat(world.server, ndjson([1]) + ndjson([2], suspended=True) + ndjson([3], type="Bot") + ndjson([4], login="ghost"))

    world.sync()

    assert [line.user_id for _raw, line in read_lines(world.cloud.lines)] == [1]


def test_second_opening_builds_on_the_first_receipt(world: World) -> None:
    first = world.sync()
    seat(world.server, ndjson([9]), partial=True)

    second = world.sync()

    opening = world.cloud.syncs[str(second.sync_id)].opening
    assert opening.base is not None
    assert (opening.base.revision, opening.base.snapshot_id, opening.unanswered) == (1, str(first.sync_id), ())


def test_parts_are_cut_at_ten_thousand_lines(db: None) -> None:
    world = make_world(accounts=MAX_PART_LINES + 1)

    job = world.sync()

    assert (job.part_count, job.parts_sent) == (2, 2)
    assert list(job.parts.order_by("number").values_list("lines", flat=True)) == [MAX_PART_LINES, 1]


def test_nobody_with_a_license_is_a_snapshot_without_parts(world: World) -> None:
    seat(world.server, ndjson([1, 2, 3], suspended=True))

    job = world.sync()

    assert (job.state, job.accounts, job.part_count) == (State.SUCCEEDED, 0, 0)


def test_server_without_an_import_is_refused_before_anything_is_sent(db: None) -> None:
    world = make_world(accounts=0)

    job = world.sync()

    assert (job.state, job.error_code, world.cloud.seen) == (State.FAILED, "no_seats", [])


def test_parts_of_the_last_success_alone_are_kept(world: World) -> None:
    world.sync()
    seat(world.server, ndjson([9]), partial=True)

    second = world.sync()

    assert set(SyncPart.objects.values_list("job", flat=True)) == {second.pk}


def test_preview_reports_and_changes_nothing(world: World) -> None:
    kept = world.sync()

    job = world.run(world.request(kind=Kind.PREVIEW))

    world.connection.refresh_from_db()
    assert job.state == State.SUCCEEDED
    assert job.result is not None
    assert job.result["licenses_after"] == 3
    assert job.receipt == ""
    assert world.connection.base_snapshot_id == kept.sync_id
    assert set(SyncPart.objects.values_list("job", flat=True)) == {kept.pk}


def test_record_holds_no_personal_data_and_goes_out_with_sync_off(db: None) -> None:
    world = make_world(is_enabled=False)
    services.set_license(server=world.server, customer="Octo", seats=10, by=None, at=world.clock.now)

    job = world.run(world.request(kind=Kind.RECORD))

    (record,) = world.cloud.records
    assert (job.state, job.slot) == (State.SUCCEEDED, Schedule.Slot.RECORD)
    assert (record["customer_name"], record["license_consuming_seats"]) == ("Octo", 3)
    assert record["features"] == [{"name": "license_sync", "enabled_at": None}]
    assert "user1" not in str(record)


def test_success_is_audited(world: World) -> None:
    world.sync()
    world.run(world.request(kind=Kind.RECORD))

    assert actions() == [
        "seats.import",
        "config_entry.update",
        "license_sync.requested",
        "dotcom_connection.upload_license_usage",
        "license_sync.succeeded",
        "license_sync.requested",
        "dotcom_connection.upload_usage_metrics",
    ]


def test_receipt_of_a_stranger_is_not_believed(world: World) -> None:
    world.cloud.key = signing.new_identity_key()

    job = world.sync()

    world.connection.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAILED, "receipt_invalid")
    assert world.connection.base_revision is None


def test_receipt_of_an_earlier_sync_is_not_believed(world: World) -> None:
    earlier = world.sync().receipt
    seat(world.server, ndjson([9]), partial=True)
    job = world.request()
    world.cloud.sign = lambda _receipt: earlier

    world.run(job)

    assert (job.state, job.error_code) == (State.FAILED, "receipt_invalid")


def test_no_transaction_is_open_while_the_cloud_is_spoken_to(world: World) -> None:
    world.cloud.on_request = lambda _step: assert_no_open_transaction()

    job = world.sync()

    assert job.state == State.SUCCEEDED
    assert world.cloud.seen == ["token", "open", "part", "commit"]


def test_open_transaction_stops_the_run_before_a_word_is_said(world: World) -> None:
    """The control: the assertion above does notice one."""
    with transaction.atomic():
        job = world.sync()

    assert (job.error_code, job.error, world.cloud.seen) == ("internal_error", "OpenTransaction", [])


def test_log_of_a_job_holds_no_address_and_no_secret(world: World) -> None:
    job = world.sync()

    text = str(list(job.events.values_list("data", flat=True)))
    assert "octo.example" not in text
    assert "token" not in text


def test_two_servers_of_one_process_do_not_mix(world: World) -> None:
    other = make_world(make_server(hostname="ghes2.octo.example"), accounts=1)

    world.sync()
    other.sync()

    assert isinstance(other.cloud, FakeCloud)
    assert world.cloud.lines.count(b"\n") == 3
    assert other.cloud.lines.count(b"\n") == 1
