"""One server with its cloud account, really connected over real sockets, and what a row does to them."""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from cloud import tasks as cloud_tasks
from cloud.applying import apply
from cloud.models import Installation, Intake, Ledger
from cloud.services import import_members
from connect.models import Connection, Server
from enterprises.models import User
from enterprises.outbound import Outbound
from licensesync import exporting, services
from licensesync.models import Schedule, SyncJob
from licensesync.syncing import run as sync
from tests.cloud_api.servers import app_key
from tests.factories import make_user
from tests.faults import people
from tests.faults.proxy import FaultProxy
from tests.states.console import Console
from tests.states.pages import Reader
from tests.support.line import connect, make_ledger, make_server
from wire import signing

HOSTNAME = "ghes1.octo.example"
ACCOUNTS = 24
KEYS = 3
SLUG = "ghes1"


@dataclass
class Scene:
    """The server ``ghes1`` and the account ``octo`` of one owner; a first sync has arrived.

    ``line`` is the network between them, which fails on command; ``address`` is where the owner's browser was sent to;
    ``refusal`` what a command said; ``stack`` ends what a row has started.
    """

    console: Console
    line: FaultProxy
    owner: User
    server: Server
    ledger: Ledger
    cloud_works: bool = True
    address: str = ""
    refusal: str = ""
    stack: ExitStack = field(default_factory=ExitStack)
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    @property
    def connection(self) -> Connection:
        return Connection.objects.select_related("server__enterprise").get(server=self.server)

    @property
    def installation(self) -> Installation:
        return Installation.objects.get(server_id=self.server.server_id)

    @property
    def slug(self) -> str:
        return self.server.enterprise.slug

    @functools.cached_property
    def reader(self) -> Reader:
        """The owner, in front of the pages."""
        return Reader(self.console.port, self.owner)

    def page(self, name: str, query: str = "") -> str:
        """Return the address of a page of the server."""
        return reverse(f"licensesync:{name}", args=[self.slug]) + query

    # What people do

    def new_server(self, *, seats: bool = True) -> Server:
        """Another server of the owner's, as ``create_enterprise`` leaves it; from here on it is the one looked at."""
        self.server = make_server("ghes2", hostname="ghes2.octo.example", owner=self.owner)
        if seats:
            self.seat(range(1, ACCOUNTS + 1))
        return self.server

    def connect(self, *, enabled: bool = True) -> Connection:
        """Enable GitHub Connect and license sync, as in a browser."""
        connect(self.server, self.ledger.enterprise, owner=self.owner)
        if enabled:
            self.enable(True)
        return self.connection

    def enable(self, enabled: bool) -> None:
        services.set_license_sync(connection=self.connection, enabled=enabled, by=self.owner, at=timezone.now())

    def seat(self, user_ids: range) -> None:
        """Import these accounts, and no others."""
        data = people.seats_file({number: f"p{number}@octo.example" for number in user_ids})
        services.import_seats(
            server=self.server, stream=io.BytesIO(data.encode()), by=self.owner, at=timezone.now(), allow_shrink=True
        )

    def press(self, name: str, **fields: str) -> str:
        """Press a button of the server's pages; return where it leads."""
        return self.reader.press(self.page(name), **fields)

    def command(self, *words: str) -> None:
        """Run a command that refuses."""
        with pytest.raises(CommandError) as refused:
            call_command(*words, stdout=(said := io.StringIO()))
        self.refusal = " ".join((said.getvalue() or str(refused.value)).split())

    # What a worker does

    def request(self, **options: Any) -> SyncJob:
        """Ask for a sync, as Sync now does."""
        return services.request_sync(connection=self.connection, by=self.owner, at=timezone.now(), **options)

    def work(self, job: SyncJob, meanwhile: Callable[[], None] | None = None) -> SyncJob:
        """One attempt of a worker of the server's; while it waits, one of the cloud's works."""
        sync.run(job.pk, clock=timezone.now, wait=lambda _seconds: (meanwhile or self.apply)())
        job.refresh_from_db()
        return job

    def export(self) -> SyncJob:
        """Ask for a usage file, and make it."""
        job = exporting.request_export(server=self.server, by=self.owner, at=timezone.now())
        sync.run(job.pk, clock=timezone.now)
        job.refresh_from_db()
        return job

    def apply(self) -> None:
        """What a worker of the cloud does with what was committed."""
        for intake in Intake.objects.filter(state=Intake.State.APPLYING if self.cloud_works else ""):
            apply(intake.pk, timezone.now)

    def tick(self) -> None:
        """What beat and a worker of the server do every minute."""
        services.tick(timezone.now())
        for job in SyncJob.objects.due(timezone.now()).filter(slot=Schedule.Slot.SYNC):
            self.work(job)

    def sync(self, **options: Any) -> SyncJob:
        """A sync, as far as it gets."""
        return self.work(self.request(**options))

    def sync_new_seats(self) -> SyncJob:
        """A sync of seats that the cloud does not hold, so that lines travel."""
        self.seat(range(1, ACCOUNTS + 2))
        return self.sync()

    # What goes wrong around them

    def pass_time(self, **by: float) -> None:
        """Let time pass for everybody."""
        self.stack.enter_context(time_machine.travel(timezone.now() + timedelta(**by)))

    def configure(self, **values: Any) -> None:
        """Restart the server with other settings."""
        self.stack.enter_context(override_settings(**values))

    def find_cloud_at(self, url: str) -> None:
        """The cloud is looked for at another address."""
        self.configure(CLOUD_URLS=[url])
        Connection.objects.filter(server=self.server).update(cloud_url=url)

    def forget_token(self) -> None:
        """The hour of the token is over."""
        Connection.objects.filter(server=self.server).update(token="", token_expires_at=None)

    @contextmanager
    def in_this_thread(self) -> Iterator[None]:
        """The test's own database connection, in a thread of the network, while everybody else waits."""
        connections["default"] = self.console.database
        try:
            yield
        finally:
            del connections["default"]

    def be_impatient(self, seconds: float = 0.3) -> None:
        """Have the server wait for no answer longer than that: nobody reads a table of half minutes."""
        begin = Outbound.__init__

        def impatient(session: Outbound, **options: Any) -> None:
            begin(session, **{**options, "read_timeout": seconds, "deadline": 2 * seconds})

        self.patch.setattr(Outbound, "__init__", impatient)

    def end(self) -> None:
        """Undo what a row did to anything but rows of the database."""
        self.stack.close()
        self.patch.undo()
        self.line.calm()
        self.line.seconds_off = 0
        self.console.cloud_is_ahead = timedelta()


