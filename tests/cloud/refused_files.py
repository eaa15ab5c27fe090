"""Some usage files that are refused, by their code; tests/cloud_usage_files/test_refusals.py has them all."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.utils import timezone

from cloud.models import Ledger
from cloud.usage_files import upload_now
from tests.support.usage_files import FileServer, lines_for

LINES: Final = lines_for([(7, "mona@octo.example"), (8, "hubot@octo.example")])
OTHER_LINES: Final = lines_for([(7, "mona@octo.example"), (9, "solo@octo.example")])
Bent = Callable[[Ledger, FileServer], bytes]


def new_server(hostname: str = "ghes9.octo.example") -> FileServer:
    """A server whose seats were taken an hour ago."""
    return FileServer(hostname=hostname, taken_at=timezone.now() - timedelta(hours=1))


def apply_file(ledger: Ledger, server: FileServer, content: bytes) -> None:
    """Have a file in the books, and its server registered."""
    upload_now(
        ledger=ledger,
        stream=io.BytesIO(content),
        name="usage.json",
        by=None,
        at=timezone.now(),
        fingerprint=server.fingerprint,
    )


def applied(ledger: Ledger, server: FileServer) -> bytes:
    """The file that was applied."""
    content = server.file(LINES)
    apply_file(ledger, server, content)
    return content


def _signed_by_another(_ledger: Ledger, server: FileServer) -> bytes:
    return new_server().file(LINES, header=server.header(LINES))


def _older(ledger: Ledger, server: FileServer) -> bytes:
    applied(ledger, server)
    return server.file(OTHER_LINES, taken_at=server.taken_at - timedelta(days=1))


AT_ONCE: Final[dict[str, Bent]] = {
    "bad_signature": _signed_by_another,
    "payload_too_large": lambda _ledger, server: server.file(LINES, accounts=10_000_001),
    "older_than_held": _older,
}
"""Seen at the first line, one for each status of the API."""


def _shrunk(ledger: Ledger, server: FileServer) -> bytes:
    many = lines_for((number, f"u{number}@octo.example") for number in range(1, 61))
    apply_file(ledger, server, server.file(many))
    held = ledger.installations.get()
    return server.file(many[:10], unanswered=(str(held.snapshot_id),))


WHEN_READ: Final[dict[str, Bent]] = {
    "truncated": lambda _ledger, server: server.file(LINES)[:-20],
    "shrink_unconfirmed": _shrunk,
}
"""Seen once all accounts were read."""
