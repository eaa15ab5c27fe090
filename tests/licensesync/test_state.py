"""The honest state: half-connected, never-synced and stale ones never look healthy."""

from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from django.urls import reverse
from django.utils.functional import Promise

from connect.failures import Unavailable
from connect.models import Connection
from licensesync import deciding, services
from licensesync.failures import ENDINGS, all_failures, explain
from licensesync.models import Schedule, SyncJob
from licensesync.state import ConnectionState, connection_state, connection_states
from licensesync.state.codes import WORDS, StateCode
from tests.factories import NOW
from tests.licensesync.fake_cloud import lose_connection, refusal
from tests.licensesync.world import World, make_server, make_unconnected, make_world
from wire.messages import ErrorCode

pytestmark = pytest.mark.django_db


def state_of(world: World, at: datetime | None = None) -> ConnectionState:
    return connection_state(world.connection, at or world.clock.now)


@pytest.mark.parametrize("state", ["not_connected", "pending", "disconnected"])
def test_without_a_connection_the_line_says_it_all(state: str) -> None:
    connection = make_unconnected(state)

    assert connection_state(connection, NOW).code == state
    assert connection_state(connection, NOW).next_step


def test_after_disconnecting_nothing_is_due_any_more(world: World) -> None:
    type(world.connection).objects.update(state="disconnected", license_sync_enabled_at=None)

    state = state_of(world)

    assert (state.code, state.next_run_at) == ("disconnected", None)


def test_connected_with_sync_off_does_not_look_healthy() -> None:
    state = state_of(make_world(is_enabled=False))

    assert (state.code, state.tone) == ("sync_off", "attention")


def test_right_after_enabling_the_first_sync_is_pending_and_no_error(world: World) -> None:
    state = state_of(world)

    assert (state.code, state.reason, state.last_success) == ("first_sync_pending", "", None)
    assert state.next_run_at is not None
    assert state.next_run_at - NOW < timedelta(minutes=10)


def test_first_sync_in_the_queue_is_pending_still(world: World) -> None:
    world.request()

    assert state_of(world).code == "first_sync_pending"


def test_worker_at_work_is_syncing(world: World) -> None:
    seen: list[str] = []
    world.cloud.on_request = lambda _step: seen.append(state_of(world).code)

    world.sync()

    assert set(seen) == {"syncing"}


def test_success_is_synced_until_it_is_eight_days_old(world: World) -> None:
    done = world.sync().finished_at
    assert done
    SyncJob.objects.update(attempted_at=NOW)
    services.tick(NOW + timedelta(days=7))
    SyncJob.objects.active().delete()

    fresh, stale = (state_of(world, done + timedelta(days=8, seconds=late)) for late in (0, 1))

    assert (fresh.code, stale.code) == ("synced", "stale")
    assert fresh.last_success == fresh.since == done


def test_failed_attempt_that_waits_says_why_and_when(world: World) -> None:
    world.cloud.fail("open", lose_connection)
    job = world.sync()

    state = state_of(world)

    assert (state.code, state.reason) == ("failed", str(explain("other").sentence))
    assert (state.retry_at, state.last_success, state.last_attempt) == (job.not_before, None, NOW)


def test_failure_for_good_is_shown_with_the_success_before_it(world: World) -> None:
    success = world.sync()
    world.clock.move(days=1)
    world.cloud.fail("open", lambda: refusal(404, "installation_gone"), number=2)
    world.sync()

    state = state_of(world)

    assert (state.code, state.retry_at) == ("failed", None)
    assert (state.last_success, state.last_attempt) == (success.finished_at, world.clock.now)


@pytest.mark.parametrize("code", ["revision_conflict", "hostname_changed", "shrink_unconfirmed"])
def test_what_only_an_owner_can_decide_says_so(world: World, code: str) -> None:
    world.cloud.fail("open", lambda: refusal(409, code))
    world.sync()

    state = state_of(world)

    assert (state.code, state.error_code, state.reason) == ("needs_decision", code, str(explain(code).sentence))
    assert state.next_step
    assert state.place


