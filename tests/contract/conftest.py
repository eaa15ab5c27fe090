"""A server and a cloud account of one owner, and the real cloud in this process.

pytest loads this module before Django is ready, so what the fixtures make is imported when the first one needs it.
"""

from __future__ import annotations

import itertools
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cloud.models import Ledger
    from connect.models import Connection, Server
    from enterprises.models import User
    from tests.support.wsgi_adapter import WsgiAdapter


@pytest.fixture(autouse=True)
def _keys_from_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making an App key takes a tenth of a second each time; each that is asked for is another one than the last."""
    app_key = import_module("tests.cloud_api.servers").app_key
    pool = itertools.cycle([app_key(number) for number in range(3)])
    monkeypatch.setattr(import_module("wire.signing"), "new_app_key", pool.__next__)


@pytest.fixture
def server(owner: User) -> Server:
    """A server of the owner, not connected."""
    server: Server = import_module("tests.support.line").make_server("octo-server", owner=owner)
    return server


@pytest.fixture
def ledger(owner: User) -> Ledger:
    """The owner's cloud account octo, with its books open."""
    ledger: Ledger = import_module("tests.support.line").make_ledger("octo", owner=owner)
    return ledger


@pytest.fixture
def cloud() -> WsgiAdapter:
    """The cloud, and what was sent to it."""
    adapter: WsgiAdapter = import_module("tests.support.wsgi_adapter").WsgiAdapter()
    return adapter


@pytest.fixture
def connection(server: Server, ledger: Ledger, owner: User) -> Connection:
    """The server, connected to octo."""
    connection: Connection = import_module("tests.support.line").connect(server, ledger.enterprise, owner=owner)
    return connection
