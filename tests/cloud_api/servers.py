"""A server as the API meets it: its keys, what it signs, and what it sends."""

from __future__ import annotations

import functools
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.test import Client
from django.utils import timezone

from cloud.models import Installation, Ledger
from wire import signing
from wire.messages import ErrorCode, Manifest

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

JSON = "application/json"


@functools.cache
def app_key(number: int = 0) -> rsa.RSAPrivateKey:
    """An App key; making one takes a while, so tests share a few."""
    return signing.new_app_key()


@dataclass
class FakeServer:
    """Signs as a real server does; every part can be replaced by a wrong one."""

    hostname: str = "ghes1.octo.example"
    server_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    identity: Ed25519PrivateKey = field(default_factory=signing.new_identity_key)
    key: rsa.RSAPrivateKey = field(default_factory=app_key)

    def manifest(self, **changes: Any) -> str:
        """The signed request to be connected."""
        facts: dict[str, Any] = {
            "server_id": self.server_id,
            "hostname": self.hostname,
            "version": "3.19.0",
            "http_only": False,
            "callback": f"https://{self.hostname}/enterprises/octo/settings/dotcom_connection/complete",
            "audience": settings.BASE_URL,
            "app_key": signing.public_pem(self.key.public_key()),
            "server_key": signing.public_text(self.identity.public_key()),
            "issued_at": timezone.now(),
        }
        return signing.sign(Manifest(**(facts | changes)), typ=signing.MANIFEST, key=self.identity)

    def proof(self, at: datetime | None = None) -> str:
        """The JWT that proves possession of the App key before there is an App id."""
        return self.jwt(self.server_id, at)

    def jwt(self, issuer: str | int, at: datetime | None = None) -> str:
        """A JWT of the App key."""
        return signing.app_jwt(issuer, key=self.key, at=at or timezone.now())

    def installed(self, ledger: Ledger, **changes: Any) -> Installation:
        """The row of this server, as connecting leaves it."""
        facts: dict[str, Any] = {
            "hostname": self.hostname,
            "app_key": signing.public_pem(self.key.public_key()),
            "server_key": signing.public_text(self.identity.public_key()),
            "created_at": timezone.now(),
        }
        return Installation.objects.create(ledger=ledger, server_id=self.server_id, **(facts | changes))


@dataclass
class Api:
    """The test client as an API client: JSON in, JSON out, a credential in the header."""

    credential: str = ""
    prefix: str = "/api/v3"

    def __post_init__(self) -> None:
        self.client = Client(raise_request_exception=True)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send a request; bytes travel as they are, everything else as JSON."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if self.credential:
            headers = {"Authorization": self.credential} | headers
        return self.client.generic(method, f"{self.prefix}{path}", content, content_type=JSON, headers=headers)

    def get(self, path: str, **headers: str) -> Response:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Response:
        return self.call("DELETE", path, **headers)


MORE_FACTS: dict[str, set[str]] = {
    ErrorCode.REVISION_CONFLICT: {"held"},
    ErrorCode.HOSTNAME_CHANGED: {"held"},
    ErrorCode.SHRINK_UNCONFIRMED: {"held"},
    ErrorCode.CONNECTION_EXISTS: {"existing"},
}
"""What an error brings beyond GitHub's shape, for whoever has to decide."""


def code_of(response: Response) -> str:
    """The error code of an answer, after making sure that it has the shape of every error."""
    problem = json.loads(response.content)
    facts = MORE_FACTS.get(problem["code"], set())
    assert set(problem) - facts == {"message", "code", "documentation_url", "status"}
    assert problem["status"] == str(response.status_code)
    code: str = problem["code"]
    return code
