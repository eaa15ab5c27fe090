"""Bends valid input in the ways that break readers, the same way for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**53,
    10**30,
    1.5,
    "",
    "\0",
    "\ud800",
    "x" * 5000,
    [],
    {},
    [[[]]],
    "é\u202e",
)
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


def bent_json(valid: dict[str, Any], chance: random.Random) -> bytes:
    """A document with another type, a missing or an unknown key, or broken bytes."""
    changed = dict(valid)
    key = chance.choice(list(changed))
    match chance.randrange(4):
        case 0:
            del changed[key]
        case 1:
            changed[chance.choice(["unknown", "\0", key.upper()])] = chance.choice(ODD)
        case 2:
            changed[key] = chance.choice(ODD)
        case _:
            return bent_bytes(json.dumps(changed).encode(), chance)
    return json.dumps(changed).encode()


def bent_text(valid: str, chance: random.Random) -> str:
    """A header's value as a web server would let it through: Latin-1 and no line breaks."""
    return bent_bytes(valid.encode(), chance).decode("latin-1").replace("\r", "").replace("\n", "")


def chances(seed: int, count: int) -> Iterator[random.Random]:
    """A source of chance per case, so that one case can be repeated alone."""
    for number in range(count):
        yield random.Random(f"{seed}-{number}")
