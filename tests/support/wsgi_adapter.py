"""The cloud in this process: an adapter for requests that hands each request to the project's own WSGI application."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from django.utils.http import http_date
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

WsgiApplication = Callable[[dict[str, Any], Any], Any]
Interruption = Callable[[PreparedRequest, Response], None]


_guard = threading.Lock()
_inside = 0


@contextmanager
def connections_stay_open() -> Iterator[None]:
    """Keep Django from closing the test's own database connection around a request, as its test client does."""
    global _inside
    with _guard:
        _inside += 1
        if _inside == 1:
            request_started.disconnect(close_old_connections)
            request_finished.disconnect(close_old_connections)
    try:
        yield
    finally:
        with _guard:
            _inside -= 1
            if _inside == 0:
                request_started.connect(close_old_connections)
                request_finished.connect(close_old_connections)


class WsgiAdapter(BaseAdapter):
    """Remembers what was sent. ``interrupt`` sees each answer before the client does, and may raise to lose it."""

    def __init__(self, application: WsgiApplication | None = None, interrupt: Interruption | None = None) -> None:
        super().__init__()
        self.sent: list[PreparedRequest] = []
        self._application = application or get_wsgi_application()
        self._interrupt = interrupt
        self._builder = HTTPAdapter()

    @property
    def calls(self) -> list[str]:
        """What was asked for, as ``METHOD /path``."""
        return [f"{request.method} {urlsplit(request.url or '').path}" for request in self.sent]

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # type: ignore[override]
        """Answer as the web server would, its Date header included."""
        self.sent.append(request)
        status = 500
        headers = HTTPHeaderDict({"Date": http_date(timezone.now().timestamp())})

        def start_response(line: str, fields: list[tuple[str, str]], *_: object) -> Any:
            nonlocal status
            status = int(line.split(" ", 1)[0])
            for name, value in fields:
                headers.add(name, value)

        with connections_stay_open():
            chunks = self._application(environ_of(request), start_response)
            try:
                body = b"".join(chunks)
            finally:
                chunks.close()
        raw = HTTPResponse(io.BytesIO(body), headers=headers, status=status, preload_content=False)
        response: Response = self._builder.build_response(request, raw)
        if self._interrupt is not None:
            self._interrupt(request, response)
        return response

    def close(self) -> None:
        """Nothing is open."""


def environ_of(request: PreparedRequest) -> dict[str, Any]:
    """The request as a web server hands it to an application (PEP 3333)."""
    parts = urlsplit(request.url or "")
    body = request.body or b""
    data = body if isinstance(body, bytes) else str(body).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = str(value)
    return environ
