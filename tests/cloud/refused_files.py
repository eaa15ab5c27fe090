"""Usage files that are refused, by the code of the refusal: what the API and the command have to say about each."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.utils import timezone

from cloud.models import Ledger
from cloud.services import open_ledger
from cloud.usage_files import upload_now
from tests.factories import NOW, make_cloud_enterprise
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


def _with_another_key(ledger: Ledger, server: FileServer) -> bytes:
    applied(ledger, server)
    return replace(new_server(), server_id=server.server_id).file(OTHER_LINES)


def _of_another_account(_ledger: Ledger, server: FileServer) -> bytes:
    other = open_ledger(enterprise=make_cloud_enterprise("other"), seats_purchased=9, at=NOW)
    applied(other, server)
    return server.file(LINES)


def _of_the_same_name(ledger: Ledger, server: FileServer) -> bytes:
    applied(ledger, new_server(server.hostname))
    return server.file(LINES)


def _renamed(ledger: Ledger, server: FileServer) -> bytes:
    applied(ledger, server)
    return server.file(OTHER_LINES, host_name="renamed.octo.example")


def _same_seats(ledger: Ledger, server: FileServer) -> bytes:
    applied(ledger, server)
    return server.file(LINES)


def _older(ledger: Ledger, server: FileServer) -> bytes:
    applied(ledger, server)
    return server.file(OTHER_LINES, taken_at=server.taken_at - timedelta(days=1))


def _of_another_history(ledger: Ledger, server: FileServer) -> bytes:
    applied(ledger, server)
    return server.file(OTHER_LINES, taken_at=server.taken_at + timedelta(minutes=5))


AT_ONCE: Final[dict[str, Bent]] = {
    "empty": lambda _ledger, _server: b"",
    "not_json": lambda _ledger, _server: b"login,email\nmona,mona@octo.example\n",
    "other_shape": lambda _ledger, _server: b'{"people": []}\n',
    "zip_file": lambda _ledger, _server: b"PK\x03\x04" + bytes(60),
    "ghes_export": lambda _ledger, _server: b'{"server_id":"0b7a1d3e","host_name":"ghes1.octo.example","users":"x"}\n',
    "unsupported_format": lambda _ledger, server: server.file(LINES, format=2),
    "bad_signature": _signed_by_another,
    "edited": lambda _ledger, server: server.file(LINES).replace(b'"3.20.1"', b'"3.20.2"', 1),
    "clock_skew": lambda _ledger, server: server.file(LINES, generated_at=timezone.now() + timedelta(days=2)),
    "payload_too_large": lambda _ledger, server: server.file(LINES, accounts=10_000_001),
    "unknown_key": _with_another_key,
    "other_account": _of_another_account,
    "connection_exists": _of_the_same_name,
    "hostname_changed": _renamed,
    "already_applied": applied,
    "already_held": _same_seats,
    "older_than_held": _older,
    "revision_conflict": _of_another_history,
}
"""Seen at the first line: a server that is known is not one of the account, or its history does not go on."""


def _shrunk(ledger: Ledger, server: FileServer) -> bytes:
    many = lines_for((number, f"u{number}@octo.example") for number in range(1, 61))
    apply_file(ledger, server, server.file(many))
    held = ledger.installations.get()
    return server.file(many[:10], unanswered=(str(held.snapshot_id),))


WHEN_READ: Final[dict[str, Bent]] = {
    "truncated": lambda _ledger, server: server.file(LINES)[:-20],
    "edited": lambda _ledger, server: server.file(LINES).replace(b"hubot@", b"hobot@"),
    "shrink_unconfirmed": _shrunk,
}
"""Seen once all accounts were read."""