@pytest.mark.parametrize("code", ["", "revision_conflict", "installation_gone"])
def test_what_became_of_a_former_connection_is_not_the_state_of_the_new_one(world: World, code: str) -> None:
    if code:
        world.cloud.fail("open", lambda: refusal(409, code))
    world.sync()
    Connection.objects.update(connected_at=world.clock.move(minutes=5), license_sync_enabled_at=world.clock.now)

    state = state_of(world)

    assert (state.code, state.error_code) == ("first_sync_pending", "")
    assert state.last_attempt is not None


def test_what_passes_but_did_not_within_a_day_has_given_up(world: World) -> None:
    for number in range(1, 20):
        world.cloud.fail("open", lose_connection, number=number)
    job = world.sync()
    waiting = state_of(world)
    while job.is_active:
        world.clock.now = job.not_before or world.clock.now
        world.run(job)

    over = state_of(world)

    assert (waiting.code, over.code, over.error_code) == ("failed", "failed", "other")
    assert [str(text) for text in waiting.remarks] == [
        "The cloud is cloud.example, reached directly, without a proxy.",
        "This server tries again by itself, for about a day.",
    ]
    assert "gave up" in str(over.remarks[1])
    assert over.next_run_at
    assert over.retry_at is None
    world.sync()
    assert state_of(world).last_attempt == world.clock.now


def test_cloud_that_applies_for_hours_is_said_and_asked_again(world: World) -> None:
    world.cloud.polls_until_applied = 1_000
    job = world.sync()
    at_first = state_of(world)
    world.clock.move(hours=2)
    job = world.run(job)

    later = state_of(world)
    world.cloud.polls_until_applied = 0
    world.clock.now = job.not_before or world.clock.now
    world.run(job)

    assert (at_first.code, later.code, later.error_code) == ("syncing", "failed", "still_applying")
    assert later.retry_at
    assert state_of(world).code == "synced"


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (48, "The clock of this server is 2 days ahead of the cloud's."),
        (-30, "The clock of this server is 30 hours behind the cloud's."),
    ],
)
def test_clock_skew_says_by_how_much(world: World, hours: int, words: str) -> None:
    theirs = format_datetime(world.clock.now - timedelta(hours=hours), usegmt=True)
    world.cloud.fail("token", lambda: refusal(401, "clock_skew", Date=theirs))
    world.sync()

    assert state_of(world).reason == words


def test_setup_whose_time_is_over_says_so() -> None:
    connection = make_unconnected("pending")

    open_, over = (connection_state(connection, NOW + timedelta(minutes=minutes)) for minutes in (4, 5))

    assert (open_.code, over.code) == ("pending", "pending")
    assert open_.setup_until == over.setup_until == NOW + timedelta(minutes=5)
    assert (open_.reason, open_.next_step) == ("", "Complete your GitHub Connect setup.")
    assert "5 minutes for it are over" in str(over.reason)
    assert over.next_step == "Enable GitHub Connect again."


def test_sync_without_seats_is_sent_to_the_seats() -> None:
    state = state_of(make_world(accounts=0))

    assert (state.code, state.place) == ("first_sync_pending", "seats")


@pytest.mark.parametrize(("days", "code"), [(8, "synced"), (9, "synced_old_seats")])
def test_success_with_old_seats_says_of_which_day_they_are(world: World, days: int, code: str) -> None:
    world.clock.move(days=days)
    world.sync()
    SyncJob.objects.update(taken_at=NOW)
    Schedule.objects.all().delete()

    state = state_of(world)

    assert (state.code, state.seats_taken_at) == (code, NOW)
    assert (str(state.label) == "Synced, with seats of March 2") is (code == "synced_old_seats")


def test_expired_license_is_the_state_only_where_nothing_is_worse(world: World) -> None:
    expires = {"customer": "Octo", "seats": 5, "by": None, "at": NOW, "expires_on": NOW.date()}
    services.set_license(server=world.server, **expires)  # type: ignore[arg-type]
    world.sync()
    Schedule.objects.all().delete()
    tomorrow = NOW + timedelta(days=1)
    world.clock.now = tomorrow

    today, expired = (state_of(world, at) for at in (NOW, tomorrow))
    world.cloud.fail("open", lose_connection, number=2)
    world.sync()
    failed = state_of(world)

    assert (today.code, today.remarks) == ("synced", ())
    assert (expired.code, expired.place, expired.license_expired_on) == ("license_expired", "license_edit", NOW.date())
    assert failed.code == "failed"
    assert failed.remarks[2:] == ("The license expired on March 2, 2026; syncs work all the same.",)


