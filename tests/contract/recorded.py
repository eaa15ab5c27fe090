"""A conversation of a past format, kept as files: the scene that it needs, and each of its two sides alone.

docs/wire.md, "Older versions", says what is recorded and how the next one is.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection as database
from django.utils.http import http_date
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from cloud.models import Installation, Ledger, ReceiptSigner
from cloud.services import import_members, open_ledger
from connect import services as line
from connect.models import Connection, Server
from enterprises.models import ApiToken, Scope
from enterprises.secrets import digest
from licensesync import services
from licensesync.models import SyncJob
from licensesync.syncing import run as sync
from tests.factories import make_cloud_enterprise, make_server_enterprise, make_user
from wire import signing

DATA = Path(__file__).parents[1] / "data"
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
HOSTNAME = "ghes.octo.example"
JSON = "application/json; charset=utf-8"
_KEPT_HEADERS = ("Authorization", "Content-Type", "Content-Digest")


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that would otherwise be made by chance."""

    server_id: UUID
    sync_ids: tuple[UUID, ...]
    app_id: int
    identity_key: str
    app_key: str
    receipt_key: str
    owner_token: str


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer; bodies that are no text are base64."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer: str

    @property
    def sent(self) -> bytes:
        return base64.b64decode(self.body) if self.is_part else self.body.encode()

    @property
    def is_part(self) -> bool:
        return self.headers.get("Content-Type") == "application/zstd"


@dataclass(frozen=True)
class Conversation:
    """The folder of a recorded conversation."""

    folder: Path

    @property
    def scene(self) -> Scene:
        return msgspec.json.decode((self.folder / "scene.json").read_bytes(), type=Scene)

    @property
    def exchanges(self) -> list[Exchange]:
        return msgspec.json.decode((self.folder / "exchanges.json").read_bytes(), type=list[Exchange])

    def open(self, name: str) -> io.BytesIO:
        return io.BytesIO((self.folder / name).read_bytes())

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")


def set_up_cloud(recorded: Conversation) -> Ledger:
    """The cloud account with its owner, members and receipt key; the next App gets the recorded id."""
    scene = recorded.scene
    owner = make_user("recorded-owner")
    ApiToken.objects.create(
        user=owner, digest=digest(scene.owner_token), scopes=[Scope.ADMIN_ENTERPRISE], created_at=AT
    )
    public = signing.load_identity_key(scene.receipt_key).public_key()
    ReceiptSigner.objects.create(
        kid="receipts-1", private_key=scene.receipt_key, public_key=signing.public_text(public), created_at=AT
    )
    ledger = open_ledger(enterprise=make_cloud_enterprise("octo", owner=owner), seats_purchased=100, at=AT)
    import_members(ledger=ledger, stream=recorded.open("members.ndjson"), by=owner, at=AT)
    _let_next_app_be(scene.app_id)
    return ledger


def _let_next_app_be(app_id: int) -> None:
    table = Installation._meta.db_table
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", [table, app_id])
        else:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, app_id - 1])


def set_up_server(recorded: Conversation) -> Connection:
    """The server with its identity and seats, about to be connected with the recorded App key."""
    scene = recorded.scene
    server = Server.objects.create(
        enterprise=make_server_enterprise("recorded-server"),
        server_id=scene.server_id,
        hostname=HOSTNAME,
        version="3.19.1",
        identity_key=scene.identity_key,
    )
    services.import_seats(server=server, stream=recorded.open("seats.ndjson"), by=None, at=AT)
    services.set_license(server=server, customer="Octo", seats=50, by=None, at=AT)
    # As after a handshake whose answer was lost: the next one offers the same key.
    return Connection.objects.create(server=server, cloud_url=settings.CLOUD_URLS[0], pending_app_key=scene.app_key)


def speak(
    recorded: Conversation, connection: Connection, adapter: BaseAdapter, wait: Callable[[float], None]
) -> list[SyncJob]:
    """The server's side: connect, the record, a sync, one without changes, a preview of more seats, and Disable."""
    scene = recorded.scene
    line.connect_headless(
        connection=connection,
        cloud_url=settings.CLOUD_URLS[0],
        account_slug="octo",
        token=scene.owner_token,
        by=None,
        at=AT,
        adapter=adapter,
    )
    services.set_license_sync(connection=connection, enabled=True, by=None, at=AT)
    jobs = []
    with mock.patch.object(sync, "uuid") as made_by_chance:
        made_by_chance.uuid4.side_effect = scene.sync_ids
        for kind in (SyncJob.Kind.RECORD, SyncJob.Kind.USAGE, SyncJob.Kind.USAGE, SyncJob.Kind.PREVIEW):
            if kind == SyncJob.Kind.PREVIEW:
                more = recorded.open("seats.csv")
                services.import_seats(server=connection.server, stream=more, by=None, at=AT, partial=True)
            job = services.request_sync(connection=connection, by=None, at=AT, kind=kind)
            while sync.run(job.pk, clock=lambda: AT, adapter=adapter, wait=wait):
                pass
            job.refresh_from_db()
            jobs.append(job)
    line.disconnect(connection=connection, by=None, at=AT, adapter=adapter)
    return jobs


@dataclass
class RecordedCloud(BaseAdapter):
    """Answers a server with what the cloud of that time answered, in the same order."""

    exchanges: Iterator[Exchange]
    sent: list[tuple[Exchange, PreparedRequest]] = field(default_factory=list)

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # type: ignore[override]
        exchange = next(self.exchanges)
        self.sent.append((exchange, request))
        fields = {"Date": http_date(AT.timestamp()), "Content-Type": JSON if exchange.answer else ""}
        raw = HTTPResponse(
            io.BytesIO(exchange.answer.encode()),
            headers=HTTPHeaderDict(fields),
            status=exchange.status,
            preload_content=False,
        )
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing is open."""


def exchange_of(request: PreparedRequest, *, status: int = 0, answer: str = "") -> Exchange:
    """A request as it is kept."""
    body = request.body or b""
    raw = body if isinstance(body, bytes) else str(body).encode()
    headers = {name: str(request.headers[name]) for name in _KEPT_HEADERS if name in request.headers}
    is_part = headers.get("Content-Type") == "application/zstd"
    return Exchange(
        method=str(request.method),
        path=urlsplit(str(request.url)).path,
        headers=headers,
        body=base64.b64encode(raw).decode() if is_part else raw.decode(),
        status=status,
        answer=answer,
    )


def missing_from(now: Any, recorded: Any, where: str = "") -> list[str]:
    """Where ``now`` does not say what was recorded. It may say more: either end ignores what it does not know."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        return [
            place
            for name, value in recorded.items()
            for place in (missing_from(now[name], value, f"{where}.{name}") if name in now else [f"{where}.{name}"])
        ]
    if isinstance(recorded, list) and isinstance(now, list):
        if where.endswith(".formats"):
            return [] if set(recorded) <= set(now) else [where]
        if len(recorded) == len(now):
            pairs = enumerate(zip(now, recorded, strict=True))
            return [place for at, (one, other) in pairs for place in missing_from(one, other, f"{where}[{at}]")]
    return [] if now == recorded else [where]


def meaning(text: str) -> Any:
    """What a body says: JSON, and every signed token in it opened."""
    return _opened(json.loads(text)) if text else None


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _opened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    if isinstance(value, str) and value.startswith("eyJ") and value.count(".") == 2:
        return [json.loads(base64.urlsafe_b64decode(f"{part}===")) for part in value.split(".")[:2]]
    return value