@contextmanager
def running_world() -> Iterator[Scene]:
    """Everything up to the first sync, for all rows; each of them gets a copy, and its rows are undone."""
    made = [app_key(number) for number in range(KEYS + 1)]
    keys = itertools.cycle(made[:KEYS])
    line = FaultProxy()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(signing, "new_app_key", keys.__next__)
        # Nobody but a row works, and no broker is asked.
        patch.setattr(cloud_tasks, "publish", lambda _intake_id: True)
        patch.setattr(services, "publish", lambda _job_id: True)
        stack.enter_context(
            override_settings(BASE_URL=line.url, CLOUD_URLS=[line.url], ALLOWED_HOSTS=["127.0.0.1", "localhost"])
        )
        console = stack.enter_context(Console().serving())
        stack.enter_context(line.serving(console.port))
        yield _connected(console, line)


def _connected(console: Console, line: FaultProxy) -> Scene:
    owner = make_user("olivia")
    ledger = make_ledger("octo", owner=owner)
    members = people.members_file(people.MEMBERS).encode()
    import_members(ledger=ledger, stream=io.BytesIO(members), by=owner, at=timezone.now())
    server = make_server(SLUG, hostname=HOSTNAME, owner=owner)
    scene = Scene(console, line, owner, server, ledger)
    services.set_license(
        server=server,
        customer="Octo Industries",
        seats=50,
        expires_on=(timezone.now() + timedelta(days=400)).date(),
        by=owner,
        at=timezone.now(),
    )
    scene.seat(range(1, ACCOUNTS + 1))
    scene.connect()
    job = scene.sync()
    assert job.state == SyncJob.State.SUCCEEDED, (job.state, job.error_code)
    return scene


def copy_of(world: Scene) -> Scene:
    """The same world, for one row."""
    return Scene(world.console, world.line, world.owner, world.server, world.ledger)
