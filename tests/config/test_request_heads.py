"""Heads that cost much to read, or that a proxy may read otherwise, and heads that people really send."""

import time
from types import SimpleNamespace

import pytest

from config.request_heads import RequestParser
from config.web_worker import IN_MEMORY_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES

FIRST = b"POST /account/sign-in HTTP/1.1\r\nHost: localhost\r\n"
NEXT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG = MAX_HEAD_BYTES - 1000
LIMITS = SimpleNamespace(
    url_scheme="http",
    inbuf_overflow=IN_MEMORY_BYTES,
    max_request_header_size=MAX_HEAD_BYTES,
    max_request_body_size=MAX_BODY_BYTES,
)


def parsed(request: bytes) -> tuple[RequestParser, int]:
    """What became of the request, and how many of the bytes are taken for it."""
    parser = RequestParser(LIMITS)
    return parser, parser.received(request)


@pytest.mark.parametrize(
    "head",
    [
        FIRST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        FIRST + b"Content-Length: 5\r\nTRANSFER-ENCODING: chunked\r\n\r\n",
        FIRST.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
        FIRST + b"Transfer-Encoding: chunked\r\n\r\n",
        FIRST + b"Transfer-Encoding: ,\r\n\r\n",
        FIRST + b"Transfer-Encoding: xchunked\r\n\r\n",
        FIRST + b"Transfer-Encoding : chunked\r\n\r\n",
    ],
)
def test_body_of_no_stated_length_is_refused(head: bytes) -> None:
    parser, taken = parsed(head + b"0\r\n\r\n" + NEXT)

    assert (parser.error.code, parser.completed, taken) == (411, True, len(head))


@pytest.mark.parametrize(
    "head",
    [
        FIRST + b"Transfer-Encoding:\r\n chunked\r\n\r\n",
        FIRST + b"X-Folded: a\r\n\tb\r\n\r\n",
        FIRST + b"X-Long: " + b" " * 30_000 + b"x\r\n\r\n",
        FIRST + b"X-Control: a\x00b\r\n\r\n",
        FIRST + b"Content-Length: 1\r\nContent-Length: 0\r\n\r\n",
        FIRST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"GET http://[/ HTTP/1.1\r\n\r\n",
        b"GET a://" + b"1" * 30_000 + b" x\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"get /healthz HTTP/1.1\r\n\r\n",
    ],
)
def test_unsound_head_is_refused_at_once(head: bytes) -> None:
    begun = time.process_time()
    parser, _taken = parsed(head + NEXT)

    assert (parser.error.code, parser.completed) == (400, True)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "head",
    [
        FIRST + (b"X:" + b" " * 15 + b"x\r\n") * (LONG // 20) + b"\r\n",
        FIRST + b"X-Words: " + b"x " * (LONG // 2) + b"\r\n\r\n",
        FIRST + b"X:x\r\n" * (LONG // 5) + b"\r\n",
        b"GET a://" + b"1" * LONG + b" HTTP/1.1\r\n\r\n",
        b"GET " + b"a://" * (LONG // 4) + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["blanks", "words", "fields", "digits", "schemes"],
)
def test_largest_heads_are_read_at_once(head: bytes) -> None:
    begun = time.process_time()
    parser, taken = parsed(head + NEXT)

    assert (parser.error, taken) == (None, len(head))
    assert time.process_time() - begun < 1


def test_usual_requests_are_read() -> None:
    body = b"login=a"
    parser, _taken = parsed(FIRST + b"X-Empty:\r\nContent-Length: 7\r\nX-Latin: \xe9t\xe9\r\n\r\n")
    assert parser.error is None
    assert not parser.completed

    assert parser.received(body + NEXT) == len(body)
    assert (parser.completed, parser.path, parser.headers["CONTENT_LENGTH"]) == (True, "/account/sign-in", "7")
    assert parsed(b"GET http://localhost/x?y=%2f HTTP/1.0\r\n\r\n")[0].path == "/x"
