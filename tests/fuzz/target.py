"""What is shot at: a cloud with a connected server and an open sync, a server beside it, and all credentials."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from cloud.models import Ledger
from enterprises.access import Scope
from enterprises.api import JSON
from tests.cloud_api.servers import MORE_FACTS, Api, FakeServer
from tests.factories import make_token
from tests.permissions.world import World, make_world, with_manifest
from wire.lines import SnapshotDigest, make_line
from wire.messages import ErrorCode
from wire.parts import content_digest, pack

if TYPE_CHECKING:
    import random

    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from enterprises.models import User

CSRF = "c" * 32
FORM = "application/x-www-form-urlencoded"
# Who is in, and what was sent for us to remember: neither is a row that a request is about.
NOT_ROWS = {"sessions.Session", "enterprises.ApiToken"}
# Refusals that are themselves remembered, since a person has to decide about them.
ALARMS = {ErrorCode.REVISION_CONFLICT, ErrorCode.HOSTNAME_CHANGED}
# Of an opening also those after which no more will come of the sync: the account's page says so.
ENDINGS = {ErrorCode.UNSUPPORTED_FORMAT, ErrorCode.PAYLOAD_TOO_LARGE, ErrorCode.INVALID_REQUEST}
WRITES = ("INSERT", "UPDATE", "DELETE", "COPY", "WITH")
SYNC_ID = "11111111-1111-4111-8111-111111111111"
FRESH_SYNC_ID = "22222222-2222-4222-8222-222222222222"
SYNCS = "/api/v3/enterprise-installation/license-syncs"


@dataclass
class Sent:
    """One request, ready for the test client."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    is_signed_in: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    is_upload: bool = False
    """What is uploaded is looked at and applied in requests of their own."""


