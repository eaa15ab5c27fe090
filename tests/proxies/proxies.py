"""A private certificate authority, a TLS reverse proxy and a forward proxy with a password, for tests."""

import base64
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SECONDS = 60
Handler = Callable[[socket.socket], None]


def write_certificates(folder: Path, *hosts: str) -> tuple[Path, Path]:
    """The authority's certificate, and the hosts' own with its chain and key in one file."""
    authority_key, host_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = _name("A private authority")
    authority = (
        _certificate(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    own = (
        _certificate(_name(hosts[0]), authority_name, host_key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    bundle, chain = folder / "authority.pem", folder / "host.pem"
    bundle.write_bytes(authority.public_bytes(pem))
    key = host_key.private_bytes(pem, private, serialization.NoEncryption())
    chain.write_bytes(own.public_bytes(pem) + key)
    return bundle, chain


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@contextmanager
def tls_reverse_proxy(chain: Path, upstream: int) -> Iterator[int]:
    """Ends TLS and passes each connection on with the headers that a reverse proxy sets; yields its port.

    What the file ``chain`` holds at that moment is what the next connection gets to see.
    """

    def handle(client: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        with context.wrap_socket(client, server_side=True) as secure:
            head, rest = _read_head(secure)
            lines = head.split(b"\r\n")
            # One exchange per connection, so that no second head has to be found in the stream.
            lines = [line for line in lines if not line.lower().startswith((b"connection:", b"x-forwarded-"))]
            lines += [b"Connection: close", b"X-Forwarded-Proto: https", b"X-Forwarded-For: 192.0.2.7"]
            with socket.create_connection(("127.0.0.1", upstream), timeout=SECONDS) as behind:
                behind.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + rest)
                _pipe_both(secure, behind)

    with _serving(handle) as port:
        yield port


class ForwardProxy:
    """A CONNECT proxy that knows names of its own, and wants a user and a password."""

    def __init__(self, user: str, password: str, names: dict[str, int]) -> None:
        self._wanted = b"Basic " + base64.b64encode(f"{user}:{password}".encode())
        self._names = names
        self.asked: list[str] = []
        self.refused = 0

    def handle(self, client: socket.socket) -> None:
        head, _rest = _read_head(client)
        request, *headers = head.split(b"\r\n")
        given = dict(line.split(b": ", 1) for line in headers if b": " in line).get(b"Proxy-Authorization")
        method, target, _version = request.decode().split(" ")
        if given != self._wanted:
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        if method != "CONNECT" or target not in self._names:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        self.asked.append(target)
        with socket.create_connection(("127.0.0.1", self._names[target]), timeout=SECONDS) as behind:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _pipe_both(client, behind)

    @contextmanager
    def serving(self) -> Iterator[int]:
        with _serving(self.handle) as port:
            yield port


@contextmanager
def _serving(handle: Handler) -> Iterator[int]:
    def answer(client: socket.socket) -> None:
        # Whoever hangs up in the middle, or does not trust us, has said so on their own side.
        with suppress(OSError, ValueError), client:
            client.settimeout(SECONDS)
            handle(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _address = listener.accept()
                threading.Thread(target=answer, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        # Closing alone does not wake whoever waits in accept.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=5)


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    read = b""
    while b"\r\n\r\n" not in read:
        chunk = client.recv(65536)
        if not chunk:
            raise ConnectionError
        read += chunk
    head, _, rest = read.partition(b"\r\n\r\n")
    return head, rest


def _pipe_both(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=_pipe, args=(one, other), daemon=True)
    back.start()
    _pipe(other, one)
    back.join(timeout=SECONDS)


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
    # Either end closes both ways: one exchange is all that a connection carries.
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
