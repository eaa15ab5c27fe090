"""Clients that take their time: each holds a connection open and moves a byte now and then until it is stopped."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

PAUSE_SECONDS = 0.05
_SMALL_WINDOW = 4096


@dataclass
class SlowClient:
    """First ``says`` something; then sends its ``drip`` byte by byte, or, without one, reads byte by byte."""

    says: bytes
    drip: bytes = b""
    heard: bytearray = field(default_factory=bytearray)
    is_closed: bool = False


@contextlib.contextmanager
def holding(port: int, clients: list[SlowClient]) -> Iterator[None]:
    """Keep all of them at it, in one thread."""
    with contextlib.ExitStack() as sockets:
        lines = [(client, sockets.enter_context(_connect(port, client))) for client in clients]
        done = threading.Event()
        thread = threading.Thread(target=_go_on, args=(lines, done))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def _connect(port: int, client: SlowClient) -> socket.socket:
    line = socket.socket()
    # Before it connects: the window is agreed on then.
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_WINDOW)
    line.connect(("127.0.0.1", port))
    line.sendall(client.says)
    line.setblocking(False)
    return line


def _go_on(lines: list[tuple[SlowClient, socket.socket]], done: threading.Event) -> None:
    turn = 0
    while not done.wait(PAUSE_SECONDS):
        for client, line in lines:
            if not client.is_closed:
                _move(client, line, turn)
        turn += 1


def _move(client: SlowClient, line: socket.socket, turn: int) -> None:
    try:
        if client.drip:
            line.send(client.drip[turn % len(client.drip) :][:1])
        with selectors.DefaultSelector() as selector:
            selector.register(line, selectors.EVENT_READ)
            if selector.select(0):
                heard = line.recv(1)
                client.heard += heard
                client.is_closed = not heard
    except BlockingIOError:
        pass
    except OSError:
        client.is_closed = True
