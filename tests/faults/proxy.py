"""The network between a server and its cloud, which on command loses, doubles, delays or replaces what passes.

It stands at the cloud's address. A rule strikes the next requests of one method and path, of one caller if it is told
so: tests that use the same two installations side by side do not strike each other.
"""

import base64
import http.client
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from wire.parts import content_digest

SECONDS = 60
# Of one connection alone, or said anew here.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_TOKENS = re.compile(r"/app/installations/(\d+)/access_tokens$")


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass
class Rule:
    """What strikes, whom, and how often still; ``answers`` are those of the cloud, as it gave them."""

    fault: "Fault"
    method: str
    path: re.Pattern[str]
    caller: str
    left: int
    strikes: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    released: threading.Event = field(default_factory=threading.Event)
    answers: list[Answer] = field(default_factory=list)

    def matches(self, method: str, path: str, caller: str) -> bool:
        fits = self.method == method and self.path.search(path) and self.caller in {"", caller}
        return bool(fits and self.left)

    def wait(self) -> None:
        """Wait until it struck once more: what it loses is lost, what it holds is held."""
        assert self.strikes.acquire(timeout=SECONDS), f"{self.method} {self.path.pattern} never came"

    def end(self) -> None:
        """Strike no more, and let go of what is held."""
        self.left = 0
        self.released.set()


class Exchange:
    """One request on its way, in the hands of a fault."""

    def __init__(self, handler: "_Handler", rule: Rule) -> None:
        self.rule = rule
        self._handler = handler
        self._is_noted = False

    def meet(self) -> None:
        """Do to the request what the rule says."""
        try:
            self.rule.fault(self)
        finally:
            self._note()

    @property
    def body(self) -> bytes:
        """What the request carries."""
        return self._handler.body

    def change(self, body: bytes, *, names_it: bool = True) -> None:
        """Have the request carry something else; its digest ``names_it`` or stays what the server said."""
        self._handler.body = body
        if names_it and "Content-Digest" in self._handler.headers:
            self._handler.headers.replace_header("Content-Digest", content_digest(body))

    def forward(self) -> Answer:
        """Bring the request to the cloud, and its answer as far as here."""
        answer = self._handler.forward()
        self.rule.answers.append(answer)
        return answer

    def reply(self, answer: Answer, pause: float = 0) -> None:
        """Give an answer to the server, with ``pause`` seconds after each of its bytes."""
        self._handler.reply(answer, lambda: pause and self.rule.released.wait(pause))

    def wait(self) -> None:
        """Do nothing until the rule's end."""
        self._note()
        self.rule.released.wait(SECONDS)

    def _note(self) -> None:
        if not self._is_noted:
            self._is_noted = True
            self.rule.strikes.release()


Fault = Callable[[Exchange], None]


def drop(exchange: Exchange) -> None:
    """The request never arrives."""


def lose_answer(exchange: Exchange) -> None:
    """The cloud does what it is asked, and its answer never arrives."""
    exchange.forward()


def double(exchange: Exchange) -> None:
    """The same message arrives twice, at the same moment."""
    other = threading.Thread(target=exchange.forward, daemon=True)
    other.start()
    answer = exchange.forward()
    other.join(SECONDS)
    exchange.reply(answer)


def never(exchange: Exchange) -> None:
    """The connection stands, and nothing comes."""
    exchange.wait()


def hold(exchange: Exchange) -> None:
    """The request waits on its way, and goes on at the rule's end."""
    exchange.wait()
    exchange.reply(exchange.forward())


def hold_answer(exchange: Exchange) -> None:
    """The answer waits on its way, and goes on at the rule's end."""
    answer = exchange.forward()
    exchange.wait()
    exchange.reply(answer)


def byte_by_byte(pause: float) -> Fault:
    """The answer comes so slowly that every wait for the next byte is a short one."""
    return lambda exchange: exchange.reply(exchange.forward(), pause)


