"""The line between the demo's servers and its cloud: the cloud's own functions at the time that the story tells.

The demo needs weeks of history, and HTTP knows only today. So the client's requests are answered here by
the functions that the API calls, with the story's clock; what they write is what real syncs write.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from cloud import handshake, intake
from cloud.models import Installation, Intake
from cloud.records import keep_record
from enterprises.models import Enterprise, User
from enterprises.secrets import new_secret
from wire.messages import AccessToken, ConnectionRecord, OpenSync

_SYNCS: Final = "/enterprise-installation/license-syncs"


class Clock:
    """The story's time: every look at it is a little later."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=0.4)
        return self.at


@dataclass
class Fault:
    """What the first request of a method meets, for once, instead of an answer."""

    method: str
    status: HTTPStatus
    code: str


class DemoLine(BaseAdapter):
    """Answers as the cloud's API does, for one owner and, once it is connected, one server, at the clock's time."""

    def __init__(
        self, *, clock: Callable[[], datetime], owner: User, installation_id: int = 0, fault: Fault | None = None
    ) -> None:
        super().__init__()
        self._clock = clock
        self._owner = owner
        self._installation_id = installation_id
        self._fault = fault

    def send(self, request: PreparedRequest, *_args: Any, **_kwargs: Any) -> Response:
        """Answer one request; a refusal of the cloud is answered as the API answers it."""
        path = urlsplit(request.url or "").path.removeprefix("/api/v3")
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        if self._fault is not None and path.startswith(_SYNCS) and request.method == self._fault.method:
            fault, self._fault = self._fault, None
            problem = {"message": "No.", "code": fault.code, "status": str(fault.status.value)}
            return _response(request, fault.status, json.dumps(problem).encode())
        try:
            status, payload = self._answer(request.method or "", path, body)
        except intake.IntakeRefused as error:
            problem = {"message": str(error.message), "code": error.code, "status": "409"}
            status, payload = HTTPStatus.CONFLICT, json.dumps(problem).encode()
        return _response(request, status, payload)

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, method: str, path: str, body: bytes) -> tuple[HTTPStatus, bytes]:
        if path.endswith("/enterprise-installations"):
            return HTTPStatus.CREATED, self._connect(path.split("/")[2], json.loads(body))
        if path.endswith("/access_tokens"):
            token = AccessToken(token=new_secret(), expires_at=self._clock() + timedelta(hours=1))
            return HTTPStatus.CREATED, msgspec.json.encode(token)
        installation = Installation.objects.get(pk=self._installation_id)
        if path == "/enterprise-installation/connection":
            record = msgspec.json.decode(body, type=ConnectionRecord)
            keep_record(installation=installation, record=record, at=self._clock())
            return HTTPStatus.NO_CONTENT, b""
        return HTTPStatus.OK, msgspec.json.encode(self._sync(installation, method, path, body))

    def _connect(self, account: str, request: dict[str, str]) -> bytes:
        answer = handshake.connect_directly(
            manifest_jws=request["manifest"],
            proof=request["proof"],
            account=Enterprise.objects.get(slug=account),
            by=self._owner,
            at=self._clock(),
        )
        return msgspec.json.encode(answer)

    def _sync(self, installation: Installation, method: str, path: str, body: bytes) -> Any:
        if path == _SYNCS:
            return intake.open_sync(installation, msgspec.json.decode(body, type=OpenSync), self._clock())
        sync_id, *rest = path.removeprefix(f"{_SYNCS}/").split("/")
        if method == "PUT":
            return intake.receive_part(installation, sync_id, int(rest[1]), body, self._clock())
        if method == "DELETE":
            return intake.withdraw(installation, sync_id, self._clock())
        if method == "POST":
            intake.commit(installation, sync_id, self._clock())
            waiting = Intake.objects.get(installation=installation, snapshot_id=sync_id)
            intake.apply(waiting.pk, clock=self._clock)
        return intake.status(installation, sync_id)


def _response(request: PreparedRequest, status: HTTPStatus, payload: bytes) -> Response:
    response = Response()
    response.status_code = status
    response.url = request.url or ""
    response.request = request
    response.headers["Content-Type"] = "application/json"
    response.raw = io.BytesIO(payload)
    return response
