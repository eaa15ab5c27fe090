"""What people and commands can do, and what is written down about it."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from kombu import Connection

from enterprises.models import AuditEvent, User
from licensesync import services
from licensesync.licenses import license_hash, license_use
from licensesync.models import License, Schedule, SyncJob
from licensesync.tasks import publish
from tests.factories import NOW
from tests.licensesync.fake_cloud import lose_connection
from tests.licensesync.world import World, make_server, make_unconnected, make_world, ndjson, seat

IP = "192.0.2.7"


class TestToggle:
    def test_enabling_is_audited_with_before_and_after(self, db: None, owner: User) -> None:
        world = make_world(is_enabled=False)

        services.set_license_sync(connection=world.connection, enabled=True, by=owner, at=NOW, ip=IP)

        event = AuditEvent.objects.get(action="config_entry.update")
        assert (event.actor, event.ip, event.target) == (owner, IP, "license_sync")
        assert (event.before, event.after) == ({"license_sync": "disabled"}, {"license_sync": "enabled"})
        assert world.connection.license_sync_enabled_at == NOW

    def test_setting_what_is_set_changes_and_audits_nothing(self, world: World) -> None:
        later = NOW + timedelta(days=1)

        assert not services.set_license_sync(connection=world.connection, enabled=True, by=None, at=later)
        assert world.connection.license_sync_enabled_at == NOW
        assert AuditEvent.objects.filter(action="config_entry.update").count() == 1

    @pytest.mark.parametrize("state", ["not_connected", "pending", "disconnected"])
    @pytest.mark.parametrize("enabled", [True, False])
    def test_impossible_before_connect(self, db: None, state: str, enabled: bool) -> None:
        connection = make_unconnected(state)

        with pytest.raises(services.NotConnected):
            services.set_license_sync(connection=connection, enabled=enabled, by=None, at=NOW)

        assert not AuditEvent.objects.filter(action="config_entry.update").exists()

    def test_disabling_cancels_what_the_cloud_was_not_asked_to_apply(self, world: World) -> None:
        job = world.request()

        services.set_license_sync(connection=world.connection, enabled=False, by=None, at=NOW)

        job.refresh_from_db()
        assert (job.state, job.error_code) == (SyncJob.State.CANCELLED, "sync_disabled")

    def test_disabling_lets_a_committed_sync_end_by_its_receipt(self, world: World) -> None:
        world.cloud.fail("commit", lose_connection, is_after=True)
        job = world.sync()

        services.set_license_sync(connection=world.connection, enabled=False, by=None, at=NOW)
        assert job.not_before is not None
        world.clock.now = job.not_before
        world.run(job)

        assert job.state == SyncJob.State.SUCCEEDED


class TestSyncNow:
    def test_trying_again_at_once_is_audited_with_who_asked(self, world: World, owner: User) -> None:
        world.cloud.fail("open", lose_connection)
        job = world.sync()

        world.request(by=owner)

        event = AuditEvent.objects.get(actor=owner)
        assert event.action == "license_sync.requested"
        assert event.after is not None
        assert event.after["tried_again"] == job.pk

    def test_while_one_is_active_it_is_the_answer(self, world: World, owner: User) -> None:
        first = world.request(by=owner)

        assert world.request(by=owner) == first
        assert AuditEvent.objects.filter(action="license_sync.requested").count() == 1

    def test_in_back_off_it_starts_at_once(self, world: World) -> None:
        world.cloud.fail("open", lose_connection)
        world.sync()

        job = world.request()

        assert job.not_before == world.clock.now
        assert world.run(job).state == SyncJob.State.SUCCEEDED

    @pytest.mark.parametrize("step", ["open", "status"])
    def test_preview_that_waits_gives_way(self, world: World, step: str) -> None:
        world.cloud.polls_until_applied = 2
        world.cloud.fail(step, lose_connection)
        preview = world.run(world.request(kind=SyncJob.Kind.PREVIEW))

        job = world.run(world.request())

        preview.refresh_from_db()
        assert (preview.state, preview.error_code) == (SyncJob.State.CANCELLED, "preview_overtaken")
        assert not preview.parts.exists()
        assert (job.kind, job.state) == (SyncJob.Kind.USAGE, SyncJob.State.SUCCEEDED)

    def test_sync_under_way_is_the_answer_to_a_preview_too(self, world: World) -> None:
        job = world.request()

        assert world.request(kind=SyncJob.Kind.PREVIEW) == job

    @pytest.mark.parametrize("kind", [SyncJob.Kind.USAGE, SyncJob.Kind.PREVIEW])
    def test_impossible_while_disabled(self, db: None, kind: SyncJob.Kind) -> None:
        world = make_world(is_enabled=False)

        with pytest.raises(services.SyncDisabled):
            world.request(kind=kind)

    def test_impossible_without_a_connection(self, db: None) -> None:
        with pytest.raises(services.NotConnected):
            services.request_sync(connection=make_server().connection, by=None, at=NOW)

    def test_confirmed_shrink_travels_with_the_opening(self, world: World) -> None:
        job = services.request_sync(connection=world.connection, by=None, at=NOW, allow_shrink=True)

        world.run(job)

        assert world.cloud.syncs[str(job.sync_id)].opening.allow_shrink

    def test_broker_that_is_down_is_logged_and_loses_nothing(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        job = world.request()

        with Connection("redis+socket:///nowhere/valkey.sock", transport_options={"max_retries": 0}) as nowhere:
            assert publish(job.pk, broker=nowhere) is False
        assert "The broker did not take a message" in caplog.text
        assert SyncJob.objects.due(NOW).get() == job

    def test_broker_that_is_up_takes_the_message(self, world: World) -> None:
        assert publish(world.request().pk) is True


class TestCancel:
    def test_is_audited(self, world: World, owner: User) -> None:
        job = world.request()

        services.cancel_sync(job=job, by=owner, at=NOW, ip=IP)

        event = AuditEvent.objects.get(action="license_sync.cancelled")
        assert (event.actor, event.ip, job.state) == (owner, IP, SyncJob.State.CANCELLED)

    def test_what_is_over_cannot_be_cancelled(self, world: World) -> None:
        job = world.sync()

        with pytest.raises(services.CannotCancel):
            services.cancel_sync(job=job, by=None, at=NOW)


class TestLicense:
    def test_change_is_audited_with_before_and_after(self, world: World, owner: User) -> None:
        services.set_license(server=world.server, customer="Octo", seats=10, by=None, at=NOW)

        services.set_license(
            server=world.server, customer="Octo", seats=None, expires_on=date(2027, 1, 1), by=owner, at=NOW
        )

        event = AuditEvent.objects.filter(action="license.update").latest("pk")
        assert event.before is not None
        assert event.after is not None
        assert (event.before["seats"], event.after["seats"], event.after["expires_on"]) == (10, None, "2027-01-01")
        assert License.objects.count() == 1

    def test_license_without_a_customer_is_refused(self, world: World) -> None:
        with pytest.raises(ValidationError):
            services.set_license(server=world.server, customer=" ", seats=10, by=None, at=NOW)

    def test_use_counts_those_who_consume(self, world: World) -> None:
        seat(world.server, ndjson([1, 2]) + ndjson([3], suspended=True))
        services.set_license(server=world.server, customer="Octo", seats=1, by=None, at=NOW)

        use = license_use(world.server)

        assert (use.used, use.total, use.available, use.is_over) == (2, 1, 0, True)

    def test_use_without_a_license_has_no_total(self, world: World) -> None:
        use = license_use(world.server)

        assert (use.used, use.total, use.available, use.is_over) == (3, None, None, False)

    def test_hash_changes_with_every_field(self) -> None:
        licenses = [
            License(customer="a", kind="b", seats=1, expires_on=None),
            License(customer="ab", kind="", seats=1, expires_on=None),
            License(customer="a", kind="b", seats=None, expires_on=None),
            License(customer="a", kind="b", seats=1, expires_on=date(2027, 1, 1)),
        ]

        assert len({license_hash(one) for one in licenses}) == 4
        assert license_hash(None) == ""


def test_schedule_is_planned_in_the_transaction_of_the_toggle(world: World) -> None:
    assert Schedule.objects.filter(connection=world.connection, slot=Schedule.Slot.SYNC).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("enabled", [True, False])
def test_cloud_is_told_at_once_that_license_sync_was_switched(enabled: bool) -> None:
    world = make_world(is_enabled=not enabled)

    services.set_license_sync(connection=world.connection, enabled=enabled, by=None, at=NOW)
    world.run(SyncJob.objects.get(kind=SyncJob.Kind.RECORD))

    ((feature,),) = [record["features"] for record in world.cloud.records]
    assert bool(feature.get("enabled_at")) is enabled


def test_switch_while_the_record_travels_is_told_too(world: World) -> None:
    services.set_license_sync(connection=world.connection, enabled=False, by=None, at=NOW)
    job = SyncJob.objects.get(kind=SyncJob.Kind.RECORD)

    def switch_back() -> None:
        services.set_license_sync(connection=world.connection, enabled=True, by=None, at=NOW)

    world.cloud.fail("record", switch_back)
    world.run(job)

    assert [bool(record["features"][0].get("enabled_at")) for record in world.cloud.records] == [False, True]
    assert list(SyncJob.objects.filter(kind=SyncJob.Kind.RECORD).values_list("state", flat=True)) == ["succeeded"]
