"""A server on a real socket that answers each request with the next of the given bytes, whatever was asked."""

import socket
import threading
from collections import deque
from types import TracebackType
from typing import Self

HOLD = b""
"""Say nothing until the other side gives up."""

TLS_HANDSHAKE = b"\x16\x03"


class HostileCloud:
    """Listens on a free port of loopback; ``requests`` are the heads of what was asked, ``answers`` what comes next."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._is_over = threading.Event()
        self.answers: deque[bytes] = deque()
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def calls(self) -> list[str]:
        """What was asked for, as ``METHOD /path``."""
        return [head.rpartition(" HTTP/")[0] for head in (request.split("\r\n", 1)[0] for request in self.requests)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        while not self._is_over.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            self.requests.append(_read_request(connection))
            answer = self.answers.popleft()
            if answer == HOLD:
                connection.recv(1)
            else:
                connection.sendall(answer)
        except OSError:
            # The client hung up, which is what some of these tests want of it.
            return


def _read_request(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65_536)
        if not chunk:
            raise ConnectionError
        received += chunk
        if received.startswith(TLS_HANDSHAKE):
            return ""
    head, _, body = received.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    lengths = [line for line in text.split("\r\n") if line.lower().startswith("content-length:")]
    missing = int(lengths[0].partition(":")[2]) - len(body) if lengths else 0
    while missing > 0:
        chunk = connection.recv(65_536)
        if not chunk:
            raise ConnectionError
        missing -= len(chunk)
    return text
