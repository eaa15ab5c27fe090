"""A server with seats, its connection to a fake cloud, and a clock that tests move."""

import functools
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from connect.models import Connection, Server
from connect.services import register_server
from enterprises.models import User
from licensesync import services
from licensesync.models import SyncJob
from licensesync.seats.changes import SeatChange
from licensesync.syncing import run as sync
from tests.factories import NOW, make_server_enterprise
from tests.licensesync.fake_cloud import FakeCloud
from wire import signing

CLOUD_URL = "https://cloud.example"


@dataclass
class Clock:
    """The time, until somebody moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@dataclass
class World:
    """One connected server and what a test does to it."""

    server: Server
    connection: Connection
    cloud: FakeCloud
    clock: Clock
    waited: list[float] = field(default_factory=list)

    def request(self, by: User | None = None, kind: SyncJob.Kind = SyncJob.Kind.USAGE) -> SyncJob:
        return services.request_sync(connection=self.connection, by=by, at=self.clock.now, kind=kind)

    def run(self, job: SyncJob) -> SyncJob:
        """One attempt of a worker; pauses move the clock instead of waiting."""
        self.turn(job)
        job.refresh_from_db()
        return job

    def turn(self, job: SyncJob) -> bool:
        """As `run`; whether the job wants another turn."""
        return sync.run(job.pk, clock=self.clock, adapter=self.cloud, wait=self._wait)

    def sync(self) -> SyncJob:
        return self.run(self.request())

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.clock.move(seconds=seconds)


@functools.cache
def app_key_pem() -> str:
    """One App key for all tests: making one takes a tenth of a second."""
    return signing.private_pem(signing.new_app_key())


def make_server(slug: str = "", hostname: str = "ghes1.octo.example") -> Server:
    return register_server(enterprise=make_server_enterprise(slug), hostname=hostname, version="3.19.1", at=NOW)


def make_unconnected(state: str) -> Connection:
    """A connection that has not come about, or is over."""
    connection = make_server().connection
    connection.state = state
    connection.pending_until = NOW + timedelta(minutes=5) if state == Connection.State.PENDING else None
    connection.save()
    return connection


def make_world(server: Server | None = None, *, accounts: int = 3, is_enabled: bool = True) -> World:
    """A connected server with a few seats, license sync enabled."""
    server = server or make_server()
    clock = Clock()
    cloud = FakeCloud(server_id=str(server.server_id), clock=clock)
    connection = server.connection
    connection.state = Connection.State.CONNECTED
    connection.cloud_url = CLOUD_URL
    connection.app_id, connection.installation_id = 11, 12
    connection.app_key = app_key_pem()
    connection.account_slug = "octo"
    connection.receipt_keys = cloud.receipt_keys
    connection.connected_at = NOW
    connection.save()
    if accounts:
        seat(server, ndjson(range(1, accounts + 1)))
    if is_enabled:
        services.set_license_sync(connection=connection, enabled=True, by=None, at=NOW)
        # The record of it went out.
        SyncJob.objects.filter(connection=connection).delete()
    return World(server, connection, cloud, clock)


def seat(
    server: Server, data: bytes, *, at: datetime = NOW, partial: bool = False, allow_shrink: bool = False
) -> SeatChange:
    """Import seats from bytes, taken at that moment."""
    return services.import_seats(
        server=server, stream=io.BytesIO(data), by=None, at=at, partial=partial, allow_shrink=allow_shrink
    )


def account(user_id: int, **fields: object) -> bytes:
    """One line of NDJSON."""
    email = {"email": f"user{user_id}@octo.example", "primary": True}
    return msgspec.json.encode({"id": user_id, "login": f"login{user_id}", "emails": [email], **fields})


def ndjson(user_ids: Iterable[int], **fields: object) -> bytes:
    return b"".join(account(user_id, **fields) + b"\n" for user_id in user_ids)
