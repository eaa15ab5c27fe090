"""Build the demo world: accounts, servers, and weeks of syncs that led to today's count."""

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from cloud.domains import proving as domains
from cloud.domains.resolving import Outcome
from cloud.models import Ledger
from cloud.services import import_members
from config.demo.duplicates import FOUND_WEEK, Duplicates
from config.demo.incidents import FAULTS, Incidents
from config.demo.line import Clock, DemoLine, Fault
from config.demo.world import COMPANY, LABS, invent_world
from connect.models import Connection, Server
from connect.services import connect_headless
from enterprises import founding
from enterprises.models import Deployment, Enterprise, Kind, RoleName, User
from enterprises.secrets import new_secret
from enterprises.services import create_user, grant_role
from licensesync import jobs
from licensesync.models import Seat, SyncJob
from licensesync.services import import_seats, set_license, set_license_sync
from licensesync.syncing import run as sync
from licensesync.syncing import schedule
from licensesync.users.exclusions import exclude, suspendable

WEEKS: Final = 10
CLOUD: Final = "octo"
LAB: Final = "ghes-lab"
PARTNERS: Final = "octo-partners.example"
VERSION: Final = "3.19.1"
OWNER: Final = "olivia"
BILLING_MANAGER: Final = "bruno"
OnWeek = Callable[[], object]
"""Told that another week is built."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How large the world is: license-consuming seats over all servers, licenses on the cloud."""

    servers: int = 3
    seats: int = 820
    members: int = 420
    seed: int = 7


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Who may sign in."""

    owner: User
    password: str


def build_demo(*, sizes: Sizes, at: datetime, on_week: OnWeek) -> Demo:
    """Fill an empty database; the last sync was three hours before ``at``."""
    return _Builder(sizes, at, on_week).build()


class _Builder:
    def __init__(self, sizes: Sizes, at: datetime, on_week: OnWeek) -> None:
        self.sizes = sizes
        self.on_week = on_week
        self.at = at
        self.start = at - (WEEKS - 1) * schedule.WEEK - timedelta(hours=3)
        self.world = invent_world(
            servers=sizes.servers, seats=sizes.seats, members=sizes.members, weeks=WEEKS - 3, seed=sizes.seed
        )

    def build(self) -> Demo:
        made = create_user(username=OWNER, email=f"{OWNER}@octo.example", at=self.start)
        self.owner = made.user
        User.objects.filter(pk=made.user.pk).update(first_name="Olivia", last_name="Okafor")
        cloud = self._found(CLOUD, "Octo", Deployment.CLOUD, seats=1_000 * max(1, self.sizes.members // 420))
        self._people_of(cloud)
        self._organization()
        servers = [self._server(index) for index in range(self.sizes.servers)]
        for week in range(WEEKS):
            self._week(week, servers)
            self.on_week()
        self._ask_about_dormant(servers[0])
        self._lab()
        for ledger in Ledger.objects.all():
            self._duplicates(ledger).look(self.at)
        self._duplicates(cloud.ledger).finish(self.at)
        return Demo(owner=made.user, password=made.password)

    def _people_of(self, cloud: Enterprise) -> None:
        self.manager = create_user(username=BILLING_MANAGER, at=self.start).user
        User.objects.filter(pk=self.manager.pk).update(first_name="Bruno", last_name="Silva")
        grant_role(user=self.manager, enterprise=cloud, role=RoleName.BILLING_MANAGER, at=self.start)
        self._domains(cloud.ledger)
        self.cloud = cloud
        self._import_members(cloud, self.world.first_members(), self.start - timedelta(hours=1))

    def _duplicates(self, ledger: Ledger) -> Duplicates:
        return Duplicates(ledger=ledger, by=self.owner, colleague=self.manager, corrected=self.world.corrected)

    def _domains(self, ledger: Ledger) -> None:
        """One that is proved, one that is approved, one that waits for its record.

        Nobody publishes records of the demo: an approval keeps the first in effect when it is looked up in earnest.
        """
        challenge = domains.add(ledger=ledger, domain=COMPANY, by=self.owner, at=self.start)
        domains.verify(challenge, by=self.owner, at=self.start, ask=lambda *_asked: Outcome.FOUND)
        challenge.refresh_from_db()
        domains.verify(challenge, by=None, at=self.at - timedelta(hours=4), ask=lambda *_asked: Outcome.FOUND)
        for domain in (COMPANY, LABS):
            domains.approve(ledger=ledger, domain=domain, by=self.owner, at=self.start)
        domains.add(ledger=ledger, domain=PARTNERS, by=self.owner, at=self.at - timedelta(days=2))

    def _organization(self) -> None:
        """An organization of its own, so that the consent page has a choice."""
        organization = self._found("octo-labs", "Octo Labs", Deployment.CLOUD, kind=Kind.ORGANIZATION, seats=40)
        members = [row | {"member_roles": ["octo-labs:Member"]} for row in self.world.members[:24]]
        self._import_members(organization, members, self.start)

    def _server(self, index: int) -> Server:
        enterprise = self._found(f"ghes{index + 1}", f"Octo GHES {index + 1}", Deployment.SERVER)
        # The first license ends soon; the others are further away, and unlimited.
        seats = 400 * max(1, self.sizes.seats // 820)
        self._license(enterprise.server, seats=None if index else seats, weeks=40 if index else 6)
        at = self.start - timedelta(minutes=30 - index)
        self._import_seats(enterprise.server, self.world.seats(index, 0), at)
        clock = Clock(at)
        connection = enterprise.server.connection
        connect_headless(
            connection=connection,
            cloud_url=settings.CLOUD_URLS[0],
            account_slug=CLOUD,
            token=new_secret(),
            by=self.owner,
            at=at,
            adapter=DemoLine(clock=clock, owner=self.owner),
        )
        connection.refresh_from_db()
        set_license_sync(connection=connection, enabled=True, by=self.owner, at=at + timedelta(minutes=5))
        return enterprise.server

    def _week(self, week: int, servers: list[Server]) -> None:
        at = self.start + week * schedule.WEEK
        if week == WEEKS // 2:
            self._import_members(self.cloud, self.world.members, at - timedelta(hours=2))
        for index, server in enumerate(servers):
            rows = self.world.seats(index, week)
            if index == self.sizes.servers - 1 and week == WEEKS - 1 and index:
                # Half a report: the cloud asks before so many people go, and the owner has to look.
                rows = rows[: len(rows) * 2 // 3]
            self._import_seats(server, rows, at - timedelta(minutes=20 - index))
        schedule.put_right()
        for job_id in schedule.start_due(at):
            is_first = servers[0].connection.jobs.filter(pk=job_id).exists()
            self._run(job_id, at, FAULTS.get(week) if is_first else None)
        Incidents(connection=servers[0].connection, by=self.owner, run=self._run).happen(week, at)
        if week == FOUND_WEEK:
            self._duplicates(self.cloud.ledger).decide(at)
        if week == WEEKS - 3 and self.sizes.servers > 1:
            # From here on one server reports no more, and its count grows old.
            connection = Connection.objects.select_related("server__enterprise").get(server=servers[1])
            set_license_sync(connection=connection, enabled=False, by=self.owner, at=at + timedelta(hours=5))

    def _run(self, job_id: int, at: datetime, fault: Fault | None = None) -> None:
        clock = Clock(at)
        installation_id = Connection.objects.values_list("installation_id", flat=True).get(jobs=job_id)
        line = DemoLine(clock=clock, owner=self.owner, installation_id=installation_id or 0, fault=fault)
        sync.run(job_id, clock=clock, adapter=line, wait=lambda _seconds: None)

    def _ask_about_dormant(self, server: Server) -> None:
        """Have the cloud say what suspending dormant users would free, but for two that are never meant."""
        at = self.at - timedelta(hours=2)
        dormant = suspendable(Seat.objects.filter(server=server)).order_by("user_id")
        for user_id in list(dormant.values_list("user_id", flat=True)[1:3]):
            exclude(server=server, user_id=user_id, by=self.owner, at=at)
        job, _is_new = jobs.create(
            connection=server.connection,
            kind=SyncJob.Kind.PREVIEW,
            trigger=SyncJob.Trigger.PERSON,
            by=self.owner,
            at=at,
            omits=SyncJob.Omits.DORMANT,
        )
        self._run(job.pk, at + timedelta(minutes=1))

    def _lab(self) -> None:
        enterprise = self._found(LAB, "Octo Lab", Deployment.SERVER)
        # More used than bought, and about to end.
        self._license(enterprise.server, seats=30, weeks=0.7)
        lab = invent_world(servers=1, seats=35, members=0, weeks=1, seed=self.sizes.seed + 1)
        self._import_seats(enterprise.server, lab.seats(0, 1), self.at - timedelta(days=1))

    def _found(
        self, slug: str, name: str, deployment: Deployment, *, kind: Kind = Kind.ENTERPRISE, seats: int = 0
    ) -> Enterprise:
        host = f"{slug}.{COMPANY}"
        return founding.found(
            slug=slug,
            name=name,
            deployment=deployment,
            kind=kind,
            owner=self.owner,
            particulars=founding.Particulars(hostname=host, version=VERSION, seats=seats),
            at=self.start - timedelta(hours=2),
        )

    def _license(self, server: Server, *, seats: int | None, weeks: float) -> None:
        set_license(
            server=server,
            customer="Octo",
            seats=seats,
            expires_on=(self.at + timedelta(weeks=weeks)).date(),
            by=self.owner,
            at=self.start,
        )

    def _import_seats(self, server: Server, rows: list[dict[str, Any]], at: datetime) -> None:
        import_seats(server=server, stream=_ndjson(rows), by=self.owner, at=at, allow_shrink=True)

    def _import_members(self, account: Enterprise, rows: list[dict[str, Any]], at: datetime) -> None:
        import_members(ledger=account.ledger, stream=_ndjson(rows), by=self.owner, at=at, allow_shrink=True)


def _ndjson(rows: Iterable[dict[str, Any]]) -> io.BytesIO:
    return io.BytesIO(b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows))
