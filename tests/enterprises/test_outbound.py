"""The one way out over HTTP, against real servers on this machine that misbehave."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import pytest
import requests
from django.db import transaction
from pytest_django import Settings

from enterprises.outbound import AddressNotAllowed, OpenTransaction, Outbound, OutboundError, OutboundKind
from enterprises.outbound_peers import is_exempt, is_forbidden, parse_address, proxy_for
from tests.enterprises.loopback import LoopbackServer

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "::1"])


@pytest.fixture
def server(settings: Settings) -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        settings.CLOUD_URLS = [server.url]
        yield server


@pytest.fixture
def outbound(server: LoopbackServer) -> Iterator[Outbound]:
    with Outbound(read_timeout=0.3, deadline=0.5, max_bytes=1000) as outbound:
        yield outbound


@pytest.fixture
def environment() -> Iterator[MutableMapping[str, str]]:
    """The variables of this process, as they were afterwards."""
    before = dict(os.environ)
    yield os.environ
    os.environ.clear()
    os.environ.update(before)


def failure(outbound: Outbound, url: str) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        outbound.get(url)
    return caught.value


def test_answer_comes_back_whole(outbound: Outbound, server: LoopbackServer) -> None:
    answer = outbound.get(f"{server.url}/ok")

    assert (answer.status_code, answer.content) == (200, b"fine")


def test_redirect_is_not_followed(outbound: Outbound, server: LoopbackServer) -> None:
    answer = outbound.get(f"{server.url}/redirect", allow_redirects=True)

    assert answer.status_code == 302
    assert [path for path, _headers in server.seen] == ["/redirect"]


@pytest.mark.parametrize("path", ["big", "endless"])
def test_large_answer_is_refused(path: str, outbound: Outbound, server: LoopbackServer) -> None:
    assert failure(outbound, f"{server.url}/{path}").kind == OutboundKind.TOO_LARGE


@pytest.mark.parametrize("path", ["slow", "drip", "drip_head"])
def test_silence_and_dripping_time_out(path: str, outbound: Outbound, server: LoopbackServer) -> None:
    assert failure(outbound, f"{server.url}/{path}").kind == OutboundKind.TIMEOUT


def test_slow_line_may_take_longer_to_send_than_to_connect(server: LoopbackServer) -> None:
    body = bytes(16 * 1024 * 1024)

    with Outbound(connect_timeout=0.3, read_timeout=5) as outbound:
        answer = outbound.put(f"{server.url}/part", data=body)

    assert int(answer.content) == len(body)


def test_cut_answer_is_an_error(outbound: Outbound, server: LoopbackServer) -> None:
    assert failure(outbound, f"{server.url}/cut").kind == OutboundKind.OTHER


def test_failed_exchange_is_not_repeated(outbound: Outbound, server: LoopbackServer) -> None:
    failure(outbound, f"{server.url}/slow")

    assert len(server.seen) == 1


def test_netrc_is_not_read(
    outbound: Outbound, server: LoopbackServer, tmp_path: Path, environment: MutableMapping[str, str]
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mona password from-netrc\n")
    environment["NETRC"] = str(netrc)

    outbound.get(f"{server.url}/ok", headers={"Authorization": "Bearer ours"})
    requests.get(f"{server.url}/ok", headers={"Authorization": "Bearer ours"}, timeout=5).close()

    ours, control = (headers["Authorization"] for _path, headers in server.seen)
    assert ours == "Bearer ours"
    assert control.startswith("Basic ")


def test_proxy_variables_are_not_read(
    outbound: Outbound, server: LoopbackServer, environment: MutableMapping[str, str]
) -> None:
    environment["HTTP_PROXY"] = "http://127.0.0.1:1"

    assert outbound.get(f"{server.url}/ok").status_code == 200


def test_cookies_are_not_kept(outbound: Outbound, server: LoopbackServer) -> None:
    outbound.get(f"{server.url}/ok")
    outbound.get(f"{server.url}/ok")

    assert not any("Cookie" in headers for _path, headers in server.seen)


def test_nobody_listening_is_refused(outbound: Outbound, settings: Settings) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"

        assert failure(outbound, url).kind == OutboundKind.REFUSED


def test_plain_answer_to_https_is_a_tls_error(server: LoopbackServer) -> None:
    with Outbound(read_timeout=0.3, allow_loopback=True) as outbound:
        assert failure(outbound, server.url.replace("http:", "https:")).kind == OutboundKind.TLS


def test_packed_answer_is_refused(outbound: Outbound, server: LoopbackServer) -> None:
    assert failure(outbound, f"{server.url}/packed").kind == OutboundKind.OTHER


def test_chunked_answer_comes_back_whole(outbound: Outbound, server: LoopbackServer) -> None:
    assert outbound.get(f"{server.url}/chunked").content == b"fine by pieces"


def test_connection_is_used_again(outbound: Outbound, server: LoopbackServer) -> None:
    for _each in range(3):
        outbound.get(f"{server.url}/ok")

    assert len({headers["X-Peer"] for _path, headers in server.seen}) == 1


def test_missing_proxy_is_a_proxy_error(outbound: Outbound, settings: Settings) -> None:
    settings.HTTPS_PROXY = "http://127.0.0.1:1"

    assert failure(outbound, "https://cloud.example/").kind == OutboundKind.PROXY


def test_error_holds_neither_request_nor_address(outbound: Outbound, server: LoopbackServer) -> None:
    error = failure(outbound, f"{server.url}/slow?token=lss_very-secret")

    assert "secret" not in f"{error!r}{vars(error)}"
    assert error.__context__ is None
    assert error.__cause__ is None


@pytest.mark.parametrize("url", ["ftp://cloud.example/", "file:///etc/passwd", "https://a:b@cloud.example/"])
def test_other_schemes_and_passwords_in_addresses_are_refused(url: str, outbound: Outbound) -> None:
    with pytest.raises((AddressNotAllowed, requests.exceptions.InvalidSchema)):
        outbound.get(url)


def test_loopback_is_refused_unless_configured(server: LoopbackServer, settings: Settings) -> None:
    settings.CLOUD_URLS = []
    with Outbound() as outbound, pytest.raises(AddressNotAllowed):
        outbound.get(f"{server.url}/ok")

    assert server.seen == []


def test_loopback_may_be_allowed_by_the_caller(server: LoopbackServer, settings: Settings) -> None:
    settings.CLOUD_URLS = []
    with Outbound(allow_loopback=True) as outbound:
        assert outbound.get(f"{server.url}/ok").status_code == 200


def test_origin_binds_the_session_to_one_place(server: LoopbackServer) -> None:
    with Outbound(origin="https://cloud.example") as outbound, pytest.raises(AddressNotAllowed):
        outbound.get(f"{server.url}/ok")

    assert server.seen == []


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("169.254.169.254", True),
        ("::ffff:169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("224.0.0.1", True),
        ("0.0.0.0", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.7", False),
        ("192.0.2.7", False),
    ],
)
def test_peers_that_must_not_be_reached(address: str, is_refused: bool) -> None:
    parsed = parse_address(address)

    assert parsed is not None
    assert is_forbidden(parsed, allow_loopback=False) is is_refused


@pytest.mark.django_db(transaction=True)
def test_open_transaction_is_refused(outbound: Outbound, server: LoopbackServer) -> None:
    with transaction.atomic(), pytest.raises(OpenTransaction):
        outbound.get(f"{server.url}/ok")

    assert server.seen == []
    assert outbound.get(f"{server.url}/ok").status_code == 200


@pytest.mark.django_db
def test_transaction_of_the_suite_does_not_count(outbound: Outbound, server: LoopbackServer) -> None:
    assert outbound.get(f"{server.url}/ok").status_code == 200

    with transaction.atomic(), pytest.raises(OpenTransaction):
        outbound.get(f"{server.url}/ok")


@pytest.mark.parametrize(
    ("no_proxy", "host", "is_direct"),
    [
        ("cloud.example", "cloud.example", True),
        (".example", "cloud.example", True),
        ("example", "cloud.example", True),
        ("example", "badexample", False),
        ("*", "cloud.example", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "192.0.2.1", False),
        ("", "cloud.example", False),
        ("", "localhost", True),
        ("", "127.0.0.1", True),
    ],
)
def test_no_proxy(no_proxy: str, host: str, is_direct: bool, settings: Settings) -> None:
    settings.NO_PROXY = no_proxy
    settings.HTTPS_PROXY = "http://proxy.example:3128"

    assert is_exempt(host) is is_direct
    assert proxy_for(f"https://{host}/") == ("" if is_direct else "http://proxy.example:3128")


def test_http_needs_no_https_proxy(settings: Settings) -> None:
    settings.HTTPS_PROXY = "http://proxy.example:3128"

    assert proxy_for("http://cloud.example/") == ""
