"""Which pair is which: the order of the two, and the digest that outlives them."""

import hashlib
from typing import Final

_ORDER: Final = "mas"


def ordered(one: str, other: str) -> tuple[str, str]:
    """Return two person keys with a member first, then whoever has an address, then by code point."""
    first, second = sorted((one, other), key=_place)
    return first, second


def identity_of(first: str, second: str) -> str:
    """Return the digest (SHA-256, hexadecimal) of two ordered keys. No key holds a line feed."""
    return hashlib.sha256(f"{first}\n{second}".encode()).hexdigest()


def _place(key: str) -> tuple[int, str]:
    return _ORDER.index(key[0]), key
