"""Clouds on this machine that really misbehave: the wrong page, the wrong time, the wrong certificate, no answer."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REFUSAL = b'{"message": "A JSON web token could not be decoded", "code": "bad_credentials", "status": "401"}'
SIGN_IN = b"<!doctype html><title>Sign in to the network</title>"


class Cloud(ThreadingHTTPServer):
    """Answers everything alike, at a time of its own; with a certificate it speaks TLS."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: tuple[int, bytes, str], ahead: timedelta, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answer = answer
        self.ahead = ahead
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate hangs up."""


class Answering(BaseHTTPRequestHandler):
    """What every address of a cloud says."""

    server: Cloud

    def do_GET(self) -> None:
        status, body, kind = self.server.answer
        self.send_response_only(status)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.server.ahead, usegmt=True))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet: the tests say what they expect."""


@contextmanager
def cloud(
    *,
    status: int = 401,
    body: bytes = REFUSAL,
    kind: str = "application/json",
    ahead: timedelta = timedelta(),
    context: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """The address of a cloud; as it comes, it refuses a request without credentials in the words of ours."""
    server = Cloud((status, body, kind), ahead, context)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """The address of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def refused_port() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
    return f"http://127.0.0.1:{number}"


def certificate(folder: Path, *, days: int = 90, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """What a server needs that a private authority vouches for, and the file of that authority."""
    folder.mkdir(exist_ok=True)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _each in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Octo Private CA")])
    root = (
        _draft(authority, authority, authority_key.public_key(), 90)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        _draft(x509.Name([]), authority, key.public_key(), days)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "server.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + leaf.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, folder / "ca.pem"


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days, hours=1))
    )
