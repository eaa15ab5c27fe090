"""A cloud in memory behind an HTTP adapter: it keeps what it was sent, and can fail where a test says so."""

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectionError as NoConnection

from wire import signing
from wire.messages import Difference, Held, OpenSync, Problem, Receipt, ReceiptKey, SyncStatus
from wire.parts import unpack

SYNC = re.compile(r"\A/api/v3/enterprise-installation/license-syncs(?:/([0-9a-f-]{36})(/commit|/parts/(\d+))?)?\Z")


class KilledHere(BaseException):
    """The worker dies: nothing in the code under test may catch this."""


@dataclass
class Kept:
    """What the cloud holds of one sync."""

    opening: OpenSync
    body: bytes
    parts: dict[int, bytes] = field(default_factory=dict)
    state: str = "receiving"
    receipt: str = ""
    difference: Difference | None = None
    asked: int = 0


@dataclass
class Trouble:
    """Something goes wrong at the nth request of a kind: before the cloud hears of it, or when it answers."""

    step: str
    number: int
    happen: Callable[[], Response | None]
    is_after: bool = False


class FakeCloud(BaseAdapter):
    """One installation of one server; plug it in as the adapter of a client."""

    def __init__(self, *, server_id: str, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.clock = clock
        self.server_id = server_id
        self.key = signing.new_identity_key()
        self.syncs: dict[str, Kept] = {}
        self.held: OpenSync | None = None
        self.revision = 0
        self.seen: list[str] = []
        self.bytes_received: list[bytes] = []
        self.records: list[dict[str, Any]] = []
        self.troubles: list[Trouble] = []
        self.polls_until_applied = 0
        self.people: dict[str, Any] = {}
        # What the difference says in place of the truth.
        self.wrong: dict[str, Any] = {}
        self.sign: Callable[[Receipt], str] = lambda receipt: signing.sign(
            receipt, typ=signing.RECEIPT, key=self.key, kid="k"
        )
        self.on_request: Callable[[str], None] = lambda _step: None

    @property
    def receipt_keys(self) -> list[dict[str, str]]:
        return [msgspec.to_builtins(ReceiptKey(kid="k", x=signing.public_text(self.key.public_key())))]

    @property
    def lines(self) -> bytes:
        """The lines of all parts that came, unpacked."""
        return b"".join(unpack(kept.parts[number]) for kept in self.syncs.values() for number in sorted(kept.parts))

    def fail(
        self, step: str, happen: Callable[[], Response | None], *, number: int = 1, is_after: bool = False
    ) -> None:
        """At the ``number``-th request of a kind: token, open, part, commit, status, withdraw or record."""
        self.troubles.append(Trouble(step, number, happen, is_after))

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        path = str(request.path_url)
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else bytes(body)
        step = self._step(str(request.method), path)
        self.seen.append(step)
        self.bytes_received.append(raw)
        self.on_request(step)
        trouble = self._trouble(step)
        if trouble and not trouble.is_after and (answer := trouble.happen()) is not None:
            return self._finished(request, answer)
        answer = self._answer(step, path, raw)
        if trouble and trouble.is_after and (instead := trouble.happen()) is not None:
            answer = instead
        return self._finished(request, answer)

    def close(self) -> None:
        """Nothing to close."""

    def _step(self, method: str, path: str) -> str:
        if path.endswith("/access_tokens"):
            return "token"
        if path.endswith("/enterprise-installation/connection"):
            return "record"
        found = SYNC.match(path)
        assert found, path
        if not found[1]:
            return "open"
        if method == "DELETE":
            return "withdraw"
        return "commit" if found[2] == "/commit" else "part" if found[3] else "status"

    def _trouble(self, step: str) -> Trouble | None:
        number = self.seen.count(step)
        return next((trouble for trouble in self.troubles if (trouble.step, trouble.number) == (step, number)), None)

    def _answer(self, step: str, path: str, raw: bytes) -> Response:
        if step == "token":
            expires = self.clock() + timedelta(hours=1)
            return answer(201, {"token": f"installation-token-{len(self.seen)}", "expires_at": expires.isoformat()})
        if step == "record":
            self.records.append(json.loads(raw))
            return answer(204)
        if step == "open":
            return self._open(raw)
        found = SYNC.match(path)
        assert found
        kept = self.syncs.get(found[1])
        if kept is None:
            return refusal(404, "unknown_sync")
        if step == "part":
            kept.parts[int(found[3])] = raw
        if step == "withdraw" and kept.state == "receiving":
            kept.state = "expired"
            kept.parts.clear()
        if step == "commit" and kept.state == "receiving" and not self._missing(kept):
            kept.state = "applying"
        if kept.state == "applying":
            self._work(kept)
        return self._status(kept)

    def _open(self, raw: bytes) -> Response:
        opening = msgspec.json.decode(raw, type=OpenSync)
        kept = self.syncs.setdefault(opening.sync_id, Kept(opening, raw))
        if kept.body != raw:
            return refusal(422, "sync_id_reused")
        if kept.state == "receiving" and self.held and self.held.sha256 == opening.sha256:
            self._apply(kept)
        return self._status(kept)

    def _work(self, kept: Kept) -> None:
        kept.asked += 1
        if kept.asked > self.polls_until_applied:
            lines = b"".join(unpack(kept.parts[number]) for number in sorted(kept.parts))
            assert hashlib.sha256(lines).hexdigest() == kept.opening.sha256
            assert lines.count(b"\n") == kept.opening.accounts
            self._apply(kept)

    def _apply(self, kept: Kept) -> None:
        kept.state = "applied"
        opening = kept.opening
        before = self.held.accounts if self.held else 0
        numbers: dict[str, Any] = {
            "accounts": opening.accounts,
            "added": max(0, opening.accounts - before),
            "changed": 0,
            "removed": max(0, before - opening.accounts),
            "licenses_before": before,
            "licenses_after": opening.accounts,
        }
        self.revision += opening.kind == "usage"
        kept.difference = Difference(**{**numbers, "revision": self.revision, **self.people, **self.wrong})
        if opening.kind == "preview":
            return
        receipt = Receipt(
            **numbers,
            sync_id=opening.sync_id,
            server_id=self.server_id,
            hostname=opening.hostname,
            account="octo",
            sha256=opening.sha256,
            revision=self.revision,
            taken_at=opening.taken_at,
            applied_at=self.clock(),
        )
        kept.receipt = self.sign(receipt)
        self.held = opening

    def _missing(self, kept: Kept) -> tuple[int, ...]:
        return tuple(number for number in range(1, kept.opening.parts + 1) if number not in kept.parts)

    def _status(self, kept: Kept) -> Response:
        status = SyncStatus(
            sync_id=kept.opening.sync_id,
            state=kept.state,  # type: ignore[arg-type]
            missing=self._missing(kept) if kept.state == "receiving" else (),
            receipt=kept.receipt,
            preview=kept.difference,
        )
        return answer(200, msgspec.to_builtins(status))

    def _finished(self, request: PreparedRequest, response: Response) -> Response:
        response.request = request
        response.url = str(request.url)
        return response


def answer(status: int, body: object = None, **headers: str) -> Response:
    """An HTTP answer with a JSON body."""
    response = Response()
    response.status_code = status
    response.headers.update({"Content-Type": "application/json; charset=utf-8", **headers})
    response.raw = io.BytesIO(b"" if body is None else msgspec.json.encode(body))
    return response


def refusal(status: int, code: str, **headers: str) -> Response:
    """An error in the shape of ours."""
    return answer(status, msgspec.to_builtins(Problem(message="No.", code=code, status=str(status))), **headers)


def stopped(code: str, held: Held | None) -> Response:
    """The cloud leaves it to an owner how to go on, and says what it holds; an older one does not."""
    problem = Problem(message="No.", code=code, status="409", held=held or msgspec.UNSET)
    return answer(409, msgspec.to_builtins(problem))


def die() -> None:
    """The worker's process ends here."""
    raise KilledHere


def lose_connection() -> None:
    """The answer never arrives, or the request never did."""
    raise NoConnection("gone")