def test_every_state_has_words_of_its_own() -> None:
    assert set(WORDS) == set(StateCode)
    assert len({str(words.label) for words in WORDS.values()}) == len(StateCode)
    for words in WORDS.values():
        assert reverse(f"licensesync:{words.place}", args=["octo"])


def test_success_after_a_failure_is_synced(world: World) -> None:
    world.cloud.fail("open", lambda: refusal(409, "revision_conflict"))
    world.sync()
    world.sync()

    assert state_of(world).code == "synced"


def test_cancelled_sync_changes_nothing_about_the_last_success(world: World) -> None:
    world.sync()
    services.cancel_sync(job=world.request(), by=None, at=NOW)

    assert state_of(world).code == "synced"


def test_cancelling_an_attempt_hides_no_failure_before_it(world: World) -> None:
    world.cloud.fail("open", lambda: refusal(409, "revision_conflict"))
    world.sync()
    again = world.request()
    SyncJob.objects.filter(pk=again.pk).update(started_at=NOW, attempted_at=NOW + timedelta(minutes=1))
    services.cancel_sync(job=again, by=None, at=NOW)

    state = state_of(world)

    assert (state.code, state.error_code) == ("needs_decision", "revision_conflict")
    assert state.last_attempt == NOW + timedelta(minutes=1)
    assert deciding.pending(Connection.objects.get(pk=world.connection.pk)) is not None


def test_what_was_decided_waits_for_nobody_though_its_sync_was_cancelled(world: World) -> None:
    world.cloud.fail("open", lambda: refusal(409, "shrink_unconfirmed"))
    job = world.sync()
    confirmed = deciding.confirm_shrink(connection=world.connection, job_id=job.pk, by=None, at=NOW)
    services.cancel_sync(job=confirmed, by=None, at=NOW)

    assert (state_of(world).code, deciding.pending(world.connection)) == ("first_sync_pending", None)


def test_preview_never_counts_as_a_sync(world: World) -> None:
    world.run(world.request(kind=SyncJob.Kind.PREVIEW))

    assert state_of(world).code == "first_sync_pending"


@pytest.mark.parametrize(("minutes", "is_said"), [(4, False), (6, True)])
def test_request_that_nobody_picks_up_is_said(world: World, minutes: int, is_said: bool) -> None:
    world.request()

    assert ("No worker" in str(state_of(world, NOW + timedelta(minutes=minutes)).reason)) is is_said


def test_scheduler_that_stands_still_is_said(world: World) -> None:
    world.sync()

    state = state_of(world, NOW + timedelta(minutes=20))

    assert (state.code, "No worker" in str(state.reason)) == ("synced", True)


def test_many_connections_take_two_queries(world: World, django_assert_num_queries: object) -> None:
    others = [make_world(make_server(), accounts=1) for _number in range(3)]
    for one in others:
        one.sync()
    ids = [world.connection.pk, *(one.connection.pk for one in others)]

    with django_assert_num_queries(2):  # type: ignore[operator]
        states = connection_states(ids, NOW)

    assert [states[pk].code for pk in ids] == ["first_sync_pending", "synced", "synced", "synced"]


def test_every_failure_stands_in_the_table_with_words_and_a_place() -> None:
    table = all_failures()

    assert {*Unavailable, *ErrorCode, "unknown", "internal_error", "disk_full", "no_seats"} <= {*table}
    assert not table.keys() & ENDINGS.keys()
    for code, failure in table.items():
        assert explain(code) == failure
        assert reverse(f"licensesync:{failure.place}", args=["octo"])
        for text in (failure.sentence, failure.next_step):
            assert isinstance(text, Promise)
            assert str(text).endswith(".")
