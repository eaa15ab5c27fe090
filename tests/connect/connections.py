"""Rows that look connected, and answers that look like the cloud's."""

import functools
import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from connect.models import Connection, Server
from enterprises.secrets import new_secret
from wire import signing


@functools.cache
def app_key_pem() -> str:
    """An App key; making one takes a while, so tests share it."""
    return signing.private_pem(signing.new_app_key())


@functools.cache
def receipt_key() -> Ed25519PrivateKey:
    """The cloud's key for receipts."""
    return signing.new_identity_key()


def make_connected(server: Server, cloud_url: str) -> Connection:
    """Connected, without a token yet."""
    connection = server.connection
    connection.state = Connection.State.CONNECTED
    connection.cloud_url = cloud_url
    connection.app_key = connection.pending_app_key = app_key_pem()
    connection.app_id, connection.installation_id = 42, 43
    connection.account_slug = "octo"
    connection.receipt_keys = [{"kid": "receipts-1", "x": signing.public_text(receipt_key().public_key())}]
    connection.save()
    return connection


def answer(body: object, status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP answer; bytes travel as they are, everything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(content)),
        "Date": format_datetime(timezone.now(), usegmt=False),
        "Connection": "close",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + content


def html(status: str = "200 OK", **headers: str) -> bytes:
    """What a network's sign-in page or a proxy says."""
    page = b"<!doctype html><title>Sign in</title>"
    return answer(page, status, **{"Content_Type": "text/html"} | headers)


def problem(status: str, code: str, **headers: str) -> bytes:
    """An error of the cloud."""
    body = {"message": "No.", "code": code, "documentation_url": "", "status": status[:3]}
    return answer(body, status, **headers)


def minted(token: str = "", **changes: Any) -> bytes:
    """A fresh installation token."""
    expires_at = (timezone.now() + timedelta(hours=1)).isoformat()
    return answer({"token": token or new_secret(), "expires_at": expires_at} | changes, "201 Created")
