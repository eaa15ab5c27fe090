"""Whom the outbound session may reach: the proxy for an address, and a look at the peer before anything is said."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPSConnection

from enterprises.outbound_waits import PunctualConnection

if TYPE_CHECKING:
    import socket

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address


# Where providers hand out a machine's credentials beside the link-local address: AWS, Alibaba, Azure, Oracle.
METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")))
BROADCAST = ipaddress.ip_address("255.255.255.255")
# Networks of IPv6 whose last 32 bits are an IPv4 address: translation (RFC 6052), and the old compatible form.
IPV4_AT_THE_END = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "::/96")))
OWN_IPV6 = frozenset(map(ipaddress.ip_address, ("::", "::1")))


class ForbiddenPeer(Exception):
    """The name led to an address that must not be reached from here."""


def parse_address(text: str) -> Address | None:
    """An IP address, without brackets and zone, an IPv4 address in IPv6 clothes taken out of them."""
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return address if isinstance(address, ipaddress.IPv4Address) else _undressed(address)


def _undressed(address: ipaddress.IPv6Address) -> Address:
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address not in OWN_IPV6 and any(address in network for network in IPV4_AT_THE_END):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def is_forbidden(address: Address, *, allow_loopback: bool) -> bool:
    """Private networks are allowed, servers usually live there; the machine itself and its cloud provider are not."""
    if address.is_loopback:
        return not allow_loopback
    if address in METADATA or address == BROADCAST:
        return True
    return address.is_link_local or address.is_multicast or address.is_unspecified


def check_peer(sock: socket.socket, *, allow_loopback: bool) -> socket.socket:
    """The connected socket itself, when its other end is allowed; a name cannot change its mind after this.

    :raises ForbiddenPeer: the other end is not allowed; the socket is closed
    """
    address = parse_address(str(sock.getpeername()[0]))
    if address is None or is_forbidden(address, allow_loopback=allow_loopback):
        sock.close()
        raise ForbiddenPeer
    return sock


class RemoteConnection(PunctualConnection):
    def _new_conn(self) -> socket.socket:
        return check_peer(super()._new_conn(), allow_loopback=False)


class CertifiedConnection(PunctualConnection, HTTPSConnection):
    """Keeps what the certificate said: the socket itself may be gone before the answer is read."""

    peer_certificate: dict[str, Any] | None = None

    def connect(self) -> None:
        super().connect()
        seen: dict[str, Any] | None = getattr(self.sock, "getpeercert", dict)()
        self.peer_certificate = seen or None


class RemoteSecureConnection(CertifiedConnection):
    def _new_conn(self) -> socket.socket:
        return check_peer(super()._new_conn(), allow_loopback=False)


class AnyConnection(PunctualConnection):
    def _new_conn(self) -> socket.socket:
        return check_peer(super()._new_conn(), allow_loopback=True)


class AnySecureConnection(CertifiedConnection):
    def _new_conn(self) -> socket.socket:
        return check_peer(super()._new_conn(), allow_loopback=True)


class RemotePool(HTTPConnectionPool):
    ConnectionCls = RemoteConnection


class RemoteSecurePool(HTTPSConnectionPool):
    ConnectionCls = RemoteSecureConnection


class AnyPool(HTTPConnectionPool):
    ConnectionCls = AnyConnection


class AnySecurePool(HTTPSConnectionPool):
    ConnectionCls = AnySecureConnection


def pool_classes(*, allow_loopback: bool) -> dict[str, type[HTTPConnectionPool]]:
    if allow_loopback:
        return {"http": AnyPool, "https": AnySecurePool}
    return {"http": RemotePool, "https": RemoteSecurePool}


def proxy_for(url: str) -> str:
    """The proxy that an address is reached through; empty means directly."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or not settings.HTTPS_PROXY or is_exempt(host):
        return ""
    return str(settings.HTTPS_PROXY)


def is_exempt(host: str) -> bool:
    """Whether NO_PROXY names the host: exactly, as a domain above it, as a network around it, or with a star."""
    address = parse_address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_covers(entry, host, address) for entry in _exemptions())


def _exemptions() -> list[str]:
    listed = settings.NO_PROXY
    entries = listed.split(",") if isinstance(listed, str) else listed
    return [entry.strip().lower() for entry in entries if entry.strip()]


def _covers(entry: str, host: str, address: Address | None) -> bool:
    if entry == "*":
        return True
    if address is None:
        domain = entry.removeprefix("*").removeprefix(".")
        return host == domain or host.endswith(f".{domain}")
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