@dataclass
class Target:
    """Everything that requests are made of, and the state that each of them meets anew."""

    world: World
    server: FakeServer
    installation_id: int
    server_token: str
    owner_token: str
    lines: tuple[bytes, bytes]
    opening: dict[str, Any]
    manifest: dict[str, Any]
    proof: str
    app_jwt: str
    anonymous: Client
    owner: Client
    secrets: tuple[str, ...]
    rows: str = ""
    written: bool = False

    def send(self, sent: Sent, number: int) -> Response:
        """Each request comes from an address of its own, or all but the first thirty were refused for guessing."""
        client = self.owner if sent.is_signed_in else self.anonymous
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        extra: dict[str, Any] = {"REMOTE_ADDR": address, "HTTP_ACCEPT_LANGUAGE": "en"} | sent.extra
        return client.generic(
            sent.method, sent.path, sent.body, content_type=sent.content_type, headers=sent.headers, **extra
        )

    def check(self, sent: Sent, number: int) -> int:
        """Send it, look at everything that must be so, and undo it; returns the status."""
        with transaction.atomic(), connection.execute_wrapper(self._note_writes):
            response = self._pass(sent, number, self.rows)
            if sent.is_upload and response.status_code == HTTPStatus.FOUND:
                page = Sent("GET", response["Location"], is_signed_in=True)
                self._pass(page, number, waiting := rows())
                body = urlencode({"csrfmiddlewaretoken": CSRF, "allow_shrink": "on"}).encode()
                page = Sent("POST", page.path, body, FORM, is_signed_in=True)
                response = self._pass(page, number, waiting)
            transaction.set_rollback(True)
        return response.status_code

    def _pass(self, sent: Sent, number: int, held: str) -> Response:
        self.written = False
        response = self.send(sent, number)
        content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
        assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, (response.status_code, content[:300])
        self._check_content(sent, response, content.decode(errors="replace"))
        if response.status_code >= HTTPStatus.BAD_REQUEST and self.written and not self._is_alarm(sent, content):
            assert rows() == held, "a refused request left something behind"
        return response

    def _check_content(self, sent: Sent, response: Response, content: str) -> None:
        assert "Traceback" not in content
        assert not any(secret in content for secret in self.secrets)
        is_refused = response.status_code >= HTTPStatus.BAD_REQUEST
        if sent.method == "HEAD":
            assert not content
        elif is_refused and response["Content-Type"] == JSON:
            problem = json.loads(content)
            facts = MORE_FACTS.get(problem["code"], set())
            assert set(problem) - facts == {"message", "code", "documentation_url", "status"}
            assert problem["status"] == str(response.status_code)
            assert problem["code"] in {"", *ErrorCode}
        elif is_refused and sent.path.startswith("/api/v3"):
            # What the framework itself refuses before any route is known.
            assert response.status_code == HTTPStatus.BAD_REQUEST, response["Content-Type"]

    def _is_alarm(self, sent: Sent, content: bytes) -> bool:
        codes = ALARMS | ENDINGS if sent.path == SYNCS else ALARMS
        return any(f'"code":"{code}"'.encode() in content for code in codes)

    def _note_writes(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.written = self.written or sql.startswith(WRITES)
        return execute(sql, params, many, context)


def rows() -> str:
    """A digest of every row of every table."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.label not in NOT_ROWS:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
                digest.update(repr(sorted(map(repr, cursor.fetchall()))).encode())
    return digest.hexdigest()


def make_target(owner: User, billing_manager: User, stranger: User) -> Target:
    """All of it, made once per test; every case is undone."""
    world = with_manifest(make_world(owner, billing_manager, stranger))
    server = FakeServer()
    installation = server.installed(Ledger.objects.get(enterprise__slug=world.things["cloud"]))
    app = Api(f"Bearer {server.jwt(installation.pk)}")
    token = app.post(f"/app/installations/{installation.pk}/access_tokens").json()["token"]
    _row, owner_token = make_token(owner, *Scope, at=timezone.now())
    lines = (make_line(7, "mona@octo.example") + b"\n", make_line(9, "hubot@octo.example", ["h@x.example"]) + b"\n")
    opening = _opening(lines, SYNC_ID)
    server_api = Api(f"token {token}")
    assert server_api.post("/enterprise-installation/license-syncs", opening).status_code == 201
    part = pack(lines[0])
    path = f"/enterprise-installation/license-syncs/{SYNC_ID}/parts/1"
    assert server_api.put(path, part, **{"Content-Digest": content_digest(part)}).status_code == 200
    anonymous, signed_in = (Client(enforce_csrf_checks=True, raise_request_exception=False) for _each in range(2))
    signed_in.force_login(owner)
    for client in (anonymous, signed_in):
        client.cookies[settings.CSRF_COOKIE_NAME] = CSRF
    session = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
    target = Target(
        world=world,
        server=server,
        installation_id=installation.pk,
        server_token=token,
        owner_token=owner_token,
        lines=lines,
        opening=opening,
        manifest=_payload(server.manifest()),
        proof=server.proof(),
        app_jwt=server.jwt(installation.pk),
        anonymous=anonymous,
        owner=signed_in,
        secrets=(token, owner_token, session),
    )
    # Whatever is written at the first use of something is there before the first case.
    reports = "/api/v3/enterprises/octo/consumed-licenses"
    assert target.send(Sent("GET", reports, headers={"Authorization": f"token {owner_token}"}), 0).status_code == 200
    target.rows = rows()
    return target


def _payload(jws: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(base64.urlsafe_b64decode(jws.split(".")[1] + "=="))
    return payload


def _opening(lines: tuple[bytes, ...], sync_id: str) -> dict[str, Any]:
    digest = SnapshotDigest()
    digest.add(b"".join(lines))
    return {
        "sync_id": str(UUID(sync_id)), "hostname": "ghes1.octo.example", "taken_at": "2026-03-02T09:30:00Z",
        "accounts": len(lines), "parts": len(lines), "sha256": digest.hexdigest(), "kind": "usage", "formats": [1],
        "base": None, "unanswered": [], "allow_shrink": False,
    }  # fmt: skip


def opening_of(target: Target, chance: random.Random) -> dict[str, Any]:
    """One that is valid as it is: of a new sync, or of the one that is open."""
    return target.opening | {"sync_id": chance.choice((SYNC_ID, FRESH_SYNC_ID))}
