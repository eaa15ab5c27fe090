"""The one way out over HTTP: every request to another machine goes through an Outbound session.

It follows no redirect, reads no `.netrc` and no proxy variables, keeps no cookies, waits for nothing longer than its
timeouts, reads no more than its limit, repeats nothing but a failed connect, and refuses to speak while a database
transaction is open (on SQLite the other side may be waiting for that very transaction). This machine's loopback
answers only at configured addresses, link-local and multicast addresses never: an address that somebody typed
must not reach the metadata service of a cloud provider or an unprotected service beside us.
"""

from __future__ import annotations

import enum
import ssl
import time
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.db import connections
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError
from urllib3.util.retry import Retry

from enterprises.outbound_peers import ForbiddenPeer, pool_classes, proxy_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import PreparedRequest, Response

# What other modules may name: the library itself stays in this one.
Adapter: TypeAlias = BaseAdapter
Answer: TypeAlias = requests.Response

MIB = 1024 * 1024
CHUNK = 64 * 1024
_MOST_DIGITS = 18
WEB_PORTS = {"http": 80, "https": 443}


class OutboundKind(enum.StrEnum):
    """Why no answer came back."""

    DNS = "dns"
    REFUSED = "refused"
    TLS = "tls"
    PROXY = "proxy"
    PROXY_AUTH = "proxy_auth"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    OTHER = "other"


SENTENCES = {
    OutboundKind.DNS: "The name {host} is not known.",
    OutboundKind.REFUSED: "{host} does not accept connections.",
    OutboundKind.TLS: "The certificate of {host} is not trusted, or no secure connection came about.",
    OutboundKind.PROXY: "The proxy did not connect us to {host}.",
    OutboundKind.PROXY_AUTH: "The proxy on the way to {host} does not accept our user and password.",
    OutboundKind.TIMEOUT: "{host} did not answer in time.",
    OutboundKind.TOO_LARGE: "The answer of {host} is larger than expected.",
    OutboundKind.OTHER: "The connection to {host} broke.",
}


class OutboundError(Exception):
    """No usable answer. It names the kind and the host, and holds neither request nor answer nor address."""

    def __init__(self, kind: OutboundKind | str, host: str = "", reason: str = "") -> None:
        self.kind = OutboundKind(kind)
        self.host = host
        # What OpenSSL says against a certificate; empty for every other kind.
        self.reason = reason
        super().__init__(self.sentence().format(host=host or "the other side"))

    def sentence(self) -> str:
        return SENTENCES[self.kind]


class AddressNotAllowed(OutboundError):
    """The address is not one that this machine may be sent to."""

    def __init__(self, host: str = "") -> None:
        super().__init__(OutboundKind.OTHER, host)

    def sentence(self) -> str:
        return "{host} is not an address that this console may contact; only CLOUD_URLS may name this machine itself."


class OpenTransaction(RuntimeError):
    """A programming error: somebody would wait for the network inside a database transaction."""

    def __init__(self, alias: str) -> None:
        super().__init__(f"A transaction is open on the database {alias!r} during an HTTP request.")


def assert_no_open_transaction() -> None:
    """Those of the test suite, which wrap a whole test, carry Django's own mark and do not count.

    :raises OpenTransaction: when one is open in this thread
    """
    for connection in connections.all(initialized_only=True):
        if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise OpenTransaction(connection.alias)


