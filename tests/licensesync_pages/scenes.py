"""Every state that the server's pages can be in, each built on a fresh server."""

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from django.urls import reverse
from django.utils import timezone

from connect import handshake
from connect.models import Connection, Server
from enterprises import uploads
from enterprises.models import Enterprise, User
from licensesync import services
from licensesync.licenses import keep_license
from licensesync.models import License, Schedule, SyncJob
from tests.licensesync.fake_cloud import FakeCloud, refusal, stopped
from tests.licensesync.world import CLOUD_URL, Clock, World, app_key_pem, ndjson, seat
from wire.messages import ErrorCode, Held

ACCOUNTS = 12


@dataclass
class Stage:
    """A server enterprise with its owner, on which a scene is built."""

    server: Server
    owner: User
    at: datetime

    @property
    def connection(self) -> Connection:
        return self.server.connection

    def with_seats(self, accounts: int = ACCOUNTS) -> "Stage":
        seat(self.server, ndjson(range(1, accounts + 1)), at=self.at)
        services.set_license(
            server=self.server,
            customer="Octo Industries",
            seats=50,
            expires_on=(self.at + timedelta(days=200)).date(),
            by=self.owner,
            at=self.at,
        )
        return self

    def connected(self, *, is_enabled: bool = True, days_ago: float = 1) -> World:
        """Connected to the account Octo, license sync enabled unless told otherwise."""
        clock = Clock(self.at - timedelta(days=days_ago))
        cloud = FakeCloud(server_id=str(self.server.server_id), clock=clock)
        connection = self.connection
        connection.state = Connection.State.CONNECTED
        connection.cloud_url = CLOUD_URL
        connection.app_id, connection.installation_id = 4711, 4712
        connection.app_key = app_key_pem()
        connection.account_slug, connection.account_name, connection.account_kind = "octo", "Octo", "enterprise"
        connection.receipt_keys = cloud.receipt_keys
        connection.connected_at, connection.connected_by = clock.now, self.owner
        connection.save()
        if is_enabled:
            services.set_license_sync(connection=connection, enabled=True, by=self.owner, at=clock.now)
            SyncJob.objects.filter(connection=connection).delete()
        return World(self.server, connection, cloud, clock)

    def begun(self, *, minutes_ago: float = 1) -> handshake.Handshake:
        """A setup that waits for the owner to come back from the cloud."""
        return handshake.start(
            connection=self.connection,
            cloud_url=CLOUD_URL,
            by=self.owner,
            at=self.at - timedelta(minutes=minutes_ago),
            callback="http://localhost:8000" + reverse("licensesync:connection_complete", args=[self.slug]),
        )

    @property
    def slug(self) -> str:
        return self.server.enterprise.slug


def job_in(world: World, owner: User, **changes: object) -> SyncJob:
    """A job of the owner's, put into a state as a worker would have left it."""
    job = world.request(by=owner)
    SyncJob.objects.filter(pk=job.pk).update(started_at=world.clock.now, attempts=1, **changes)
    job.refresh_from_db()
    return job


FROZEN: dict[str, object] = {"sha256": "ab" * 32, "accounts": 41_230, "part_count": 5}


def stage_of(enterprise: Enterprise, owner: User) -> Stage:
    return Stage(Server.objects.get(enterprise=enterprise), owner, timezone.now())


# The GitHub Connect page


def no_connection(stage: Stage) -> None:
    stage.with_seats()


def nothing_at_all(stage: Stage) -> None:
    """As create_enterprise leaves it."""


def setup_pending(stage: Stage) -> None:
    stage.with_seats().begun()


def setup_answer_lost(stage: Stage) -> None:
    stage.with_seats().begun()
    stage.connection.pending_code = "code-that-was-kept"
    stage.connection.pending_code_at = stage.at
    stage.connection.save()


def setup_expired(stage: Stage) -> None:
    stage.with_seats().begun(minutes_ago=6)


def sync_off(stage: Stage) -> None:
    stage.with_seats().connected(is_enabled=False)


def first_sync_pending(stage: Stage) -> None:
    stage.with_seats().connected(days_ago=0)


def disconnected(stage: Stage) -> None:
    stage.with_seats().connected()
    Connection.objects.filter(pk=stage.connection.pk).update(
        state=Connection.State.DISCONNECTED,
        app_id=None,
        installation_id=None,
        license_sync_enabled_at=None,
        disconnected_at=stage.at - timedelta(hours=3),
    )


# The License page


def connected_without_seats(stage: Stage) -> None:
    stage.connected()


def queued(stage: Stage) -> None:
    stage.with_seats().connected(days_ago=0).request(by=stage.owner)


def preparing(stage: Stage) -> None:
    job_in(stage.with_seats().connected(days_ago=0), stage.owner, state=SyncJob.State.PREPARING)


