"""Bring e-mail addresses and identity values to the one form in which they are compared."""

import functools
import unicodedata

import idna

MAX_ADDRESS_LENGTH = 320
_TRAILING = "." + "".join(character for character in map(chr, range(0x3001)) if character.isspace())
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs"})


class AddressInvalid(ValueError):
    """The text can never be an address: a control character, a lone surrogate, or too long."""


def normalize(text: str) -> str | None:
    """Return ``text`` in comparable form, or None where nothing is left of it.

    Trimmed, NFC, lower-cased; the domain without its final dot and in its IDNA form where it has
    one. Plus-tags and dots are never touched. A value without ``@`` has no domain.

    :raises AddressInvalid: control characters, surrogates, or more than 320 characters.
    Source: docs/domain.md, "Matching".
    """
    trimmed = text.strip()
    if not trimmed:
        return None
    if has_refused_characters(trimmed):
        raise AddressInvalid("an address must not contain control characters")
    if len(trimmed) > MAX_ADDRESS_LENGTH:
        raise AddressInvalid(f"an address has at most {MAX_ADDRESS_LENGTH} characters")
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", trimmed).lower())
    local, at, domain = folded.rpartition("@")
    address = f"{local}@{_comparable_domain(domain)}" if at else folded
    if len(address) > MAX_ADDRESS_LENGTH:
        raise AddressInvalid(f"an address has at most {MAX_ADDRESS_LENGTH} characters")
    return address


def has_refused_characters(text: str) -> bool:
    """Whether a control character or a lone surrogate stands in ``text``."""
    if text.isascii() and text.isprintable():
        return False
    return any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in text)


@functools.lru_cache(maxsize=16_384)
def _comparable_domain(domain: str) -> str:
    # All of them, and white space between: what is normalized twice must not change again.
    bare = domain.rstrip(_TRAILING)
    try:
        return idna.encode(bare, uts46=True).decode("ascii").rstrip(".")
    except (idna.IDNAError, UnicodeError):
        # Hosts such as my_host.example are no IDNA names, yet real addresses live there.
        return bare
