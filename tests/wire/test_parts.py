"""Packed parts, honest and hostile, and the Content-Digest field."""

import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from wire.parts import (
    MAX_PART_BYTES,
    PartInvalid,
    PartTooLarge,
    content_digest,
    has_content_digest,
    pack,
    unpack,
)

LINES = b'{"user_id":8,"emails":[]}\n' * 100


@given(st.binary(min_size=1, max_size=2000))
def test_unpack_gives_back_what_was_packed(lines: bytes) -> None:
    assert unpack(pack(lines)) == lines


def test_a_full_part_passes() -> None:
    lines = b"x" * MAX_PART_BYTES

    assert unpack(pack(lines)) == lines


def test_unpack_refuses_a_bomb_without_unpacking_it() -> None:
    bomb = pack(bytes(256 * 1024 * 1024))

    tracemalloc.start()
    with pytest.raises(PartTooLarge):
        unpack(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(bomb) < 64 * 1024
    assert peak < 1024 * 1024


def test_unpack_refuses_more_packed_bytes_than_allowed() -> None:
    with pytest.raises(PartTooLarge):
        unpack(bytes(MAX_PART_BYTES + 1))


def frame_that_lies_about_its_size() -> bytes:
    frame = bytearray(pack(b"abcdefgh\n"))
    # Magic number, descriptor, then one byte of content size.
    frame[5] = 200
    return bytes(frame)


DAMAGED = {
    "nothing": b"",
    "no zstd": LINES,
    "truncated": pack(LINES)[:-1],
    "header only": pack(LINES)[:6],
    "trailing bytes": pack(LINES) + b"x",
    "second frame": pack(LINES) + pack(LINES),
    "empty frame": zstandard.ZstdCompressor(write_content_size=True).compress(b""),
    "empty frame, then more": zstandard.ZstdCompressor(write_content_size=True).compress(b"") + b"more",
    "skippable frame": b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd",
    "no stated size": zstandard.ZstdCompressor(write_content_size=False).compress(LINES),
    "false size": frame_that_lies_about_its_size(),
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED.keys())
def test_unpack_refuses(body: bytes) -> None:
    with pytest.raises(PartInvalid):
        unpack(body)


def test_content_digest_is_the_one_of_the_standard() -> None:
    # RFC 9530, appendix D: the SHA-256 of this body.
    field = content_digest(b'{"hello": "world"}\n')

    assert field == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


@pytest.mark.parametrize("form", ["{}", " {} ", "md5=:AAAA:, {}", "{},sha-512=:AAAA:"])
def test_content_digest_is_found_among_others(form: str) -> None:
    assert has_content_digest(form.format(content_digest(LINES)), LINES)


@pytest.mark.parametrize(
    "field",
    ["", "sha-256", content_digest(b"other"), content_digest(LINES).upper(), content_digest(LINES)[:-1]],
)
def test_content_digest_that_does_not_fit_is_noticed(field: str) -> None:
    assert not has_content_digest(field, LINES)
