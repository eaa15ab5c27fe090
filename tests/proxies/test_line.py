"""A sync through a TLS reverse proxy with a private authority and a forward proxy that wants a password."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from enterprises.outbound import Outbound
from tests.proxies.proxies import ForwardProxy, tls_reverse_proxy, write_certificates
from tests.support.hosts import Host

# Not a name that anybody resolves: only the forward proxy knows it.
CLOUD = "cloud.invalid"
CLOUD_URL = f"https://{CLOUD}"
# Another name of the cloud's, which this machine can find by itself.
NEAR = "near.invalid"
USER, PASSWORD = "octo", "planted@password:1"
IN_ADDRESS = f"{USER}:planted%40password%3A1"
OCTO = Path(__file__).parents[1] / "data" / "octo"
CONNECT = ("connect_enterprise", "ghes1", "--account", "octo", "--token")
pytestmark = pytest.mark.xdist_group("proxies")


@dataclass
class Network:
    """The cloud behind its TLS proxy, and the way there."""

    folder: Path
    cloud: Host
    token: str
    bundle: Path
    tls_port: int
    forward: ForwardProxy
    forward_port: int

    def server(self, name: str, proxy_login: str = IN_ADDRESS, bundle: str = "", no_proxy: str = "") -> Host:
        proxy = self.folder / f"{name}-proxy"
        proxy.write_text(f"http://{proxy_login}@127.0.0.1:{self.forward_port}\n")
        host = Host(
            role="server",
            name="localhost",
            folder=self.folder / name,
            CLOUD_URLS=CLOUD_URL,
            HTTPS_PROXY_FILE=str(proxy),
            CA_BUNDLE=bundle,
            NO_PROXY=no_proxy,
        )
        create = ("create_enterprise", "ghes1", "--deployment=server", "--hostname=ghes1.octo.example")
        host.manage(*create, "--server-version=3.19.1")
        return host


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("proxies")
    bundle, chain = write_certificates(folder, CLOUD, NEAR)
    cloud = Host(
        role="cloud",
        name="127.0.0.1",
        folder=folder / "cloud",
        BASE_URL=CLOUD_URL,
        ALLOWED_HOSTS=f"{CLOUD} {NEAR}",
        TRUSTED_PROXIES="127.0.0.1",
    )
    with cloud.running(), tls_reverse_proxy(chain, cloud.port) as tls_port:
        forward = ForwardProxy(USER, PASSWORD, {f"{CLOUD}:443": tls_port})
        with forward.serving() as forward_port:
            _made, _imported, token = cloud.manage_all(
                ("create_enterprise", "octo", "--deployment=cloud", "--owner=carla", "--seats=100", "--json"),
                ("import_members", "octo", str(OCTO / "members.ndjson")),
                ("create_api_token", "carla", "--scope", "admin:enterprise"),
            )
            yield Network(folder, cloud, token.strip(), bundle, tls_port, forward, forward_port)


def test_sync_goes_through_both_proxies(network: Network) -> None:
    server = network.server("whole", bundle=str(network.bundle))
    before = consumed(network.cloud)
    with server.running():
        *_, rotated, synced = server.manage_all(
            ("import_seats", "ghes1", str(OCTO / "seats-ghes1.octo.example.ndjson")),
            (*CONNECT, network.token),
            ("license_sync", "ghes1", "enable"),
            ("license_sync", "ghes1", "now", "--wait"),
            ("rotate_keys", "--app-keys"),
            ("license_sync", "ghes1", "now", "--wait"),
        )

    assert rotated == "ghes1: the App has a new key, and the former one was deleted on the cloud.\n"
    assert synced.endswith("revision 2.\n")
    assert len(network.forward.asked) >= 4
    assert consumed(network.cloud) > before
    assert "planted" not in "".join(server.lines)


def test_without_the_authority_it_is_a_failure_of_tls(network: Network) -> None:
    refused = failure_of(network.server("no-bundle"), network.token)

    assert "certificate of the cloud is not trusted" in refused
    assert "CA_BUNDLE" in refused


def test_wrong_password_has_its_own_sentence(network: Network) -> None:
    server = network.server("wrong", proxy_login="octo:planted-and-wrong", bundle=str(network.bundle))

    refused = failure_of(server, network.token)

    assert network.forward.refused
    assert "proxy does not accept the user and password" in refused
    assert "planted" not in refused


def test_no_proxy_goes_direct(network: Network) -> None:
    server = network.server("direct", no_proxy=CLOUD, bundle=str(network.bundle))
    before = len(network.forward.asked)

    refused = failure_of(server, network.token)

    # The name is the forward proxy's own: whoever goes directly does not find it.
    assert "name of the cloud could not be resolved" in refused
    assert len(network.forward.asked) == before


def test_no_proxy_is_for_the_hosts_it_names_only(
    network: Network, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same cloud by two names, in one session: one past the proxy, the other through it."""
    near_url = f"https://{NEAR}:{network.tls_port}"
    settings.HTTPS_PROXY = f"http://{IN_ADDRESS}@127.0.0.1:{network.forward_port}"
    settings.NO_PROXY = NEAR
    settings.CA_BUNDLE = str(network.bundle)
    settings.CLOUD_URLS = [CLOUD_URL, near_url]
    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1" if host == NEAR else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    before = len(network.forward.asked)
    with Outbound() as session:
        near = session.get(f"{near_url}/healthz")
        seen_of_near = network.forward.asked[before:]
        far = session.get(f"{CLOUD_URL}/healthz")

    assert (near.json(), far.json()) == ({"status": "ok"}, {"status": "ok"})
    assert seen_of_near == []
    assert network.forward.asked[before:] == [f"{CLOUD}:443"]


def failure_of(server: Host, token: str) -> str:
    with pytest.raises(AssertionError) as refused:
        server.manage(*CONNECT, token)
    return str(refused.value)


def consumed(cloud: Host) -> int:
    return int(json.loads(cloud.manage("consumed_licenses", "octo", "--format", "json"))["total_seats_consumed"])
