"""Search canonical lines the way that addresses are compared: an account by its ID, or an address by a part of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from wire.addresses import AddressInvalid, normalize
from wire.lines import MAX_USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for: ``user_id`` where it is a number, else ``texts``, any of which a line may hold."""

    user_id: int | None = None
    texts: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, search: str) -> Wanted:
        """Read what was entered, in whatever case, composition or spelling of a domain."""
        text = search.strip()
        if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_USER_ID)):
            return cls(user_id=int(text))
        spellings = {unicodedata.normalize("NFC", text).lower(), _as_address(text)} - {""}
        # Within a line an address is JSON; a piece of a line may also be entered as it stands there.
        escaped = {msgspec.json.encode(spelling).decode()[1:-1] for spelling in spellings}
        return cls(texts=tuple(sorted(each.encode() for each in spellings | escaped)))

    def __bool__(self) -> bool:
        """Whether anything is looked for."""
        return self.user_id is not None or bool(self.texts)

    def among(self, lines: bytes) -> Iterator[bytes]:
        """Yield the lines that match, of whole ones with their line feeds."""
        if self.user_id is not None:
            start = b'{"user_id":%d,' % self.user_id
            yield from (line for line in lines.split(b"\n") if line.startswith(start))
        elif any(text in lines for text in self.texts):
            yield from (line for line in lines.split(b"\n")[:-1] if any(text in line for text in self.texts))


def _as_address(text: str) -> str:
    """The form in which it would travel; what cannot be an address is none."""
    try:
        return normalize(text) or ""
    except AddressInvalid:
        return ""
