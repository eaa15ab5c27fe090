"""What DNS says of a record, asked of a server that really behaves."""

from __future__ import annotations

import time

import dns.rcode
import dns.resolver
import pytest
from pytest_django.fixtures import Settings

from cloud.domains import resolving
from cloud.domains.resolving import Outcome, ask
from tests.cloud_domains import dns_server as behavior
from tests.cloud_domains.dns_server import DnsServer, Strange

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NAME = "_licensesync-challenge-octo.octo.example"
CODE = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "values",
    [
        [CODE],
        ["v=spf1 -all", CODE, "something else"],
        [f"{CODE[:10]}|{CODE[10:]}"],
        [f" {CODE} "],
    ],
)
def test_code_among_the_records_is_found(values: list[str], dns_server: DnsServer) -> None:
    dns_server.txt(NAME, *values)

    assert ask(NAME, CODE) is Outcome.FOUND
    assert dns_server.questions == [(NAME, "TXT", "udp")]


@pytest.mark.parametrize("value", ["", "other", CODE.upper(), f"x{CODE}", f'"{CODE}"'.replace('"', "'"), "\\255\\254"])
def test_other_values_prove_nothing(value: str, dns_server: DnsServer) -> None:
    dns_server.txt(NAME, value)

    assert ask(NAME, CODE) is Outcome.OTHER_VALUE


def test_long_answer_is_asked_for_again_by_tcp(dns_server: DnsServer) -> None:
    dns_server.txt(NAME, *(f"{number:0200d}" for number in range(9)), CODE)

    assert ask(NAME, CODE) is Outcome.FOUND
    assert dns_server.questions == [(NAME, "TXT", "udp"), (NAME, "TXT", "tcp")]


def test_alias_counts_as_what_stands_at_its_end(dns_server: DnsServer) -> None:
    dns_server.txt("proof.hosting.example", CODE)
    dns_server.alias(NAME, "proof.hosting.example")

    assert ask(NAME, CODE) is Outcome.FOUND
    assert dns_server.names == {NAME}


def test_alias_that_leads_nowhere_is_no_record_and_is_not_followed(dns_server: DnsServer) -> None:
    dns_server.alias(NAME, "elsewhere.example")

    assert ask(NAME, CODE) is Outcome.NO_RECORD
    assert dns_server.names == {NAME}


def test_name_that_is_not_there_and_name_without_such_a_record(dns_server: DnsServer) -> None:
    assert ask(NAME, CODE) is Outcome.NO_NAME

    dns_server.zone[NAME] = []

    assert ask(NAME, CODE) is Outcome.NO_RECORD
    assert dns_server.names == {NAME}


@pytest.mark.parametrize(
    "strange",
    [
        behavior.failing(dns.rcode.SERVFAIL),
        behavior.failing(dns.rcode.REFUSED),
        behavior.failing(dns.rcode.YXDOMAIN),
        behavior.looping,
    ],
    ids=["servfail", "refused", "yxdomain", "looping"],
)
def test_failure_of_the_name_servers_says_nothing_of_the_record(strange: Strange, dns_server: DnsServer) -> None:
    dns_server.strange[NAME] = strange

    assert ask(NAME, CODE) is Outcome.FAILURE


@pytest.mark.parametrize("strange", [behavior.silence, behavior.nonsense])
def test_silence_ends_in_time(strange: Strange, dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "LIFETIME_SECONDS", 0.3)
    dns_server.strange[NAME] = strange
    began = time.monotonic()

    assert ask(NAME, CODE) is Outcome.TIMEOUT
    assert time.monotonic() - began < 3


def test_second_server_is_asked_where_the_first_fails(dns_server: DnsServer, settings: Settings) -> None:
    dns_server.txt(NAME, CODE)
    with behavior.serve() as broken:
        broken.strange[NAME] = behavior.failing(dns.rcode.SERVFAIL)
        settings.DNS_RESOLVERS = [("127.0.0.1", broken.port), ("127.0.0.1", dns_server.port)]

        assert ask(NAME, CODE) is Outcome.FOUND
        assert broken.names == dns_server.names == {NAME}


def test_machine_without_dns_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DNS_RESOLVERS = []
    monkeypatch.setattr("dns.resolver.Resolver.read_resolv_conf", no_configuration)

    assert ask(NAME, CODE) is Outcome.NO_RESOLVER


def no_configuration(*_arguments: object) -> None:
    raise dns.resolver.NoResolverConfiguration
