"""The web's worker: gunicorn keeps the process, waitress moves the bytes, so that no thread waits for a client.

Why: docs/adr/slow-clients-hold-no-thread.md.
"""

import os
import time
from types import FrameType
from typing import Any, Final

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

from config.request_heads import RequestParser

# More than the largest upload (enterprises.uploads), so that what is a little too large comes to a page that says so.
MAX_BODY_BYTES: Final = 640 * 1024 * 1024
MAX_HEAD_BYTES: Final = 64 * 1024
MAX_WAITING_ANSWER_BYTES: Final = 1024 * 1024 * 1024
# What all requests that are still arriving may lie on the disk with.
MAX_ARRIVING_BYTES: Final = 2 * 1024 * 1024 * 1024
# Each may need three open files, and 1024 are a usual limit.
MAX_CONNECTIONS: Final = 300
# On one connection, none of them answered. Browsers and our own client send one after the other, and each answer may
# wait in an open file.
MAX_QUEUED_REQUESTS: Final = 8
IN_MEMORY_BYTES: Final = 64 * 1024
IDLE_SECONDS: Final = 60
# A request comes in, and an answer goes out, within these seconds and one more for every KiB.
GRACE_SECONDS: Final = 20.0
BYTES_A_SECOND: Final = 1024
_TURN_SECONDS: Final = 1.0


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress publishes no types
    """One client, and since when it has been busy with one request or one answer."""

    parser_class = RequestParser
    _since = 0.0
    _answer_bytes = 0

    @property
    def is_served(self) -> bool:
        """A thread works for it, or has yet to."""
        return bool(self.requests)

    def received(self, data: bytes) -> bool:
        """Let go whoever sends requests without waiting for what was asked for before."""
        was_taken: bool = super().received(data)
        if len(self.requests) > MAX_QUEUED_REQUESTS:
            self.will_close = True
            with self.requests_lock:
                # A thread may be at the first.
                for request in self.requests[1:]:
                    request.close()
                del self.requests[1:]
        return was_taken

    @property
    def is_busy(self) -> bool:
        return self.is_served or self.total_outbufs_len > 0

    @property
    def arrived_bytes(self) -> int:
        """How much of an unfinished request is here."""
        return self.request.header_bytes_received + self.request.body_bytes_received if self.request else 0

    def is_late(self, now: float) -> bool:
        """Whether the client takes too long over its request or over our answer; asked at every turn."""
        if self.is_served or not (self.arrived_bytes or self.total_outbufs_len):
            self._since = 0.0
            return False
        if not self._since:
            self._since, self._answer_bytes = now, self.total_outbufs_len
        moved = self.arrived_bytes or self._answer_bytes - self.total_outbufs_len
        return now > self._since + GRACE_SECONDS + moved / BYTES_A_SECOND


class WholeRequestWorker(Worker):  # type: ignore[misc]  # gunicorn publishes no types
    """Threads are given whole requests, and answers go out behind their backs."""

    def run(self) -> None:
        self.sockets_map: dict[int, Any] = {}
        create_server(
            self.wsgi,
            map=self.sockets_map,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            ident=None,
            # Our own middleware judges X-Forwarded-*, from TRUSTED_PROXIES.
            clear_untrusted_proxy_headers=False,
            max_request_header_size=MAX_HEAD_BYTES,
            max_request_body_size=MAX_BODY_BYTES,
            inbuf_overflow=IN_MEMORY_BYTES,
            outbuf_overflow=IN_MEMORY_BYTES,
            outbuf_high_watermark=MAX_WAITING_ANSWER_BYTES,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=1,
            # It stops taking connections there; room is made long before.
            connection_limit=2 * MAX_CONNECTIONS,
            log_socket_errors=False,
        )
        for listener in self._listeners:
            listener.channel_class = Channel
        while self.alive and self.ppid == os.getppid():
            self._turn()
        self._finish()

    def handle_exit(self, signal_number: int, frame: FrameType | None) -> None:
        super().handle_exit(signal_number, frame)
        for listener in self._listeners:
            listener.pull_trigger()

    @property
    def _listeners(self) -> list[Any]:
        return [each for each in self.sockets_map.values() if isinstance(each, BaseWSGIServer)]

    @property
    def _channels(self) -> list[Channel]:
        return [each for each in self.sockets_map.values() if isinstance(each, Channel)]

    def _turn(self) -> None:
        self.notify()
        wasyncore.loop(timeout=_TURN_SECONDS, use_poll=True, map=self.sockets_map, count=1)
        channels = self._channels
        now = time.monotonic()
        for channel in channels:
            if channel.is_late(now):
                channel.will_close = True
        self._make_room(channels)

    def _make_room(self, channels: list[Channel]) -> None:
        """Where there are too many connections, the oldest that nobody works for ends; where too much, the largest."""
        waiting = [channel for channel in channels if not channel.is_busy]
        if len(channels) >= MAX_CONNECTIONS and waiting:
            min(waiting, key=lambda channel: channel.creation_time).will_close = True
        if sum(channel.arrived_bytes for channel in waiting) > MAX_ARRIVING_BYTES:
            max(waiting, key=lambda channel: channel.arrived_bytes).will_close = True

    def _finish(self) -> None:
        """Take nobody in any more, and let answers that are under way come to their end."""
        deadline = time.monotonic() + self.cfg.graceful_timeout - _TURN_SECONDS
        for listener in self._listeners:
            listener.accepting = False
            listener.socket.close()
        while any(channel.is_busy for channel in self._channels) and time.monotonic() < deadline:
            self._turn()
