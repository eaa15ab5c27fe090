"""Usage files as a server writes them, and bent ones: built from accounts, a key and fields."""

import io
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wire import signing
from wire.lines import SnapshotDigest, make_line
from wire.messages import Base
from wire.usage import UsageHeader, usage_lines

TAKEN_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class FileServer:
    """A server that reports by file: its id, its name and its key, and what it knows of the cloud."""

    hostname: str = "ghes9.octo.example"
    server_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    key: Ed25519PrivateKey = field(default_factory=signing.new_identity_key)
    base: Base | None = None
    unanswered: tuple[str, ...] = ()
    taken_at: datetime = TAKEN_AT

    @property
    def server_key(self) -> str:
        """The public key, as it travels."""
        return signing.public_text(self.key.public_key())

    @property
    def fingerprint(self) -> str:
        """What an owner compares."""
        return signing.fingerprint(self.server_key)

    def header(self, lines: Iterable[bytes], **fields: Any) -> UsageHeader:
        """The header over canonical lines (without LF); ``fields`` bend it."""
        digest, number = SnapshotDigest(), 0
        for line in lines:
            digest.add(line + b"\n")
            number += 1
        honest: dict[str, Any] = {
            "server_id": self.server_id,
            "host_name": self.hostname,
            "http_only": False,
            "version": "3.20.1",
            "license": "0" * 64,
            "public_key": "",
            "server_key": self.server_key,
            "features": (),
            "generated_at": self.taken_at,
            "taken_at": self.taken_at,
            "snapshot_id": str(uuid.uuid4()),
            "base": self.base,
            "unanswered": self.unanswered,
            "accounts": number,
            "sha256": digest.hexdigest(),
        }
        return UsageHeader(**(honest | fields))

    def file(self, lines: Iterable[bytes], *, header: UsageHeader | None = None, **fields: Any) -> bytes:
        """A whole file."""
        lines = list(lines)
        header = header or self.header(lines, **fields)
        signature = signing.sign(header, typ=signing.USAGE, key=self.key)
        return b"".join(usage_lines(header, signature, (line + b"\n" for line in lines)))

    def stream(self, lines: Iterable[bytes], **fields: Any) -> io.BytesIO:
        """A whole file to be uploaded."""
        return io.BytesIO(self.file(lines, **fields))


def lines_for(accounts: Iterable[tuple[int, str | None]]) -> list[bytes]:
    """Canonical lines of accounts with a primary address each."""
    return [make_line(user_id, primary) for user_id, primary in sorted(accounts)]


def raw_file(header: dict[str, Any], lines: Iterable[bytes], key: Ed25519PrivateKey) -> bytes:
    """A file whose header is signed as it is, whatever it holds."""
    signature = signing.sign(_struct_of(header), typ=signing.USAGE, key=key)
    body = b",\n".join(lines)
    return b'{"header":%s,"signature":"%s","people":[\n%s]}\n' % (
        msgspec.json.encode(header),
        signature.encode(),
        body + b"\n" if body else b"",
    )


def _struct_of(header: dict[str, Any]) -> msgspec.Struct:
    kind = msgspec.defstruct("Header", [(name, Any) for name in header])
    return kind(**header)
