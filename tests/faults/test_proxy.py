"""The faults of the network are what they say, for whom they are meant, and pass by when they are over."""

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.faults.proxy import FaultProxy, byte_by_byte, double, drop, hold, lose_answer, never, says

RIGHT = "Tue, 24 Nov 2026 14:00:00 GMT"


class Cloud(ThreadingHTTPServer):
    """Answers everything, and remembers it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[tuple[str, str, str]] = []


class Answering(BaseHTTPRequestHandler):
    """Says what it was sent, or gives out a token."""

    server: Cloud
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Host"], body.decode()))
        if self.path.endswith("/access_tokens"):
            body = json.dumps({"token": f"token-of-{self.path.split('/')[-2]}"}).encode()
        self.send_response_only(201)
        for name, value in {"Date": RIGHT, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        threading.Thread(target=cloud.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield cloud
        cloud.shutdown()


@pytest.fixture
def proxy(cloud: Cloud) -> Iterator[FaultProxy]:
    with FaultProxy().serving(cloud.server_port) as proxy:
        yield proxy


def ask(proxy: FaultProxy, path: str = "/open", token: str = "none", timeout: float = 10) -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=timeout)
    try:
        connection.request("POST", path, b"hello", {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers["Date"]
    finally:
        connection.close()


def test_passes_on_what_no_rule_names(proxy: FaultProxy, cloud: Cloud) -> None:
    proxy.on("PUT", "/open", drop)

    assert ask(proxy) == (201, b"hello", RIGHT)
    assert cloud.asked == [("/open", proxy.url.removeprefix("http://"), "hello")]


@pytest.mark.parametrize(("fault", "arrived"), [(drop, 0), (lose_answer, 1)])
def test_loses_the_request_or_its_answer_once(proxy: FaultProxy, cloud: Cloud, fault: Any, arrived: int) -> None:
    rule = proxy.on("POST", "/open$", fault)

    with pytest.raises(http.client.RemoteDisconnected):
        ask(proxy)

    rule.wait()
    assert (len(cloud.asked), len(rule.answers)) == (arrived, arrived)
    assert ask(proxy)[0] == 201


def test_brings_a_message_twice(proxy: FaultProxy, cloud: Cloud) -> None:
    rule = proxy.on("POST", "/open", double)

    assert ask(proxy)[1] == b"hello"

    assert len(cloud.asked) == 2
    assert [answer.status for answer in rule.answers] == [201, 201]


def test_answers_in_the_place_of_the_cloud(proxy: FaultProxy, cloud: Cloud) -> None:
    proxy.on("POST", "/open", says(429, "slowly", Retry_After="7"))

    assert ask(proxy)[:2] == (429, b"slowly")
    assert cloud.asked == []


def test_keeps_a_request_back_until_told(proxy: FaultProxy, cloud: Cloud) -> None:
    rule = proxy.on("POST", "/open", hold)
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(ask(proxy)[0]))
    asking.start()
    rule.wait()
    assert cloud.asked == []

    rule.end()

    asking.join(10)
    assert answers == [201]


def test_says_nothing_for_as_long_as_anybody_waits(proxy: FaultProxy) -> None:
    proxy.on("POST", "/open", never)

    with pytest.raises(TimeoutError):
        ask(proxy, timeout=0.2)


def test_gives_an_answer_byte_by_byte(proxy: FaultProxy) -> None:
    proxy.on("POST", "/open", byte_by_byte(0.0001))

    assert ask(proxy)[:2] == (201, b"hello")


def test_knows_its_callers_by_their_jwt_and_by_the_token_they_were_given(proxy: FaultProxy) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"iss": "8"}).encode()).decode().rstrip("=")
    ask(proxy, "/api/v3/app/installations/7/access_tokens", f"head.{claims}.signature")
    proxy.on("POST", "/open", says(500), caller=7)

    assert ask(proxy, token="another")[0] == 201
    assert ask(proxy, token="token-of-7")[0] == 500
    assert proxy.seen(8) == ["POST /api/v3/app/installations/7/access_tokens"]
    assert proxy.seen(7) == ["POST /open"]


def test_moves_the_date(proxy: FaultProxy) -> None:
    proxy.seconds_off = 600

    assert ask(proxy)[2] == "Tue, 24 Nov 2026 14:10:00 GMT"