class PlainAdapter(HTTPAdapter):
    """Connects directly, checks whom it reached before it says a word, and repeats only the connecting."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._pool_classes = pool_classes(allow_loopback=allow_loopback)
        # `False` hands an error in the middle of an exchange on as it is: the caller decides about repeating.
        # A 429 or 503 with Retry-After is an answer too, and its wait is the caller's to keep.
        retry = Retry(
            total=2,
            connect=2,
            read=False,
            redirect=False,
            status=0,
            other=0,
            backoff_factor=0.2,
            respect_retry_after_header=False,
        )
        super().__init__(max_retries=retry)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes


class Outbound(requests.Session):
    """A requests session with the rules of this module; `adapter` replaces the network, for tests.

    With `origin` (scheme, host and port) it speaks to that place only. `max_bytes` limits each answer, `deadline`
    its reading in seconds. All methods raise OutboundError instead of the exceptions of requests.
    """

    def __init__(
        self,
        *,
        origin: str = "",
        adapter: BaseAdapter | None = None,
        connect_timeout: float = 5,
        read_timeout: float = 30,
        deadline: float = 120,
        max_bytes: int = 8 * MIB,
        allow_loopback: bool = False,
    ) -> None:
        super().__init__()
        self._origin = origin_of(origin) if origin else None
        self._timeout = (connect_timeout, read_timeout)
        self._deadline = deadline
        self._max_bytes = max_bytes
        # Of the last answer: as `ssl.SSLSocket.getpeercert` gives it, None over http.
        self.peer_certificate: dict[str, Any] | None = None
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.update({"User-Agent": "licensesync", "Accept-Encoding": "identity"})
        self._mount(adapter, allow_loopback=allow_loopback)

    def _mount(self, adapter: BaseAdapter | None, *, allow_loopback: bool) -> None:
        everywhere = adapter or PlainAdapter(allow_loopback=allow_loopback)
        for prefix in ("http://", "https://"):
            self.mount(prefix, everywhere)
        if adapter is None:
            configured = PlainAdapter(allow_loopback=True)
            for url in {settings.BASE_URL, *settings.CLOUD_URLS}:
                self.mount(f"{url.rstrip('/')}/", configured)

    def get_redirect_target(self, resp: Response) -> None:
        """None, always: a redirect is an answer like any other."""

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Send one request and read its whole answer.

        :raises OutboundError: no usable answer came back
        :raises OpenTransaction: the caller holds a database transaction
        """
        with self._answer(request, kwargs) as response:
            response._content = b"".join(iter(self._body(response).read, b""))
            response._content_consumed = True  # type: ignore[attr-defined]  # untyped
            return response

    @contextmanager
    def streaming(self, url: str, headers: dict[str, str]) -> Iterator[tuple[Response, Body]]:
        """GET an answer that is too long to hold: its head, and its body to be read piece by piece.

        :raises OutboundError: no usable answer came back
        :raises OpenTransaction: the caller holds a database transaction
        """
        request = self.prepare_request(requests.Request("GET", url, headers=headers))
        with self._answer(request, {}) as response:
            yield response, self._body(response)

    def _answer(self, request: PreparedRequest, kwargs: dict[str, Any]) -> Response:
        assert_no_open_transaction()
        host = self._checked_host(request.url or "")
        proxy = proxy_for(request.url or "")
        kwargs |= {
            "allow_redirects": False,
            "stream": True,
            "proxies": {"https": proxy} if proxy else {},
            "verify": settings.CA_BUNDLE or True,
            "timeout": kwargs.get("timeout") or self._timeout,
        }
        # Raised outside of the handler, so that the error drags no request along as its context.
        try:
            response = super().send(request, **kwargs)
        except (requests.RequestException, HTTPError, ForbiddenPeer) as error:
            failure = _failure(error, host)
        else:
            self.peer_certificate = getattr(getattr(response.raw, "connection", None), "peer_certificate", None)
            return response
        raise failure

    def _checked_host(self, url: str) -> str:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in WEB_PORTS or not host or "@" in parts.netloc:
            raise AddressNotAllowed(host)
        if self._origin is not None and origin_of(url) != self._origin:
            raise AddressNotAllowed(host)
        return host

    def _body(self, response: Response) -> Body:
        host = urlsplit(response.url).hostname or ""
        return Body(response, host, max_bytes=self._max_bytes, seconds=self._deadline)


class Body:
    """The bytes of an answer as they come in, within the limits of the session; `count` is how many came."""

    def __init__(self, response: Response, host: str, *, max_bytes: int, seconds: float) -> None:
        self._raw = response.raw
        self._host = host
        self._max_bytes = max_bytes
        self._until = time.monotonic() + seconds
        self.count = 0
        if response.headers.get("Content-Encoding", "identity") != "identity":
            # Not what we asked for; unpacking it would be a way around the limit.
            raise OutboundError(OutboundKind.OTHER, host)
        declared = response.headers.get("Content-Length", "")
        # Not every digit is one of a number, and no number is read that is longer than 4300 of them.
        if declared.isascii() and declared.isdigit() and (len(declared) > _MOST_DIGITS or int(declared) > max_bytes):
            raise OutboundError(OutboundKind.TOO_LARGE, host)

    def read(self, size: int = CHUNK, /) -> bytes:
        """What has arrived, at most `size` bytes; none at the end.

        :raises OutboundError: the answer broke off, is too large, or takes too long
        """
        # read1 hands over what has arrived; read would wait for a whole chunk, and a dripping answer never ends one.
        try:
            chunk: bytes = self._raw.read1(min(size, CHUNK))
        except (requests.RequestException, HTTPError) as error:
            failure = _failure(error, self._host)
        else:
            self.count += len(chunk)
            if self.count > self._max_bytes:
                raise OutboundError(OutboundKind.TOO_LARGE, self._host)
            if chunk and time.monotonic() > self._until:
                raise OutboundError(OutboundKind.TIMEOUT, self._host)
            return chunk
        raise failure


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address, the default port spelled out."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or WEB_PORTS.get(parts.scheme, 0)


def _failure(error: Exception, host: str) -> OutboundError:
    """What went wrong, from the most specific to the least."""
    causes = _causes(error)
    if any(isinstance(cause, ForbiddenPeer) for cause in causes):
        return AddressNotAllowed(host)
    kind = OutboundKind.OTHER
    if isinstance(error, requests.exceptions.ProxyError):
        # The status of the proxy's answer is in the text of an OSError only.
        is_unknown = any(
            isinstance(cause, OSError) and "Tunnel connection failed: 407" in str(cause) for cause in causes
        )
        kind = OutboundKind.PROXY_AUTH if is_unknown else OutboundKind.PROXY
    elif isinstance(error, requests.exceptions.SSLError):
        kind = OutboundKind.TLS
    elif isinstance(error, requests.Timeout) or any(
        isinstance(cause, TimeoutError | ReadTimeoutError) for cause in causes
    ):
        kind = OutboundKind.TIMEOUT
    elif any(isinstance(cause, NameResolutionError) for cause in causes):
        kind = OutboundKind.DNS
    elif any(isinstance(cause, NewConnectionError) for cause in causes):
        kind = OutboundKind.REFUSED
    refused = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    return OutboundError(kind, host, refused.verify_message if refused else "")


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it wraps, whichever way requests and urllib3 wrapped it."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            waiting += [getattr(cause, "reason", None), cause.__cause__, cause.__context__, *cause.args]
    return found
