"""A web server on this machine that misbehaves in every way that the outbound session must survive."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Misbehaving(BaseHTTPRequestHandler):
    """Each address is a way to answer; notes the headers it was sent, and from where."""

    server: LoopbackServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, {**self.headers, "X-Peer": str(self.client_address)}))
        getattr(self, f"answer_{self.path.strip('/')}")()

    def do_PUT(self) -> None:
        """Reads steadily, but not fast; says how much came."""
        read = 0
        length = int(self.headers["Content-Length"])
        while read < length and not self.server.is_over.wait(0.02):
            read += len(self.rfile.read1(min(512 * 1024, length - read)))
        self._answer(200, {}, str(read).encode())

    def answer_ok(self) -> None:
        self._answer(200, {"Set-Cookie": "session=1"}, b"fine")

    def answer_redirect(self) -> None:
        self._answer(302, {"Location": "/ok"}, b"elsewhere")

    def answer_big(self) -> None:
        self._answer(200, {}, b"x" * 5000)

    def answer_endless(self) -> None:
        self._begin({"Connection": "close"})
        for _each in range(100):
            self.wfile.write(b"x" * 100)

    def answer_drip(self) -> None:
        """Never pauses for as long as the read timeout, and never ends."""
        self._begin({"Connection": "close"})
        while not self.server.is_over.wait(0.05):
            self.wfile.write(b"x")

    def answer_drip_head(self) -> None:
        """The same before the headers are over."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.server.is_over.wait(0.05):
            self.wfile.write(b"x")

    def answer_slow(self) -> None:
        self.server.is_over.wait(10)

    def answer_cut(self) -> None:
        self._answer(200, {"Content-Length": "100", "Connection": "close"}, b"short")

    def answer_packed(self) -> None:
        self._answer(200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 100_000))

    def answer_chunked(self) -> None:
        self._begin({"Transfer-Encoding": "chunked"})
        self.wfile.write(b"5\r\nfine \r\n9\r\nby pieces\r\n0\r\n\r\n")

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._begin({"Content-Length": str(len(body)), **headers}, status)
        self.wfile.write(body)

    def _begin(self, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet: the tests say what they expect."""


class LoopbackServer(ThreadingHTTPServer):
    """Listens on a free port from `with` until the end of it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Misbehaving)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.is_over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> LoopbackServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.is_over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what most of these tests are about."""
