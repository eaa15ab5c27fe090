"""The cloud account octo with empty books, and a DNS server that the console asks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import Settings

    from cloud.models import Ledger
    from enterprises.models import Enterprise
    from tests.cloud_domains.dns_server import DnsServer


@pytest.fixture
def ledger(cloud_enterprise: Enterprise) -> Ledger:
    """The books of octo, empty, with thirty purchased licenses."""
    ledger: Ledger = import_module("cloud.services").open_ledger(
        enterprise=cloud_enterprise, seats_purchased=30, at=import_module("tests.factories").NOW
    )
    return ledger


@pytest.fixture(scope="session")
def dns_process() -> Iterator[DnsServer]:
    """One server for the whole run."""
    with import_module("tests.cloud_domains.dns_server").serve() as server:
        yield server


@pytest.fixture
def dns_server(dns_process: DnsServer, settings: Settings) -> DnsServer:
    """The server, empty, and asked by the console."""
    dns_process.zone.clear()
    dns_process.strange.clear()
    dns_process.asked.clear()
    settings.DNS_RESOLVERS = [("127.0.0.1", dns_process.port)]
    return dns_process
