"""The one place that speaks HTTP to the cloud. Its contract:

- ``with CloudClient(connection) as cloud:`` gives typed results from ``wire``, or raises a ``CloudFailure`` that says
  what to do next: ``CloudUnavailable`` (later, not before ``retry_after``), ``NotAuthorized``, ``InstallationGone`` and
  ``ClockSkew`` (a person must act), ``RevisionConflict`` (an owner decides), ``CloudRejected`` (the same request would
  be refused again), ``NotConnected``.
- It repeats a request only with a renewed token or App key after a 401, and once with a corrected clock. Everything
  else is for the job to repeat; every write names its own id, so repeating it is harmless.
- The installation token is cached, encrypted, on the connection and renewed below five minutes of life. An App JWT that
  is refused for its time is signed again with the time of the answer's Date header, up to a day away from ours.
- What answers may be a network's sign-in page, a proxy, or hostile: only an answer that has the promised type, shape
  and identifiers counts, all else is ``CloudUnavailable("not_ours")``. Redirects are not followed.
- No database transaction is open during a request (``enterprises.outbound`` refuses). Tokens, codes, keys and addresses
  are never logged and stand in no exception.
"""

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import msgspec
from django.utils import timezone

from connect import credentials
from connect.answers import SLUG, checked_installation, date_of, failure_of, not_ours, problem_of, read_answer
from connect.failures import (
    NOT_FOUND,
    NOT_OFFERED,
    ClockSkew,
    CloudRejected,
    CloudUnavailable,
    NotAuthorized,
    NotConnected,
    Unavailable,
)
from connect.models import Connection
from enterprises.outbound import Adapter, Answer, Outbound, OutboundError
from wire import parts, signing
from wire.messages import (
    FORMATS,
    AcceptedKey,
    AccessToken,
    ConnectionRecord,
    ErrorCode,
    Installation,
    NewHostname,
    NextAppKey,
    OpenSync,
    SyncStatus,
)

MAX_ANSWER_BYTES: Final = 1024 * 1024
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
PATIENCE_OF_A_PERSON: Final = 8.0
"""How many seconds a page waits for each answer of the cloud: everything it asks for may be asked again."""

LARGEST_CORRECTION: Final = timedelta(days=1)

_CODE = re.compile(r"[A-Za-z0-9._~-]{8,200}", re.ASCII)
_SECRET = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_SYNCS = "/enterprise-installation/license-syncs"


class AppDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What counts here of an App's description, which is GitHub's and holds more."""

    id: int


Clock = Callable[[], datetime]


class CloudClient:
    """A connection's line to its cloud; see the module's contract. Not for several threads."""

    def __init__(
        self,
        connection: Connection,
        adapter: Adapter | None = None,
        clock: Clock = timezone.now,
        *,
        read_timeout: float = READ_SECONDS,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._correction = timedelta()
        self._is_corrected = False
        self._http = Outbound(
            origin=connection.cloud_url,
            adapter=adapter,
            # Connecting is tried three times.
            connect_timeout=min(CONNECT_SECONDS, read_timeout / 3),
            read_timeout=read_timeout,
            deadline=2 * read_timeout,
            max_bytes=MAX_ANSWER_BYTES,
        )

    def __enter__(self) -> Self:
        """Return itself; nothing is sent yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the sockets."""
        self._http.close()

    def convert(self, code: str) -> Installation:
        """Turn a code of the consent page into an installation; the same code and key give the same answer again."""
        if not _CODE.fullmatch(code):
            raise CloudRejected(ErrorCode.CODE_INVALID)
        path = f"/app-manifests/{code}/conversions"
        response = self._with_jwt(lambda: self._send("POST", path, bearer=self._proof()))
        return checked_installation(read_answer(response, Installation))

    def connect_directly(self, *, account_slug: str, token: str, manifest: str) -> Installation:
        """Connect with the token of a cloud owner in place of the consent page."""
        if not SLUG.fullmatch(account_slug):
            raise CloudRejected(NOT_FOUND)
        if not _SECRET.fullmatch(token):
            raise NotAuthorized
        path = f"/enterprises/{account_slug}/enterprise-installations"

        def send() -> Answer:
            body = msgspec.json.encode({"manifest": manifest, "proof": self._proof()})
            return self._send("POST", path, bearer=token, body=body)

        response = self._with_jwt(send)
        # These two come without a code of ours, as the rest of GitHub's API gives them to a person's token.
        if response.status_code == HTTPStatus.NOT_FOUND and problem_of(response):
            raise CloudRejected(NOT_FOUND)
        if response.status_code == HTTPStatus.FORBIDDEN and problem_of(response):
            raise NotAuthorized
        return checked_installation(read_answer(response, Installation))

    def check_app(self) -> None:
        """Ask the cloud who we are: it knows us, accepts the App key, and answers about this very App.

        Asks the database nothing: the doctor calls it from a thread.
        """
        response = self._with_jwt(lambda: self._send("GET", "/app", bearer=self._app_jwt()))
        if read_answer(response, AppDescription).id != self._connection.app_id:
            raise not_ours()

    def token(self) -> str:
        """Return an installation token that is good for five more minutes."""
        return credentials.cached_token(self._connection, self._now()) or self._new_token()

    def offer_app_key(self, pem: str) -> None:
        """Have the cloud accept another App key beside ours, until the first use of it ends ours. Again: the same."""
        key = signing.load_app_key(pem)
        public = signing.public_pem(key.public_key())

        def offer() -> bytes:
            proof = signing.app_jwt(str(self._connection.app_id), key=key, at=self._now())
            return msgspec.json.encode(NextAppKey(app_key=public, proof=proof))

        response = self._as_app("PUT", "/app/key", offer)
        _refuse_unknown_route(response)
        _expect_nothing(response)

    def delete_installation(self) -> None:
        """Delete the App on the cloud; its people still count there until an owner removes the server."""
        _expect_nothing(self._as_app("DELETE", f"/app/installations/{self._installation_id()}"))

    def put_record(self, record: ConnectionRecord) -> None:
        """Send the weekly connection record."""
        _expect_nothing(self._with_token("PUT", "/enterprise-installation/connection", msgspec.json.encode(record)))

    def rename(self, *, former: str, hostname: str) -> None:
        """Have the cloud know this server under its new name; again, and nothing changes."""
        body = msgspec.json.encode(NewHostname(former=former, hostname=hostname))
        response = self._with_token("PUT", "/enterprise-installation/hostname", body)
        _refuse_unknown_route(response)
        _expect_nothing(response)

    def accept_receipt_key(self, kid: str) -> None:
        """Say which of the cloud's keys may sign our receipts from now on; we have pinned it."""
        body = msgspec.json.encode(AcceptedKey(kid=kid))
        _expect_nothing(self._with_token("PUT", "/enterprise-installation/receipt-key", body))

    def open_sync(self, opening: OpenSync) -> SyncStatus:
        """Announce a snapshot; the answer names the parts to send, or is a receipt already."""
        status = self._status("POST", _SYNCS, opening.sync_id, msgspec.json.encode(opening))
        # Each once: whoever names one a million times would have it sent so often.
        known = all(1 <= number <= opening.parts for number in status.missing)
        if not known or len(set(status.missing)) != len(status.missing):
            raise not_ours()
        return status

    def put_part(self, sync_id: str, number: int, body: bytes) -> SyncStatus:
        """Send one packed part, exactly as frozen."""
        headers = {"Content-Type": "application/zstd", "Content-Digest": parts.content_digest(body)}
        return self._status("PUT", f"{_SYNCS}/{_sync_path(sync_id)}/parts/{number:d}", sync_id, body, headers)

    def commit(self, sync_id: str) -> SyncStatus:
        """Have the snapshot applied; again, and the answer is the same."""
        return self._status("POST", f"{_SYNCS}/{_sync_path(sync_id)}/commit", sync_id)

    def withdraw(self, sync_id: str) -> SyncStatus:
        """Have a snapshot forgotten that will not be finished; one that was committed stays, and the status says so."""
        return self._status("DELETE", f"{_SYNCS}/{_sync_path(sync_id)}", sync_id)

    def status(self, sync_id: str) -> SyncStatus:
        """Ask where a sync stands."""
        return self._status("GET", f"{_SYNCS}/{_sync_path(sync_id)}", sync_id)

    def _status(
        self, method: str, path: str, sync_id: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> SyncStatus:
        status = read_answer(self._with_token(method, path, body, headers), SyncStatus)
        if status.sync_id != sync_id:
            raise not_ours()
        if status.format not in FORMATS:
            raise CloudRejected(ErrorCode.UNSUPPORTED_FORMAT)
        return status

    def _with_token(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """Send with the cached token; on the cloud's own 401 once more with a new one."""
        response = self._send(method, path, bearer=self.token(), body=body, headers=headers)
        if isinstance(_failure(response), NotAuthorized):
            credentials.forget_token(self._connection)
            response = self._send(method, path, bearer=self._new_token(), body=body, headers=headers)
        return response

    def _new_token(self) -> str:
        path = f"/app/installations/{self._installation_id()}/access_tokens"
        response = self._as_app("POST", path)
        token = read_answer(response, AccessToken)
        now = self._now()
        if not credentials.is_plausible(token, now):
            raise not_ours()
        credentials.keep_token(self._connection, token, now)
        return token.token

    def _as_app(self, method: str, path: str, body: Callable[[], bytes] = bytes) -> Answer:
        """Send with a JWT of the App key; where the App got another one meanwhile, once more with that."""

        def send() -> Answer:
            return self._send(method, path, bearer=self._app_jwt(), body=body())

        response = self._with_jwt(send)
        if isinstance(_failure(response), NotAuthorized) and credentials.renew_app_key(self._connection):
            response = self._with_jwt(send)
        return response

    def _with_jwt(self, send: Callable[[], Answer]) -> Answer:
        """Send with a JWT of ours; where the cloud finds it out of time, once more with the time of its answer."""
        response = send()
        if isinstance(_failure(response), ClockSkew):
            if self._is_corrected or not self._correct_clock(response):
                raise ClockSkew(self._ahead_of(response))
            response = send()
            if isinstance(_failure(response), ClockSkew):
                raise ClockSkew(self._ahead_of(response))
        return response

    def _correct_clock(self, response: Answer) -> bool:
        theirs = date_of(response)
        if theirs is None or abs(theirs - self._clock()) > LARGEST_CORRECTION:
            return False
        self._correction, self._is_corrected = theirs - self._clock(), True
        return True

    def _ahead_of(self, response: Answer) -> timedelta | None:
        theirs = date_of(response)
        return None if theirs is None else self._clock() - theirs

    def _now(self) -> datetime:
        return self._clock() + self._correction

    def _proof(self) -> str:
        """Return the JWT of the key that is about to become an App's; the server id stands for the App id."""
        pem = self._connection.pending_app_key
        if not pem:
            raise NotConnected
        key = signing.load_app_key(pem)
        return signing.app_jwt(str(self._connection.server.server_id), key=key, at=self._now())

    def _app_jwt(self) -> str:
        if self._connection.app_id is None or not self._connection.app_key:
            raise NotConnected
        key = signing.load_app_key(self._connection.app_key)
        return signing.app_jwt(self._connection.app_id, key=key, at=self._now())

    def _installation_id(self) -> int:
        if self._connection.installation_id is None:
            raise NotConnected
        return self._connection.installation_id

    def _send(
        self, method: str, path: str, *, bearer: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        sent = {"Authorization": f"Bearer {bearer}", "Accept": "application/json", **(headers or {})}
        if body and "Content-Type" not in sent:
            sent["Content-Type"] = "application/json"
        # Raised outside of the handler: what it caught stays out of the exception that travels on.
        try:
            return self._http.request(
                method, f"{self._connection.cloud_url}/api/v3{path}", data=body or None, headers=sent
            )
        except OutboundError as error:
            kind = Unavailable(error.kind)
        raise CloudUnavailable(kind)


def hurried_client(connection: Connection, adapter: Adapter | None, at: datetime) -> CloudClient:
    """Return a client for whoever waits before a page: each answer has eight seconds, and the clock stands still."""
    return CloudClient(connection, adapter=adapter, clock=lambda: at, read_timeout=PATIENCE_OF_A_PERSON)


def _failure(response: Answer) -> Exception | None:
    return failure_of(response) if response.status_code == HTTPStatus.UNAUTHORIZED else None


def _expect_nothing(response: Answer) -> None:
    if response.status_code != HTTPStatus.NO_CONTENT:
        raise failure_of(response) if response.status_code >= HTTPStatus.BAD_REQUEST else not_ours()


def _refuse_unknown_route(response: Answer) -> None:
    """:raises CloudRejected: the cloud is older than this route"""
    if response.status_code == HTTPStatus.NOT_FOUND and (problem := problem_of(response)) and not problem.code:
        raise CloudRejected(NOT_OFFERED)


def _sync_path(sync_id: str) -> str:
    return str(uuid.UUID(sync_id))
