"""The cloud's half of the measurement: 200,000 accounts arrive where 800,000 accounts and 250,000 members are."""

import io
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from cloud import consumption, intake, services
from cloud.models import Installation, Ledger
from enterprises.models import Deployment, Enterprise
from wire.lines import SnapshotDigest, make_line
from wire.messages import Base, OpenSync
from wire.parts import MAX_PART_LINES, pack


@dataclass(frozen=True)
class Size:
    """How much there is; every server has ``accounts`` of them."""

    accounts: int
    servers: int
    members: int


@dataclass(frozen=True)
class Measured:
    """Seconds by stage, and the most memory that the worker held, in MB."""

    stages: dict[str, float]
    memory: float

    @property
    def seconds(self) -> float:
        """What the worker needs from the first part to the receipt."""
        return sum(self.stages.values())


class Numbered:
    """NDJSON that is made while it is read."""

    def __init__(self, members: int) -> None:
        self._numbers = iter(range(1, members + 1))

    def readline(self, limit: int = -1, /) -> bytes:
        """Return the next member."""
        number = next(self._numbers, None)
        return b"" if number is None else json.dumps(_member(number)).encode() + b"\n"


def _member(number: int) -> dict[str, Any]:
    address = f"person.{number}@octo.example"
    return {
        "id": number,
        "login": f"person-{number}",
        "name": f"Person {number}",
        "member_roles": ["octo:Member"],
        "emails": [{"email": address, "verified": True}],
        "identities": [{"attribute": "NameID", "value": address}] if number % 2 else [],
    }


def lines(server: int, size: Size) -> Iterator[bytes]:
    """Yield a server's lines: half of the people are members, a quarter is on every server, a quarter only here."""
    for user_id in range(1, size.accounts + 1):
        kind = user_id % 4
        if kind < 2:
            primary = f"person.{(user_id * 7 + server) % size.members + 1}@octo.example"
        else:
            primary = f"guest.{user_id}@partner.example" if kind == 2 else f"only.{user_id}@host{server}.example"
        yield make_line(user_id, primary, [f"second.{user_id}@home.example"] if user_id % 3 == 0 else [])


def open_world(size: Size) -> tuple[Ledger, dict[str, float]]:
    """Import the members and sync all servers but the last one; return how long each took."""
    now = timezone.now()
    enterprise = Enterprise.objects.create(slug="bench", name="Bench", deployment=Deployment.CLOUD, created_at=now)
    ledger = services.open_ledger(enterprise=enterprise, seats_purchased=size.members, at=now)
    seconds = {}
    start = time.perf_counter()
    services.import_members(ledger=ledger, stream=Numbered(size.members), by=None, at=now)
    seconds[f"import of {size.members:,} members"] = time.perf_counter() - start
    for server in range(size.servers - 1):
        measured = sync(connect(ledger, server), server, size)[1]
        seconds[f"server {server + 1} of {size.servers - 1} before"] = measured.seconds
    return ledger, seconds


def connect(ledger: Ledger, server: int) -> Installation:
    """Connect a server without a handshake."""
    return Installation.objects.create(
        ledger=ledger,
        server_id=uuid.uuid4(),
        hostname=f"host{server}.example",
        app_key="",
        server_key="",
        created_at=timezone.now(),
    )


def sync(installation: Installation, server: int, size: Size, *, changed: int = 0) -> tuple[float, Measured]:
    """Send a snapshot and apply it in a worker process; return seconds of receiving, and what the worker measured."""
    held = list(lines(server, size))
    for number in range(changed):
        user_id = number * 97 % size.accounts + 1
        held[user_id - 1] = make_line(user_id, f"moved.{user_id}@host{server}.example")
    digest = SnapshotDigest()
    parts = []
    for at in range(0, len(held), MAX_PART_LINES):
        raw = b"".join(line + b"\n" for line in held[at : at + MAX_PART_LINES])
        digest.add(raw)
        parts.append(pack(raw))
    opening = OpenSync(
        sync_id=str(uuid.uuid4()),
        hostname=installation.hostname,
        taken_at=timezone.now(),
        accounts=len(held),
        parts=len(parts),
        sha256=digest.hexdigest(),
        base=Base(revision=installation.revision, snapshot_id=str(installation.snapshot_id))
        if installation.snapshot_id
        else None,
    )
    start = time.perf_counter()
    intake.open_sync(installation, opening, timezone.now())
    for number, body in enumerate(parts, start=1):
        intake.receive_part(installation, opening.sync_id, number, body, timezone.now())
    received = time.perf_counter() - start
    intake.commit(installation, opening.sync_id, timezone.now())
    measured = _work(installation.intakes.get(snapshot_id=opening.sync_id).pk)
    installation.refresh_from_db()
    return received, measured


def _work(intake_id: int) -> Measured:
    """Apply in a process of its own, as a worker does, so that its memory is its own."""
    command = [sys.executable, "-m", "tests.bench.worker", str(intake_id)]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return Measured(answer["stages"], answer["memory"])


_COLUMNS = "ledger_id, installation_id, user_id, line, primary_address, person_key, rule, is_ambiguous"
_OTHERS = f"""
INSERT INTO bench_floor ({_COLUMNS}) SELECT {_COLUMNS} FROM cloud_serveraccount WHERE installation_id <> %s
"""  # noqa: S608
_GROUPED = """
SELECT count(*) FROM (
    SELECT person_key, count(*) FROM bench_floor WHERE installation_id = %s GROUP BY person_key
) people
"""


def floor(installation: Installation) -> dict[str, float]:
    """Return the seconds that PostgreSQL alone needs: COPY of the same rows, indexes included, and one GROUP BY."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_floor (LIKE cloud_serveraccount INCLUDING ALL)")
        cursor.execute(_OTHERS, [installation.pk])
        rows = io.BytesIO()
        source = f"SELECT {_COLUMNS} FROM cloud_serveraccount WHERE installation_id = {installation.pk}"  # noqa: S608
        with cursor.copy(f"COPY ({source}) TO STDOUT (FORMAT BINARY)") as out:
            for piece in out:
                rows.write(piece)
        start = time.perf_counter()
        with cursor.copy(f"COPY bench_floor ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(rows.getvalue())
        copied = time.perf_counter()
        cursor.execute(_GROUPED, [installation.pk])
        grouped = time.perf_counter()
        cursor.execute("DROP TABLE bench_floor")
    return {"binary COPY of the same rows": copied - start, "one GROUP BY": grouped - copied}


def is_right(ledger: Ledger) -> bool:
    """Whether a full recount finds nothing to correct."""
    before = consumption.totals(ledger)
    consumption.recount_all(ledger, timezone.now())
    after = consumption.totals(ledger)
    return (before.consumed, before.listed, before.saved) == (after.consumed, after.listed, after.saved)
