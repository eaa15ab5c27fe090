"""A usage file is read as its server wrote it; whatever else comes has an exception of its own."""

import base64
import gzip
import io
import json
import zipfile
from typing import Any

import msgspec
import pytest

from tests.support.usage_files import FileServer, lines_for, raw_file
from wire import signing, usage_reading
from wire.lines import MAX_ADDRESSES, make_line
from wire.parts import MAX_PART_BYTES
from wire.usage import UsageHeader
from wire.usage_reading import UsageFileInvalid, read_head, read_pieces

LINES = lines_for([(1, "mona@octo.example"), (2, "hubot@octo.example"), (7, None)])
SERVER = FileServer()
WHOLE = SERVER.file(LINES)
HEAD, *REST = WHOLE.splitlines(keepends=True)


def read(data: bytes) -> list[bytes]:
    stream = io.BytesIO(data)
    head = read_head(stream)
    return [piece.data for piece in read_pieces(stream, head.header)]


def why(data: bytes) -> str:
    with pytest.raises(UsageFileInvalid) as caught:
        read(data)
    return type(caught.value).__name__


def packed(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("usage.json", data)
    return target.getvalue()


def test_file_is_read_as_it_was_written() -> None:
    assert b"".join(read(WHOLE)) == b"".join(line + b"\n" for line in LINES)
    assert json.loads(WHOLE)["header"]["accounts"] == 3


def test_file_of_nobody_is_read() -> None:
    assert read(SERVER.file([])) == []


def test_pieces_hold_what_a_part_may_hold() -> None:
    most = make_line(1, None, [f"{number:03}{'x' * 300}@octo.example" for number in range(MAX_ADDRESSES)])
    lines = [most.replace(b'"user_id":1,', b'"user_id":%d,' % number) for number in range(1, 601)]

    pieces = read(SERVER.file(lines))

    assert len(pieces) > 1
    assert all(len(piece) < MAX_PART_BYTES for piece in pieces)


BENT: dict[str, tuple[str, bytes]] = {
    "nothing": ("Empty", b""),
    "blanks": ("Empty", b" \n"),
    "text": ("NotJson", b"id,login\n1,mona\n"),
    "picture": ("NotJson", b"\x89PNG\r\n\x1a\n"),
    "half json": ("NotJson", b'{"a": [1, 2'),
    "nul": ("NotJson", b"\0" * 100),
    "utf-8 that is none": ("NotJson", b"\xc3\x28" * 50),
    "other json": ("OtherShape", b'{"a": 1}'),
    "list": ("OtherShape", b"[1, 2, 3]\n"),
    "members": ("NotJson", b'{"id": 1, "login": "mona"}\n{"id": 2, "login": "hubot"}\n'),
    "receipt": ("OtherShape", b'{"format": 1, "account": {}, "receipt": {}, "jws": "", "keys": []}'),
    "zip": ("ZipFile", packed(WHOLE)),
    "gzip": ("ZipFile", gzip.compress(WHOLE)),
    "export of GHES": ("GhesExport", b'{"server_id": "x", "host_name": "ghes.octo.example", "data": "wcB"}'),
    "pgp": ("GhesExport", b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n"),
    "pgp in binary": ("GhesExport", b"\x85\x01\x0c\x03" + b"x" * 50),
    "mark": ("Rewritten", b"\xef\xbb\xbf" + WHOLE),
    "line ends": ("Rewritten", WHOLE.replace(b"\n", b"\r\n")),
    "line ends of the accounts": ("Rewritten", HEAD + b"".join(REST).replace(b"\n", b"\r\n")),
    "in one line": ("Rewritten", json.dumps(json.loads(WHOLE)).encode()),
    "in many lines": ("Rewritten", json.dumps(json.loads(WHOLE), indent=2).encode()),
    "end of the head": ("Truncated", HEAD[:-20]),
    "head alone": ("Truncated", HEAD),
    "half a line": ("Truncated", WHOLE[:-20]),
    "half the lines": ("Truncated", b"".join([HEAD, *REST[:2]])),
    "end": ("Truncated", WHOLE[:-3]),
    "end of the end": ("Truncated", WHOLE[:-1]),
    "line gone": ("Edited", b"".join([HEAD, *REST[1:]])),
    "last line gone": ("Edited", b"".join([HEAD, *REST[:2], REST[3]])),
    "line twice": ("Edited", b"".join([HEAD, REST[0], *REST])),
    "lines turned": ("Edited", b"".join([HEAD, REST[1], REST[0], *REST[2:]])),
    "address": ("Edited", WHOLE.replace(b"mona@", b"lisa@")),
    "comma behind the last": ("Edited", WHOLE.replace(b"\n]}", b",\n]}")),
    "comma gone": ("Edited", WHOLE.replace(b",\n", b"\n", 1)),
    "blank": ("Edited", WHOLE.replace(b'{"user_id":2', b' {"user_id":2')),
    "endless line": ("Edited", HEAD + b"x" * 300_000),
    "deep line": ("Edited", HEAD + b"[" * 100_000 + b"\n]}\n"),
    "huge number": ("Edited", WHOLE.replace(b'"user_id":2', b'"user_id":' + b"9" * 400)),
    "more behind": ("Edited", WHOLE + b"\n"),
    "twice": ("Edited", WHOLE + WHOLE),
    "plain header": ("Edited", WHOLE.replace(b'"accounts":3', b'"accounts":4')),
    "plain name": ("Edited", WHOLE.replace(b"ghes9", b"ghes8")),
    "key twice": ("Edited", WHOLE.replace(b'{"header":{', b'{"header":{"accounts":9,')),
    "signature gone": ("BadSignature", HEAD[: HEAD.index(b'"signature":"') + 13] + b'","people":[\n' + b"".join(REST)),
}


@pytest.mark.parametrize(("expected", "data"), BENT.values(), ids=BENT)
def test_bent_file_says_what_is_wrong(expected: str, data: bytes) -> None:
    assert why(data) == expected


def header_of(**fields: Any) -> dict[str, Any]:
    header: dict[str, Any] = msgspec.to_builtins(SERVER.header(LINES))
    return header | fields


def test_file_of_another_key_is_refused() -> None:
    other = FileServer()

    assert why(raw_file(header_of(), LINES, other.key)) == "BadSignature"


def test_newer_format_is_told_apart() -> None:
    assert why(raw_file(header_of(format=2, server_key=None), LINES, SERVER.key)) == "NewerFormat"


@pytest.mark.parametrize("number", [0, -1])
def test_format_that_never_was_is_no_usage_file(number: int) -> None:
    assert why(raw_file(header_of(format=number), LINES, SERVER.key)) == "OtherShape"


@pytest.mark.parametrize(
    "fields",
    [{"format": "1"}, {"accounts": "3"}, {"taken_at": "2026-03-02T08:00:00"}, {"server_key": "x"}, {"base": 1}],
)
def test_header_of_other_kinds_is_refused(fields: dict[str, Any]) -> None:
    assert why(raw_file(header_of(**fields), LINES, SERVER.key)) == "BadSignature"


def test_receipt_or_manifest_signs_no_file() -> None:
    header = SERVER.header(LINES)
    token = signing.sign(header, typ=signing.MANIFEST, key=SERVER.key)

    assert why(_with(header, token)) == "BadSignature"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_other_algorithm_signs_no_file(algorithm: str) -> None:
    header = SERVER.header(LINES)
    protected = json.dumps({"alg": algorithm, "typ": signing.USAGE}).encode()
    segments = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (protected, msgspec.json.encode(header), b"x"))

    assert why(_with(header, b".".join(segments).decode())) == "BadSignature"


def test_header_of_a_later_server_may_say_more() -> None:
    data = raw_file(header_of(more="than we know"), LINES, SERVER.key)

    assert read_head(io.BytesIO(data)).header.accounts == 3


def test_no_more_than_a_line_is_asked_for() -> None:
    asked: list[int] = []

    class Watched(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            asked.append(size or -1)
            return super().readline(size)

    stream = Watched(WHOLE)
    head = read_head(stream)
    list(read_pieces(stream, head.header))

    assert 0 < min(asked) <= max(asked) <= usage_reading.MAX_LINE_BYTES


def _with(header: UsageHeader, token: str) -> bytes:
    start = b'{"header":%s,"signature":"%s","people":[\n' % (msgspec.json.encode(header), token.encode())
    return start + b"".join(REST)