def says(status: int, body: str = "", content_type: str = "text/html", **headers: str) -> Fault:
    """Something else answers in place of the cloud."""
    named = [("Content-Type", content_type), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return lambda exchange: exchange.reply(Answer(status, named, body.encode()))


class FaultProxy(ThreadingHTTPServer):
    """Listens on a free port from ``serving`` on; ``seconds_off`` is what it adds to the Date of each answer."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, name: str = "127.0.0.1") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://{name}:{self.server_port}"
        self.upstream = 0
        self.seconds_off = 0.0
        self._guard = threading.Lock()
        self._rules: list[Rule] = []
        self._seen: list[tuple[str, str, str]] = []
        self._callers: dict[str, str] = {}

    @contextmanager
    def serving(self, upstream: int) -> Iterator["FaultProxy"]:
        """Pass on what comes to the port ``upstream`` of this machine."""
        self.upstream = upstream
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield self
        finally:
            self.calm()
            self.shutdown()
            self.server_close()

    def on(self, method: str, path: str, fault: Fault, *, times: int = 1, caller: object = "") -> Rule:
        """Strike the next ``times`` requests whose path has ``path``, a pattern, in it; older rules come first.

        ``caller`` is an installation's id, or during a handshake the server's.
        """
        rule = Rule(fault, method, re.compile(path), str(caller), times)
        with self._guard:
            self._rules.append(rule)
        return rule

    def calm(self) -> None:
        """End every rule."""
        for rule in self._rules:
            rule.end()

    def seen(self, caller: object) -> list[str]:
        """What a caller asked for, as ``METHOD /path``, in order."""
        with self._guard:
            return [f"{method} {path}" for who, method, path in self._seen if who == str(caller)]

    def struck(self, method: str, path: str, authorization: str) -> Rule | None:
        """Note a request, and return the rule that it falls under."""
        with self._guard:
            caller = self._caller(authorization)
            self._seen.append((caller, method, path))
            rule = next((rule for rule in self._rules if rule.matches(method, path, caller)), None)
            if rule is not None:
                rule.left -= 1
            return rule

    def learn(self, path: str, answer: Answer) -> None:
        """Remember whose token the cloud has just given out."""
        if (match := _TOKENS.search(path)) and answer.status == http.HTTPStatus.CREATED:
            with self._guard:
                self._callers[json.loads(answer.body)["token"]] = match[1]

    def _caller(self, authorization: str) -> str:
        credential = authorization.rpartition(" ")[2]
        if credential.count(".") != 2:
            return self._callers.get(credential, "")
        claims = credential.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up has said so on their own side; anything else is a defect of ours, and printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Reads one request, and hands it on or to its fault."""

    server: FaultProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        rule = self.server.struck(self.command, self.path.partition("?")[0], self.headers.get("Authorization", ""))
        if rule is None:
            self.reply(self.forward())
            return
        # What gets no answer in there gets none at all.
        self.close_connection = True
        Exchange(self, rule).meet()

    def forward(self) -> Answer:
        cloud = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        # The cloud's own name, also where the server came by another door.
        headers["Host"] = self.server.url.partition("//")[2]
        try:
            cloud.request(self.command, self.path, self.body or None, headers)
            came = cloud.getresponse()
            answer = Answer(came.status, came.getheaders(), came.read())
        except (OSError, http.client.HTTPException):
            return Answer(502, [("Content-Type", "text/html")], b"<h1>Bad Gateway</h1>")
        finally:
            cloud.close()
        self.server.learn(self.path, answer)
        return answer

    def reply(self, answer: Answer, after_each_byte: Callable[[], object] | None = None) -> None:
        lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}"]
        named = {name.lower() for name, _value in answer.headers}
        headers = [(name, value) for name, value in answer.headers if name.lower() not in _HOP_BY_HOP]
        if "date" not in named:
            headers.append(("Date", formatdate(usegmt=True)))
        headers = [(name, self._dated(value) if name.lower() == "date" else value) for name, value in headers]
        headers.append(("Connection", "close" if self.close_connection else "keep-alive"))
        if answer.status != http.HTTPStatus.NO_CONTENT:
            headers.append(("Content-Length", str(len(answer.body))))
        head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers)]) + "\r\n\r\n"
        whole = head.encode("latin-1") + answer.body
        if after_each_byte is None:
            self.wfile.write(whole)
            return
        for byte in whole:
            self.wfile.write(bytes([byte]))
            after_each_byte()

    def _dated(self, date: str) -> str:
        return formatdate(parsedate_to_datetime(date).timestamp() + self.server.seconds_off, usegmt=True)
