"""Bends valid input in the ways that break readers, the same way for the same seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

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
ODD_TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "\r\nSet-Cookie: x=1", "é" * 200, "x" * 300, "x" * 5000, "x" * 70_000,
    "\u202egpj.exe", "=1+1", "<script>alert(1)</script>", "' OR 1=1 --", "../../etc/passwd", "%00", "${7*7}",
    "{{7*7}}", "null", "0",
    "00000000-0000-0000-0000-000000000000", "2026-03-02T09:30:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "1" * 5000, "\u0661\u0662", "a@b", "@", "a@" + "b." * 150 + "c", "xn--a@xn--a.xn--a",
)  # fmt: skip
ODD_NUMBERS = (
    0, -1, 1, 2, 2**31 - 1, 2**31, 2**32, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400, 1.5, -0.0,
    1e308, float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
ODD_OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"": ""}, [1] * 1500, ["x"] * 60, [{}] * 60)


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


def odd_value(chance: random.Random) -> Any:
    """Something that is seldom meant where it stands."""
    return copy.deepcopy(chance.choice(chance.choice((ODD_TEXTS, ODD_NUMBERS, ODD_OTHERS))))


def bent_value(valid: Any, chance: random.Random) -> Any:
    """One or two values of a JSON document replaced, taken away, doubled or wrapped."""
    document = copy.deepcopy(valid)
    for _ in range(chance.randint(1, 2)):
        holder, key = chance.choice(list(_places(document)) or [(None, None)])
        if holder is None:
            return odd_value(chance)
        match chance.randrange(8):
            case 0:
                del holder[key]
            case 1:
                holder[key] = [holder[key], holder[key]]
            case 2:
                holder[key] = _nested(holder[key], chance.choice((1, 50, 300)))
            case 3 if isinstance(holder, dict):
                holder[chance.choice(ODD_TEXTS)] = odd_value(chance)
            case 4 if isinstance(holder[key], str):
                holder[key] = holder[key].swapcase() + chance.choice(ODD_TEXTS[:12])
            case _:
                holder[key] = odd_value(chance)
    return document


def bent_json(valid: Any, chance: random.Random) -> bytes:
    """A document with bent values, and in one of four cases with bent bytes, too; keys may stand twice."""
    text = json.dumps(bent_value(valid, chance))
    if chance.random() < 0.1 and text.startswith("{") and isinstance(valid, dict) and valid:
        text = f'{{"{chance.choice(list(valid))}": {json.dumps(odd_value(chance))}, {text[1:]}'
    body = text.encode()
    return bent_bytes(body, chance) if chance.random() < 0.25 else body


def bent_text(valid: str, chance: random.Random) -> str:
    """A text that another one was put into, or that was cut, or replaced."""
    start = chance.randrange(len(valid) + 1)
    match chance.randrange(4):
        case 0:
            return chance.choice(ODD_TEXTS)
        case 1:
            return valid[:start]
        case 2:
            return valid[:start] + chance.choice(ODD_TEXTS) + valid[start:]
        case _:
            return (
                valid[:start] + chr(chance.choice((0, 9, 10, 32, 127, 133, 255, 0x661, 0x2028, 0xFFFD))) + valid[start:]
            )


def bent_fields(valid: dict[str, str], chance: random.Random) -> list[tuple[str, str]]:
    """The fields of a form or of a query, some of them bent, gone or doubled."""
    fields = list(valid.items())
    for _ in range(chance.randint(1, 2)):
        if not fields:
            return [(chance.choice(ODD_TEXTS[:12]), chance.choice(ODD_TEXTS))]
        at = chance.randrange(len(fields))
        name, value = fields[at]
        match chance.randrange(6):
            case 0:
                del fields[at]
            case 1:
                fields.append((name, chance.choice(ODD_TEXTS)))
            case 2:
                fields[at] = (bent_text(name, chance), value)
            case 3:
                fields[at] = (name, str(chance.choice(ODD_NUMBERS)))
            case _:
                fields[at] = (name, bent_text(value, chance))
    return fields


def chances(seed: int, count: int) -> Iterator[random.Random]:
    """A source of chance per case, so that one case can be repeated alone."""
    for number in range(count):
        yield random.Random(f"{seed}-{number}")


def sometimes(bend: Callable[[Any, random.Random], Any], valid: Any, chance: random.Random, share: float = 0.3) -> Any:
    """Bent in some cases, so that others are reached by what stands behind."""
    return bend(valid, chance) if chance.random() < share else valid


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every member of every object and list."""
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in list(members):
        yield document, key
        yield from _places(value)


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value