def uploading(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=0)
    sent = {"parts_sent": 2, "opened_at": stage.at, "lease_until": stage.at + timedelta(minutes=5)}
    job_in(world, stage.owner, state=SyncJob.State.UPLOADING, **FROZEN, **sent)


def applying(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=0)
    sent = {"parts_sent": 5, "opened_at": stage.at, "commit_sent_at": stage.at}
    job_in(world, stage.owner, state=SyncJob.State.APPLYING, **FROZEN, **sent)


def waiting_to_retry(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=0)
    world.cloud.fail("part", lambda: refusal(503, ErrorCode.BUSY))
    world.run(world.request(by=stage.owner))


def failed(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=0)
    world.cloud.fail("open", lambda: refusal(404, ErrorCode.INSTALLATION_GONE))
    world.run(world.request(by=stage.owner))


def shrink_unconfirmed(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=0)
    world.cloud.fail("open", lambda: refusal(409, ErrorCode.SHRINK_UNCONFIRMED))
    world.run(world.request(by=stage.owner))


HELD = Held(
    hostname="ghes1.octo.example",
    revision=1204,
    accounts=5210,
    snapshot_id="6d1b2f5e-0c3a-4b53-9a55-6c0f1a2b3c4d",
    taken_at=datetime(2026, 11, 2, 6, 0, tzinfo=UTC),
    synced_at=datetime(2026, 11, 2, 7, 30, tzinfo=UTC),
)


def _refused(stage: Stage, code: str, held: Held | None = HELD) -> None:
    """A sync arrived, and the next one was refused for good."""
    world = stage.with_seats().connected(days_ago=2)
    world.sync()
    world.clock.move(days=1)
    world.cloud.fail("open", lambda: stopped(code, held), number=2)
    world.run(world.request(by=stage.owner))


def restored(stage: Stage) -> None:
    _refused(stage, ErrorCode.REVISION_CONFLICT)


def restored_beside_an_older_cloud(stage: Stage) -> None:
    _refused(stage, ErrorCode.REVISION_CONFLICT, None)


def renamed(stage: Stage) -> None:
    _refused(stage, ErrorCode.HOSTNAME_CHANGED, msgspec.structs.replace(HELD, hostname="former.octo.example"))


def shrinking(stage: Stage) -> None:
    _refused(stage, ErrorCode.SHRINK_UNCONFIRMED)


def cut_off(stage: Stage) -> None:
    """Another copy was called the original."""
    world = stage.with_seats().connected(days_ago=1)
    world.sync()
    job = world.request(by=stage.owner)
    SyncJob.objects.filter(pk=job.pk).update(
        state=SyncJob.State.FAILED, error_code="not_authorized", started_at=stage.at, finished_at=stage.at
    )


def left_on_cloud(stage: Stage) -> None:
    """Disabled on this server alone."""
    disconnected(stage)
    Connection.objects.filter(pk=stage.connection.pk).update(is_left_on_cloud=True)


def planned(stage: Stage, **ahead: float) -> None:
    """The weekly run lies ahead, as the tick leaves it."""
    slot = Schedule.objects.filter(connection=stage.connection, slot=Schedule.Slot.SYNC)
    slot.update(next_run_at=stage.at + timedelta(**ahead))


def synced(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=2)
    planned(stage, days=5)
    world.run(world.request(by=stage.owner))
    seat(stage.server, ndjson(range(1, ACCOUNTS + 3)), at=stage.at)
    world.clock.move(days=1, hours=20)
    world.run(world.request(by=stage.owner))


def unchanged(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=1)
    planned(stage, days=6)
    world.sync()
    world.clock.move(hours=20)
    world.run(world.request(by=stage.owner))


def stale(stage: Stage) -> None:
    stage.with_seats().connected(days_ago=12).sync()
    planned(stage, days=2)


def nobody_works(stage: Stage) -> None:
    """The worker stands still: the weekly run is half an hour late."""
    stage.with_seats().connected(days_ago=7).sync()
    planned(stage, minutes=-30)


def cancelled(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=0)
    services.cancel_sync(job=world.request(by=stage.owner), by=stage.owner, at=stage.at)


def over_used(stage: Stage) -> None:
    stage.with_seats()
    services.set_license(server=stage.server, customer="Octo Industries", seats=10, by=stage.owner, at=stage.at)


def expires_in(stage: Stage, days: int) -> None:
    end = (stage.at + timedelta(days=days)).date()
    services.set_license(server=stage.server, customer="Octo", seats=50, expires_on=end, by=stage.owner, at=stage.at)


def license_expired(stage: Stage) -> None:
    stage.with_seats()
    expires_in(stage, -3)


