"""The console in a thread of this process: real sockets, and the database connection of the test itself.

So one process is a server, a cloud, and whoever looks at their pages; while one of them waits for an answer, no other
uses the connection.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import time_machine
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test.testcases import QuietWSGIRequestHandler
from django.utils import timezone

from tests.support.wsgi_adapter import connections_stay_open


class _Server(ThreadedWSGIServer):
    """Leaves the connection to the test, which goes on with it."""

    def _close_connections(self) -> None:
        """Nothing."""


class Console:
    """Answers at ``url``; ``cloud_is_ahead`` is how far the clock of the cloud is off."""

    def __init__(self) -> None:
        self.cloud_is_ahead = timedelta()
        self._pages = StaticFilesHandler(get_wsgi_application())
        self.database = connections["default"]
        self._server = _Server(
            ("127.0.0.1", 0), QuietWSGIRequestHandler, connections_override={"default": self.database}
        )
        self._server.set_app(self._answer)
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def serving(self) -> Iterator["Console"]:
        self.database.inc_thread_sharing()
        with connections_stay_open():
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
            try:
                yield self
            finally:
                self._server.shutdown()
                self._server.server_close()
                self.database.dec_thread_sharing()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The whole answer at once: whoever gets its first byte has the connection to himself."""
        with self._time_of(environ["PATH_INFO"]):
            chunks: Any = self._pages(environ, start_response)
            try:
                return [b"".join(chunks)]
            finally:
                chunks.close()

    def _time_of(self, path: str) -> Any:
        """The clock of the cloud for what the cloud alone answers; whoever asked it waits meanwhile."""
        is_off = self.cloud_is_ahead and path.startswith("/api/v3/")
        return time_machine.travel(timezone.now() + self.cloud_is_ahead) if is_off else nullcontext()
