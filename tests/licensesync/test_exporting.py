"""Usage files as jobs: what a worker, a cancel, an import and a sync do to one, and how long its lines stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connect.models import Connection, Server
from enterprises.models import AuditEvent
from licensesync import exporting, jobs, services, snapshot
from licensesync.deciding import become_copy
from licensesync.exporting import export_now, request_export
from licensesync.models import SyncJob, SyncPart
from licensesync.retention import enforce
from licensesync.syncing import export, run
from licensesync.syncing.exchange import Worker
from licensesync.syncing.unanswered import unanswered
from licensesync.usage_files import FileGone, usage_file
from tests.factories import NOW
from tests.licensesync.test_usage_file import make_file
from tests.licensesync.world import Clock, World, make_server, make_world, ndjson, seat

State = SyncJob.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Server:
    made = make_server()
    seat(made, ndjson(range(1, 8)))
    return made


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MAX_PART_LINES", 3)


def ids(server: Server) -> list[str]:
    return unanswered(Connection.objects.get(server=server))


def test_export_needs_no_connection_and_outlives_the_tick(server: Server, clock: Clock) -> None:
    job = request_export(server=server, by=None, at=NOW)

    services.tick(clock.move(minutes=1))
    run.run(job.pk, clock=clock)

    job.refresh_from_db()
    assert (job.state, job.accounts, job.finished_at) == (State.EXPORTED, 7, clock.now)
    assert job.taken_at == NOW


def test_asking_twice_shows_the_file_that_is_being_made(server: Server) -> None:
    first = request_export(server=server, by=None, at=NOW)

    assert request_export(server=server, by=None, at=NOW) == first
    assert AuditEvent.objects.filter(action="license.export_requested").count() == 1


def test_export_without_seats_is_refused_and_leaves_nothing() -> None:
    with pytest.raises(snapshot.NoSeats):
        request_export(server=make_server(), by=None, at=NOW)

    assert not SyncJob.objects.exists()


@pytest.mark.usefixtures("small_parts")
def test_progress_is_there_to_read_after_each_part(server: Server, clock: Clock) -> None:
    seen: list[tuple[int, int, str]] = []

    def show(count: int) -> None:
        job = SyncJob.objects.get()
        seen.append((job.accounts, job.part_count, job.state))

    export_now(server=server, clock=clock, wait=lambda _s: None, show=show)

    assert seen == [(3, 1, State.PREPARING), (6, 2, State.PREPARING), (7, 3, State.PREPARING)]


@pytest.mark.usefixtures("small_parts")
def test_import_between_two_parts_begins_the_list_anew(server: Server, clock: Clock) -> None:
    later = NOW + timedelta(hours=1)

    def show(_count: int) -> None:
        if not SyncJob.objects.get().events.filter(event="began_anew").exists() and clock.now == NOW:
            seat(server, ndjson(range(101, 105)), at=clock.move(hours=1), allow_shrink=True)

    job = export_now(server=server, clock=clock, wait=lambda _s: None, show=show)

    assert (job.state, job.accounts, job.part_count, job.taken_at) == (State.EXPORTED, 4, 2, later)
    assert job.events.get(event="began_anew").data == {"code": "seats_switched"}
    assert snapshot.kept_digest(job) == job.sha256


@pytest.mark.usefixtures("small_parts")
def test_imports_that_never_end_wait_for_the_file_at_last(server: Server, clock: Clock) -> None:
    beginnings = 0

    def show(_count: int) -> None:
        nonlocal beginnings
        begun = SyncJob.objects.get().events.filter(event="began_anew").count()
        if begun == beginnings and begun < export._BEGINNINGS:
            beginnings += 1
            seat(server, ndjson(range(1, 8 + beginnings)))

    job = export_now(server=server, clock=clock, wait=lambda _s: None, show=show)

    assert (job.state, job.accounts, beginnings) == (State.EXPORTED, 10, export._BEGINNINGS)
    assert snapshot.kept_digest(job) == job.sha256


@pytest.mark.usefixtures("small_parts")
def test_worker_that_died_in_the_middle_is_followed_by_another(server: Server, clock: Clock) -> None:
    def die(_count: int) -> None:
        raise KeyboardInterrupt

    job = request_export(server=server, by=None, at=NOW)
    held = jobs.claim(job.pk, NOW)
    assert held is not None
    with pytest.raises(KeyboardInterrupt):
        run.work(Worker(held=held, clock=clock, wait=lambda _s: None, show=die))

    clock.move(minutes=6)
    run.run(job.pk, clock=clock)

    job.refresh_from_db()
    assert (job.state, job.accounts, job.part_count) == (State.EXPORTED, 7, 3)
    assert snapshot.kept_digest(job) == job.sha256


@pytest.mark.usefixtures("small_parts")
def test_worker_whose_claim_is_lost_writes_nothing_more(server: Server, clock: Clock) -> None:
    job = request_export(server=server, by=None, at=NOW)
    held = jobs.claim(job.pk, NOW)
    assert held is not None

    def take_over(_count: int) -> None:
        assert jobs.claim(job.pk, clock.move(minutes=6))

    run.work(Worker(held=held, clock=clock, wait=lambda _s: None, show=take_over))

    job.refresh_from_db()
    assert (job.state, job.claim, job.part_count, job.parts.count()) == (State.PREPARING, 2, 1, 1)


@pytest.mark.usefixtures("small_parts")
def test_cancel_in_the_middle_leaves_no_lines(server: Server, clock: Clock) -> None:
    job = request_export(server=server, by=None, at=NOW)
    held = jobs.claim(job.pk, NOW)
    assert held is not None

    def cancel(_count: int) -> None:
        services.cancel_sync(job=job, by=None, at=clock.now)

    run.work(Worker(held=held, clock=clock, wait=lambda _s: None, show=cancel))

    job.refresh_from_db()
    assert (job.state, SyncPart.objects.count()) == (State.CANCELLED, 0)
    said = AuditEvent.objects.filter(action__startswith="license.export").values_list("action", flat=True)
    assert set(said) == {"license.export_requested", "license.export_cancelled"}


def test_command_that_is_broken_off_leaves_nothing_for_a_worker(server: Server, clock: Clock) -> None:
    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_now(server=server, clock=clock, wait=lambda _s: None, show=interrupt)

    assert (SyncJob.objects.get().state, SyncPart.objects.count()) == (State.CANCELLED, 0)


def test_command_does_not_disturb_a_worker(server: Server, clock: Clock) -> None:
    job = request_export(server=server, by=None, at=NOW)
    jobs.claim(job.pk, NOW)

    with pytest.raises(exporting.ExportUnderWay, match="being made already"):
        export_now(server=server, clock=clock, wait=lambda _s: None, show=lambda _c: None)


def test_sync_and_file_keep_their_lines_beside_each_other() -> None:
    world = make_world(accounts=3)
    file = make_file(world.server, world.clock)
    first = world.sync()
    newer = make_file(world.server, world.clock)

    kept = set(SyncPart.objects.values_list("job", flat=True))

    assert kept == {first.pk, newer.pk}
    with pytest.raises(FileGone):
        usage_file(world.server, file)
    second = world.sync()
    assert set(SyncPart.objects.values_list("job", flat=True)) == {second.pk, newer.pk}


def test_lines_of_a_file_go_after_30_days_and_its_job_stays(server: Server, clock: Clock) -> None:
    job = make_file(server, clock)

    enforce(clock.move(days=29, hours=23))
    assert usage_file(server, job).size
    enforce(clock.move(hours=1))

    with pytest.raises(FileGone):
        usage_file(server, job)
    assert SyncJob.objects.get().state == State.EXPORTED


def test_disabling_sync_leaves_a_file_alone() -> None:
    world: World = make_world()
    job = request_export(server=world.server, by=None, at=NOW)

    services.set_license_sync(connection=world.connection, enabled=False, by=None, at=NOW)

    assert jobs.state_of(job.pk) == State.QUEUED


def test_exported_file_is_unanswered_until_a_sync_succeeds() -> None:
    world = make_world()
    first = make_file(world.server, world.clock)
    world.clock.move(seconds=1)
    second = make_file(world.server, world.clock)

    assert second.unanswered == [str(first.sync_id)]
    assert ids(world.server) == [str(second.sync_id), str(first.sync_id)]
    world.clock.move(seconds=1)
    assert world.sync().unanswered == [str(second.sync_id), str(first.sync_id)]
    assert ids(world.server) == []


def test_file_that_was_made_while_a_sync_went_on_stays_unanswered() -> None:
    world = make_world()
    file = request_export(server=world.server, by=None, at=NOW)
    world.clock.move(seconds=1)
    sync = world.request()
    world.clock.move(seconds=1)
    world.run(sync)
    world.clock.move(seconds=1)

    run.run(file.pk, clock=world.clock)

    file.refresh_from_db()
    assert file.base_snapshot_id == sync.sync_id
    assert ids(world.server) == [str(file.sync_id)]


def test_file_names_the_sync_that_is_open_at_that_moment() -> None:
    world = make_world()
    sync = world.request()
    SyncJob.objects.filter(pk=sync.pk).update(state=State.APPLYING, opened_at=NOW, sync_id=world.server.server_id)

    file = make_file(world.server, world.clock)

    assert file.unanswered == [str(world.server.server_id)]


def test_copy_has_no_files_of_the_original(server: Server, clock: Clock) -> None:
    made, active = make_file(server, clock), request_export(server=server, by=None, at=NOW)

    become_copy(server=server, hostname="copy.octo.example", taken=server.hostname, by=None, at=clock.move(minutes=1))

    assert [jobs.state_of(job.pk) for job in (made, active)] == [State.CANCELLED, State.CANCELLED]
    assert (SyncPart.objects.count(), ids(server)) == (0, [])
