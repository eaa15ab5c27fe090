"""Clients that dawdle hold no thread of the real web: honest requests beside them are answered at once."""

import contextlib
import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.support.console import ROOT, Console, wait_until
from tests.support.slow_clients import SlowClient, holding

EACH = 8
CROWD = 450
BOUND_SECONDS = 1.0
LONG_BYTES = 12 * 1024 * 1024
MOST_GROWTH_KIB = 48 * 1024
# The web as it is, but for how long it is patient.
IMPATIENT = """
import sys
from gunicorn.app.wsgiapp import run
from config import web_worker
web_worker.IDLE_SECONDS = web_worker.GRACE_SECONDS = 3
sys.argv = ["gunicorn", *sys.argv[1:]]
run()
"""
HEAD = b"POST /account/sign-in HTTP/1.1\r\nHost: localhost\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\n"
LONG = b"GET /static/long.bin HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One web with nothing behind it: what is asked here needs no database."""
    console = Console(tmp_path_factory.mktemp("slow"))
    static = console.folder / "data" / "static"
    static.mkdir(parents=True)
    with (static / "long.bin").open("wb") as file:
        file.truncate(LONG_BYTES)
    environment = {**console.environment, "REDIS_URL": os.environ["LICENSESYNC_TEST_VALKEY"] + "?db=15"}
    bind = f"127.0.0.1:{console.port}"
    command = [sys.executable, "-c", IMPATIENT, "--config", "python:config.gunicorn", "--bind", bind, "config.wsgi"]
    with (console.folder / "up.log").open("w") as log:
        console.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True
        )
    try:
        assert wait_until(lambda: console.get("/healthz")[0] == 200 or console.has_ended), console.log
        yield console
    finally:
        if not console.has_ended:
            console.stop()


def ask(port: int, method: str, path: str, body: bytes = b"") -> int:
    """The status of an honest request, on a connection of its own and in time."""
    begun = time.monotonic()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request(method, path, body)
        answer = line.getresponse()
        answer.read()
    finally:
        line.close()
    assert time.monotonic() - begun < BOUND_SECONDS, (method, path)
    return answer.status


def assert_honest_requests_pass(port: int) -> None:
    for _each in range(5):
        assert ask(port, "GET", "/healthz") == 200
        assert ask(port, "POST", "/api/v3/enterprise-installation/license-syncs", b"x" * 100_000) == 401


def heard_until_the_end(line: socket.socket, most: int) -> bool:
    """Whether the web ends the connection before it has sent that much."""
    line.settimeout(30)
    heard = 0
    while heard < most:
        try:
            piece = line.recv(1 << 20)
        except ConnectionError:
            return True
        if not piece:
            return True
        heard += len(piece)
    return False


def whole(line: socket.socket) -> bytes:
    """What is left to hear before the web ends the connection."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(1 << 16):
            heard += piece
    return heard


def heaviest_kib(console: Console) -> int:
    """Resident memory of the larger of the two processes, arbiter and worker."""
    assert console.process is not None
    processes = [console.process.pid, *console.family()]
    command = ["ps", "-o", "rss=", "-p", ",".join(map(str, processes))]
    return max(map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))


def test_who_dawdles_holds_up_nobody(web: Console) -> None:
    assert_honest_requests_pass(web.port)
    before = heaviest_kib(web)
    silent, lingering = ([SlowClient(says) for _each in range(EACH)] for says in (b"", CLOSE))
    heads = [SlowClient(HEAD, drip=b"X-Slow: yes\r\n") for _each in range(EACH)]
    bodies = [SlowClient(HEAD + FORM, drip=b"login=x&") for _each in range(EACH)]
    readers = [SlowClient(LONG) for _each in range(EACH)]
    slow = [*silent, *lingering, *heads, *bodies, *readers]

    with holding(web.port, slow):
        assert wait_until(lambda: all(client.heard for client in [*readers, *lingering]))
        assert_honest_requests_pass(web.port)
        assert heaviest_kib(web) - before < MOST_GROWTH_KIB
        assert not any(client.is_closed for client in [*heads, *bodies, *readers])

        # Nor does anybody dawdle for ever. (Readers find what is left in their own buffers, so they are not asked.)
        assert wait_until(lambda: all(client.is_closed for client in [*silent, *heads, *bodies]), 30)

    assert_honest_requests_pass(web.port)


def test_crowd_makes_room(web: Console) -> None:
    """More connections than there is room for, none of which says anything whole."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    crowd = []
    try:
        for _each in range(CROWD):
            line = socket.create_connection(("127.0.0.1", web.port))
            crowd.append(line)
            line.sendall(HEAD)
        assert_honest_requests_pass(web.port)
    finally:
        for line in crowd:
            line.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_asks_for_everything_at_once_is_let_go(web: Console) -> None:
    """Each answer would wait in an open file, of which a process has no more than a thousand."""
    with contextlib.ExitStack() as lines:
        greedy = [lines.enter_context(socket.create_connection(("127.0.0.1", web.port))) for _each in range(EACH)]
        for line in greedy:
            line.sendall(LONG * 150)
        assert_honest_requests_pass(web.port)

        for line in greedy:
            assert heard_until_the_end(line, most=5 * LONG_BYTES)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz?" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"431"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (HEAD + b"Content-Length: 900000000\r\n\r\n", b"413"),
    ],
    ids=["address", "head", "body"],
)
def test_what_is_too_large_is_refused_at_once(head: bytes, status: bytes, web: Console) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=BOUND_SECONDS) as line:
        line.sendall(head)

        assert line.recv(100).split()[1] == status


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD + b"X-Blank: " + b" " * 60_000 + b"x\r\n\r\n", b"400"),
        (b"GET a://" + b"1" * 60_000 + b" x\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
    ],
    ids=["blanks", "digits", "smuggled"],
)
def test_unsound_head_ends_its_connection_and_holds_up_nobody(head: bytes, status: bytes, web: Console) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=BOUND_SECONDS) as line:
        line.sendall(head + CLOSE)
        assert_honest_requests_pass(web.port)

        assert line.recv(12).split()[1] == status
        assert b"HTTP/1" not in whole(line)


def test_answer_under_way_is_finished_before_the_web_stops(web: Console) -> None:
    """The last one here: it stops the web."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as line:
        line.sendall(LONG)
        heard = line.recv(1000)
        assert web.process is not None
        web.process.send_signal(signal.SIGTERM)
        received = len(heard)
        while piece := line.recv(1 << 16):
            received += len(piece)

    assert heard.startswith(b"HTTP/1.1 200")
    assert received > LONG_BYTES
    assert web.process.wait(timeout=30) == 0
    assert "Traceback" not in web.log
