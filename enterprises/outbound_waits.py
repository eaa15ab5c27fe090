"""How long the outbound session waits, where the library counts each byte anew or not at all."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Final

from urllib3.connection import HTTPConnection

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse

SEND_SECONDS: Final = 60.0
"""For one whole request; by itself the library has it sent within the time for connecting."""


class PunctualConnection(HTTPConnection):
    """Gives up on an answer whose head is not there within the read timeout, however steadily it drips."""

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(SEND_SECONDS)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as the library has it
        is_late = threading.Event()
        timer = threading.Timer(_seconds(self.timeout), _hang_up, (self.sock, is_late))
        timer.daemon = True
        timer.start()
        try:
            response = super().getresponse()
        except (OSError, HTTPException, ValueError):
            if is_late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
        if is_late.is_set():
            # Cut off in the middle of its headers it looks like one without the others.
            response.close()
            raise TimeoutError
        return response


def _seconds(timeout: object) -> float:
    if not isinstance(timeout, int | float):
        raise TypeError("every request has a read timeout")
    return timeout


def _hang_up(sock: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    # Where TLS goes through a proxy that speaks TLS itself, the socket is inside.
    with suppress(OSError):
        getattr(sock, "socket", sock).shutdown(socket.SHUT_RDWR)
