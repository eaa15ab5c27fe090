"""A name that changes its mind, and the addresses behind which a provider keeps a machine's credentials."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from enterprises.outbound import AddressNotAllowed, Outbound
from enterprises.outbound_peers import is_forbidden, parse_address
from tests.enterprises.loopback import LoopbackServer

REBOUND = "rebound.example"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[LoopbackServer]:
    """A service of this machine, to which a stranger's name leads."""
    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1" if host == REBOUND else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with LoopbackServer() as server:
        settings.CLOUD_URLS = ["https://cloud.example"]
        yield server


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_name_that_leads_to_this_machine_hears_nothing(server: LoopbackServer) -> None:
    with Outbound() as outbound, pytest.raises(AddressNotAllowed):
        outbound.get(f"http://{REBOUND}:{server.server_port}/ok")

    assert server.seen == []


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_control_the_same_name_would_be_heard(server: LoopbackServer) -> None:
    with Outbound(allow_loopback=True) as outbound:
        outbound.get(f"http://{REBOUND}:{server.server_port}/ok")

    assert [path for path, _headers in server.seen] == ["/ok"]


@pytest.mark.parametrize(
    "address",
    [
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "64:ff9b::169.254.169.254",
        "64:ff9b::127.0.0.1",
        "2002:a9fe:a9fe::1",
        "::127.0.0.1",
        "::169.254.169.254",
        "255.255.255.255",
    ],
)
def test_machine_and_provider_are_refused_in_every_spelling(address: str) -> None:
    parsed = parse_address(address)

    assert parsed is not None
    assert is_forbidden(parsed, allow_loopback=False)


@pytest.mark.parametrize("address", ["10.0.0.7", "100.64.0.1", "fd12:3456::7", "64:ff9b::10.0.0.7", "2001:db8::7"])
def test_private_networks_stay_reachable(address: str) -> None:
    parsed = parse_address(address)

    assert parsed is not None
    assert not is_forbidden(parsed, allow_loopback=False)
