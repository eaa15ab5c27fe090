"""A stand-in of GitHub Enterprise Server: the two addresses that a console reads, as GHES documents them.

It is stateful: the first call for the report begins to make it and answers 202, a later one answers 200 with the list
as it was when it was made. `behave` makes it go wrong. As a program it can be told over HTTP as well:

    python -m tests.support.ghes --port 8103 --accounts 40
    curl -X PUT -d '{"trouble": "cut"}' http://127.0.0.1:8103/behave
"""

from __future__ import annotations

import argparse
import base64
import json
import ssl
import sys
import threading
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tests.support.ghes_behavior import LICENSE, REPORT, TOKEN, TROUBLES, USER, Behavior

SIGN_IN: Final = b"<!DOCTYPE html>\n<html><head><title>Sign in to your account</title></head><body></body></html>\n"


class Answering(BaseHTTPRequestHandler):
    """The two addresses, and everything else as GHES answers strangers."""

    server: Ghes
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        path, now = self.path.partition("?")[0], self.server.now
        if now.trouble == "silent":
            self.server.is_over.wait(30)
            self.close_connection = True
            return
        if path == REPORT:
            self._report(now)
        elif path == "/stafftools/reports/made/all_users.csv":
            self._send(200, now.list_of_accounts(), "text/csv")
        elif path == LICENSE:
            self._license(now)
        else:
            self._problem(404, "Not Found")

    def do_PUT(self) -> None:
        """Change the behavior, when it runs as a program: JSON of the fields to change."""
        changes = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        if self.path != "/behave" or not self.server.is_program:
            self._problem(404, "Not Found")
            return
        try:
            self.server.behave(**changes)
        except (TypeError, ValueError) as error:
            self._problem(422, str(error))
        else:
            self._send(200, b"{}\n", "application/json")

    def _report(self, now: Behavior) -> None:
        if (status := self._refusal(now)) is not None:
            # The pages of site administrators answer a browser: to its sign-in page.
            if status == 401 and now.trouble == "login_page":
                self._send(200, SIGN_IN, "text/html; charset=utf-8")
            elif status == 401 and now.trouble == "login_redirect":
                self._send(302, b"", "text/html", {"Location": f"{self.server.url}/login?return_to={REPORT}"})
            else:
                self._send(status, b"" if status == 401 else SIGN_IN, "text/html")
            return
        if self._general_trouble(now):
            return
        made = self.server.make_report()
        if made is None or now.trouble == "never_ready":
            self._send(202, b"", "text/html", self._retry_after(now))
            return
        body, made_at = made
        headers = {} if made_at is None else {"Last-Modified": format_datetime(made_at, usegmt=True)}
        self._list(now, body, headers)

    def _refusal(self, now: Behavior) -> int | None:
        if now.trouble in {"login_page", "login_redirect"}:
            return 401
        if now.trouble == "not_allowed":
            return 404
        basic = base64.b64encode(f"{now.user}:{now.token}".encode()).decode()
        known = {f"Basic {basic}", f"Bearer {now.token}", f"token {now.token}"}
        return None if self.headers.get("Authorization", "") in known else 401

    def _general_trouble(self, now: Behavior) -> bool:
        """Whether the answer is something that has nothing to do with a report."""
        match now.trouble:
            case "elsewhere":
                self._send(302, b"", "text/html", {"Location": now.location})
            case "same_host_redirect":
                self._send(302, b"", "text/html", {"Location": "/stafftools/reports/made/all_users.csv"})
            case "rate_limited":
                self._problem(429, "API rate limit exceeded", self._retry_after(now))
            case "server_error":
                self._send(502, SIGN_IN, "text/html")
            case _:
                return False
        return True

    def _list(self, now: Behavior, body: bytes, headers: dict[str, str]) -> None:
        match now.trouble:
            case "wrong_columns":
                body = body.replace(b",email,", b",mail,", 1)
            case "bad_line":
                lines = body.splitlines(keepends=True)
                body = b"".join([*lines[:2], lines[2].replace(b",false,", b",perhaps,", 1), *lines[3:]])
            case "empty":
                body = b""
            case "cut_last_line":
                body = body[:-12]
            case "cut" | "cut_chunked" | "drip" | "huge":
                self._badly(now, body, headers)
                return
        if now.chunked:
            self._begin(200, "text/csv", {**headers, "Transfer-Encoding": "chunked"})
            self._chunk(body)
            self.wfile.write(b"0\r\n\r\n")
        else:
            self._send(200, body, "text/csv", headers)

    def _badly(self, now: Behavior, body: bytes, headers: dict[str, str]) -> None:
        """A list that begins well; the last newline makes half of it look like a whole one."""
        self.close_connection = True
        half = body[: body.rindex(b"\n", 0, len(body) * 2 // 3) + 1]
        match now.trouble:
            case "cut":
                self._begin(200, "text/csv", {**headers, "Content-Length": str(len(body))})
                self.wfile.write(half)
            case "cut_chunked":
                self._begin(200, "text/csv", {**headers, "Transfer-Encoding": "chunked"})
                self._chunk(half)
            case "huge":
                self._begin(200, "text/csv", {**headers, "Content-Length": str(10**12)})
            case _:
                self._begin(200, "text/csv", {**headers, "Content-Length": str(10**6)})
                while not self.server.is_over.wait(0.05):
                    self.wfile.write(b"x")

    def _license(self, now: Behavior) -> None:
        if self._refusal(now) is not None:
            self._problem(401, "Bad credentials")
            return
        if now.trouble == "no_license_api":
            self._problem(404, "Not Found")
            return
        if self._general_trouble(now):
            return
        used = now.accounts - now.suspended
        left: int | str = now.seats if isinstance(now.seats, str) else now.seats - used
        license_: dict[str, Any] = {
            "seats": "many" if now.trouble == "bad_license" else now.seats,
            "seats_used": used,
            "seats_available": left,
            "kind": now.kind,
            "days_until_expiration": 371,
            "expire_at": now.expire_at,
        }
        self._send(200, json.dumps(license_).encode(), "application/json; charset=utf-8")

    def _retry_after(self, now: Behavior) -> dict[str, str]:
        return {} if now.retry_after is None else {"Retry-After": str(now.retry_after)}

    def _problem(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        self._send(status, json.dumps(body).encode(), "application/json; charset=utf-8", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self._begin(status, kind, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _begin(self, status: int, kind: str, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.server.ahead, usegmt=True))
        self.send_header("Server", "GitHub.com")
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


class Ghes(ThreadingHTTPServer):
    """Listens on this machine from `with` until the end of it; with a TLS context it speaks https.

    ``seen`` holds path and headers of every request, ``ahead`` is how far its clock is.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        port: int = 0,
        *,
        context: ssl.SSLContext | None = None,
        ahead: timedelta = timedelta(),
        is_program: bool = False,
        **behavior: Any,
    ) -> None:
        super().__init__(("127.0.0.1", port), Answering)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_port}"
        self.now = Behavior()
        self.ahead = ahead
        self.is_program = is_program
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.is_over = threading.Event()
        self._lock = threading.Lock()
        self._unready = 0
        self._made: tuple[bytes, datetime | None] | None = None
        self.behave(**behavior)

    def behave(self, **changes: Any) -> None:
        """Change what it does, and have the next call begin a new report.

        :raises ValueError: there is no such field or trouble
        """
        known = {each.name for each in fields(Behavior)}
        if unknown := set(changes) - known:
            raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
        if isinstance(changes.get("report"), str):
            changes["report"] = changes["report"].encode()
        if changes.get("trouble", "") not in TROUBLES:
            raise ValueError(f"no such trouble: one of {', '.join(TROUBLES[1:])}")
        with self._lock:
            self.now = replace(self.now, **changes)
            self._made = None

    def make_report(self) -> tuple[bytes, datetime | None] | None:
        """The list and when it was made, once it is ready; a first call begins to make it. It is handed out once."""
        with self._lock:
            if self._made is None:
                ago = self.now.made_ago
                made_at = None if ago is None else datetime.now(UTC) + self.ahead - timedelta(days=ago)
                self._made = (self.now.list_of_accounts(), made_at)
                self._unready = self.now.unready
            if self._unready > 0:
                self._unready -= 1
                return None
            made, self._made = self._made, None
            return made

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _headers in self.seen]

    def __enter__(self) -> Ghes:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.is_over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what many tests are about."""


def main(arguments: list[str]) -> None:
    """Serve until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.ghes", description=__doc__)
    parser.add_argument("--port", type=int, default=8103)
    parser.add_argument("--accounts", type=int, default=3)
    parser.add_argument("--trouble", choices=TROUBLES, default="")
    options = parser.parse_args(arguments)
    server = Ghes(options.port, is_program=True, accounts=options.accounts, trouble=options.trouble)
    sys.stdout.write(f"GHES stands in at {server.url}: user {USER}, token {TOKEN}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
