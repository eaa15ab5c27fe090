"""Bends valid input in the ways that break readers, the same way for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

ODD_BYTES = (
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"[" * 2000,
    b'{"a":' * 2000,
    b"9" * 400,
    b'"',
    b",",
    b"\r\n",
    b"1e999",
)


def bent_bytes(valid: bytes, chance: random.Random) -> bytes:
    """One to three cuts, flips, repeats or odd insertions."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(valid) + 1)
        end = min(len(valid), start + chance.randint(1, 40))
        match chance.randrange(5):
            case 0 if start < len(valid):
                valid = valid[:start] + bytes([valid[start] ^ (1 << chance.randrange(8))]) + valid[start + 1 :]
            case 1:
                valid = valid[:start]
            case 2:
                valid = valid[:start] + valid[end:]
            case 3:
                valid = valid[:end] + valid[start:]
            case _:
                valid = valid[:start] + chance.choice(ODD_BYTES) + valid[start:]
    return valid


def chances(seed: int, count: int) -> Iterator[random.Random]:
    """A source of chance per case, so that one case can be repeated alone."""
    for number in range(count):
        yield random.Random(f"{seed}-{number}")