def read_from_ghes(stage: Stage) -> None:
    stage.with_seats()
    License.objects.filter(server=stage.server).delete()
    end = (stage.at + timedelta(days=20)).date()
    keep_license(
        server=stage.server, kind="standard", seats=None, expires_on=end, source=License.Source.GHES, at=stage.at
    )


def dormant_and_suspended(stage: Stage) -> None:
    """Twelve accounts, of which three are dormant and one is suspended."""
    rows = [json.loads(line) for line in ndjson(range(1, ACCOUNTS + 1)).splitlines()]
    for row in rows[:3]:
        row["dormant"] = True
    rows[3]["suspended"] = True
    seat(stage.server, "\n".join(map(json.dumps, rows)).encode())


Scene = Callable[[Stage], None]

CONNECT_SCENES: list[Scene] = [
    nothing_at_all, no_connection, setup_pending, setup_answer_lost, setup_expired, sync_off, first_sync_pending,
    synced, nobody_works, failed, disconnected,
]  # fmt: skip
LICENSE_SCENES: list[Scene] = [
    nothing_at_all, no_connection, sync_off, connected_without_seats, first_sync_pending, queued, preparing, uploading,
    applying, waiting_to_retry, failed, shrink_unconfirmed, synced, unchanged, stale, nobody_works,
    cancelled, over_used, license_expired,
]  # fmt: skip


# Pages beside these two


def staged(stage: Stage, data: bytes, query: str = "") -> str:
    """The address of the review of a waiting file."""
    upload = uploads.stage_upload(
        enterprise=stage.server.enterprise,
        purpose="seats",
        stream=io.BytesIO(data),
        name="all_users.ndjson",
        by=stage.owner,
        at=timezone.now(),
    )
    return reverse("licensesync:seats_preview", args=[stage.slug, upload.pk]) + query


def _page(name: str, query: str = "") -> Callable[[Stage], str]:
    return lambda stage: reverse(f"licensesync:{name}", args=[stage.slug]) + query


def _of_job(name: str) -> Callable[[Stage], str]:
    return lambda stage: reverse(f"licensesync:{name}", args=[stage.slug, SyncJob.objects.latest("pk").pk])


def _review(user_ids: Iterable[int]) -> Callable[[Stage], str]:
    return lambda stage: staged(stage, ndjson(user_ids))


def many_seats(stage: Stage) -> None:
    stage.with_seats(120)


@dataclass(frozen=True)
class Place:
    """A page in a state: what is built, and where one looks."""

    scene: Scene
    path: Callable[[Stage], str]
    name: str

    def __str__(self) -> str:
        return f"{self.name}-{self.scene.__name__}"


PLACES = [
    *(Place(scene, _page("connection"), "connection") for scene in CONNECT_SCENES),
    *(Place(scene, _page("license"), "license") for scene in LICENSE_SCENES),
    Place(no_connection, _page("connection", "?problem=connection_exists"), "connection-exists"),
    Place(no_connection, _page("connection", "?problem=state_mismatch"), "connection-mismatch"),
    Place(setup_answer_lost, _page("connection", "?problem=timeout"), "connection-timeout"),
    Place(synced, _page("connection_disable"), "disable"),
    *(
        Place(scene, _page("decision"), "decision")
        for scene in (restored, restored_beside_an_older_cloud, renamed, shrinking, cut_off, synced)
    ),
    Place(no_connection, _page("decision", "?exists"), "decision-exists"),
    Place(left_on_cloud, _page("connection"), "connection"),
    Place(nothing_at_all, _page("license_edit"), "license-edit"),
    Place(nothing_at_all, _page("seats"), "seats"),
    Place(no_connection, _page("seats"), "seats"),
    Place(no_connection, _review([*range(3, ACCOUNTS + 9)]), "seats-preview"),
    Place(many_seats, _review(range(100, 125)), "seats-preview-shrink"),
    Place(no_connection, _review(range(1, ACCOUNTS + 1)), "seats-preview-same"),
    Place(dormant_and_suspended, _page("users"), "users"),
    Place(nothing_at_all, _page("sent"), "sent"),
    Place(many_seats, _page("sent"), "sent"),
    Place(no_connection, _page("sent", "?q=user7"), "sent-search"),
    Place(no_connection, _page("sent", "?q=nobody"), "sent-not-found"),
    Place(no_connection, _page("sent", "?which=last"), "sent-nothing"),
    Place(synced, _page("sent", "?which=last"), "sent-last"),
    Place(nothing_at_all, _page("syncs"), "syncs"),
    Place(synced, _page("syncs"), "syncs"),
    Place(waiting_to_retry, _of_job("sync"), "sync"),
    Place(synced, _of_job("sync"), "sync"),
    Place(synced, _of_job("receipt"), "receipt"),
]
