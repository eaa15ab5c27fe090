"""A sync refreshes the seats first, and goes on with those it has where their source is of no use."""

from __future__ import annotations

from datetime import timedelta

import pytest

from enterprises.models import AuditEvent
from licensesync import services
from licensesync.exporting import request_export
from licensesync.jobs import cancel
from licensesync.models import SeatSource, SourceConfig, SyncJob
from licensesync.pages.sync_box import missing_of
from licensesync.pages.usage_file import usage_file_page
from licensesync.sources.asking import run_requested, waiting
from licensesync.sources.refreshing import Refresher
from licensesync.state import StateCode, connection_state
from tests.factories import make_user
from tests.licensesync.world import World, make_server, make_world
from tests.sources.helper import from_ghes, held
from tests.support.ghes import Ghes
from tests.support.ghes_behavior import REPORT

pytestmark = [pytest.mark.django_db, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def events(job: SyncJob) -> list[str]:
    return list(job.events.values_list("event", flat=True))


@pytest.mark.parametrize("kind", [SyncJob.Kind.USAGE, SyncJob.Kind.PREVIEW])
def test_sync_and_preview_send_what_the_source_says_now(world: World, ghes: Ghes, kind: SyncJob.Kind) -> None:
    ghes.behave(accounts=5)
    from_ghes(world.server, ghes)

    job = world.run(world.request(kind=kind))

    assert (job.state, job.accounts, job.source_error) == ("succeeded", 5, "")
    assert job.refresh_began_at is not None
    assert job.refreshed_at is not None
    assert events(job).index("refreshed") < events(job).index("prepared")


def test_usage_file_holds_what_the_source_says_now(world: World, ghes: Ghes) -> None:
    ghes.behave(accounts=5)
    from_ghes(world.server, ghes)

    job = world.run(request_export(server=world.server, by=None, at=world.clock.now))

    assert (job.state, job.accounts, job.source_error) == ("exported", 5, "")


def test_usage_file_waits_for_no_source_and_says_so(world: World, ghes: Ghes) -> None:
    from_ghes(world.server, ghes)
    ghes.behave(trouble="server_error")

    job = world.run(request_export(server=world.server, by=None, at=world.clock.now))

    assert (job.state, job.accounts, job.source_error) == ("exported", 3, "source_server_error")
    assert usage_file_page(world.server, world.clock.now, is_owner=True).source_error.endswith("stayed as they were.")


def test_usage_file_without_any_seats_waits_for_its_source(ghes: Ghes) -> None:
    world = make_world(accounts=0)
    from_ghes(world.server, ghes)
    ghes.behave(trouble="server_error")

    job = world.run(request_export(server=world.server, by=None, at=world.clock.now))

    assert (job.state, job.error_code) == ("queued", "source_server_error")


def test_sync_of_imported_seats_has_nothing_to_refresh(world: World, ghes: Ghes) -> None:
    job = world.sync()
    assert (job.state, job.refresh_began_at) == ("succeeded", None)


def test_source_that_may_come_back_is_waited_for_then_the_old_seats_go(world: World, ghes: Ghes) -> None:
    from_ghes(world.server, ghes)
    ghes.behave(trouble="server_error")
    SeatSource.objects.update(taken_at=world.clock.now - timedelta(days=9))
    job = world.request()

    for _attempt in range(2):
        job = world.run(job)
        assert (job.is_waiting_to_retry, job.error_code) == (True, "source_server_error")
        assert job.not_before is not None
        world.clock.now = job.not_before
    job = world.run(job)

    assert (job.state, job.source_error, job.error_code) == ("succeeded", "source_server_error", "")
    assert "went_on_with_old_seats" in events(job)
    state = connection_state(world.connection, world.clock.now)
    assert state.code == StateCode.SYNCED_OLD_SEATS
    assert any("GHES has a problem of its own." in str(remark) for remark in state.remarks)
    opening = world.cloud.held
    assert opening is not None
    assert world.clock.now - opening.taken_at > timedelta(days=8)


def test_source_that_does_not_come_back_by_itself_keeps_nobody_waiting(world: World, ghes: Ghes) -> None:
    from_ghes(world.server, ghes, token="wrong-token-1")
    job = world.sync()
    assert (job.state, job.source_error, job.attempts) == ("succeeded", "source_auth", 1)


@pytest.mark.parametrize(("trouble", "is_over"), [("cut", False), ("wrong_columns", True)])
def test_without_any_seats_the_sync_says_what_the_source_said(ghes: Ghes, trouble: str, is_over: bool) -> None:
    world = make_world(accounts=0)
    from_ghes(world.server, ghes)
    ghes.behave(trouble=trouble, unready=0)

    job = world.sync()

    assert job.error_code == {"cut": "source_unfinished", "wrong_columns": "source_invalid"}[trouble]
    assert (job.state == SyncJob.State.FAILED) is is_over
    assert SeatSource.objects.count() == 0


def test_first_sync_fetches_the_first_seats_by_itself(ghes: Ghes) -> None:
    world = make_world(accounts=0)
    assert missing_of(world.server) is not None
    assert connection_state(world.connection, world.clock.now).reason

    from_ghes(world.server, ghes)
    server = type(world.server).objects.get()

    assert missing_of(server) is None
    assert connection_state(world.connection, world.clock.now).reason == ""
    assert (world.sync().accounts, SeatSource.objects.get().kind) == (3, "ghes")


def test_retry_after_the_seats_were_frozen_asks_ghes_no_second_time(world: World, ghes: Ghes) -> None:
    ghes.behave(unready=0)
    from_ghes(world.server, ghes)

    def broken() -> None:
        raise OSError

    world.cloud.fail("open", broken)
    job = world.sync()
    assert job.is_waiting_to_retry
    world.clock.now = job.not_before or world.clock.now
    job = world.run(job)

    assert job.state == SyncJob.State.SUCCEEDED
    assert ghes.paths().count(REPORT) == 1


def test_sync_that_is_cancelled_while_ghes_makes_its_report_changes_no_seats(world: World, ghes: Ghes) -> None:
    ghes.behave(accounts=5, retry_after=60, unready=1)
    from_ghes(world.server, ghes)
    before = held(world.server)
    job = world.request()
    pause = world._wait

    def cancelling(seconds: float) -> None:
        pause(seconds)
        assert cancel(job.pk, world.clock.now, code="cancelled_by_person")

    world._wait = cancelling  # type: ignore[method-assign]  # the worker waits through it
    world.run(job)

    assert job.state == SyncJob.State.CANCELLED
    assert held(world.server) == before
    assert SourceConfig.objects.get(server=world.server).lease_until is None


def test_button_asks_a_worker_and_once_is_enough(world: World, ghes: Ghes) -> None:
    ghes.behave(unready=0)
    config = from_ghes(world.server, ghes)
    with pytest.raises(services.NothingToRefresh):
        services.request_refresh(server=make_server(), by=None, at=world.clock.now)
    owner = make_user("olivia")

    services.request_refresh(server=world.server, by=owner, at=world.clock.now)
    assert waiting(world.clock.now) == [config.pk]
    for _message in range(2):
        run_requested(config.pk, Refresher(clock=world.clock, wait=world._wait))

    assert waiting(world.clock.now) == []
    assert ghes.paths().count(REPORT) == 1
    event = AuditEvent.objects.get(action="seats.import", after__source="ghes")
    assert event.actor == owner


def test_sync_that_comes_first_removes_what_was_confirmed_on_the_page(ghes: Ghes) -> None:
    world = make_world(accounts=100)
    ghes.behave(accounts=50, unready=0)
    from_ghes(world.server, ghes)
    assert world.sync().source_error == "source_shrink"

    services.request_refresh(server=world.server, by=None, at=world.clock.now, allow_shrink=True)
    job = world.sync()

    assert (job.source_error, job.accounts) == ("", 50)
    assert SourceConfig.objects.get(server=world.server).allow_shrink is False


def test_failed_request_is_kept_and_not_repeated_by_itself(world: World, ghes: Ghes) -> None:
    ghes.behave(trouble="server_error")
    config = from_ghes(world.server, ghes)
    services.request_refresh(server=world.server, by=None, at=world.clock.now)

    run_requested(config.pk, Refresher(clock=world.clock, wait=world._wait))

    config.refresh_from_db()
    assert (config.error_code, config.requested_at) == ("source_server_error", None)
