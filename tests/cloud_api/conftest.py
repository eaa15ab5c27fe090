"""The cloud account octo with its owner, a server, and the credentials of both.

pytest loads this module before Django is ready, so what the fixtures make is imported when the first one needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cloud.models import Installation, Ledger
    from enterprises.models import Enterprise, User
    from tests.cloud_api.servers import Api, FakeServer


@pytest.fixture
def ledger(cloud_enterprise: Enterprise) -> Ledger:
    """The books of octo, with a hundred purchased licenses."""
    moment = import_module("tests.factories").NOW
    ledger: Ledger = import_module("cloud.services").open_ledger(
        enterprise=cloud_enterprise, seats_purchased=100, at=moment
    )
    return ledger


@pytest.fixture
def server() -> FakeServer:
    """A server that is not connected yet."""
    server: FakeServer = import_module("tests.cloud_api.servers").FakeServer()
    return server


@pytest.fixture
def installation(server: FakeServer, ledger: Ledger) -> Installation:
    """The server's App, connected."""
    return server.installed(ledger)


def _api(credential: str = "") -> Api:
    api: Api = import_module("tests.cloud_api.servers").Api(credential)
    return api


def _token(user: User, scope: str) -> str:
    _row, secret = import_module("tests.factories").make_token(user, scope)
    return str(secret)


@pytest.fixture
def anonymous() -> Api:
    """Nobody in particular."""
    return _api()


@pytest.fixture
def app_api(server: FakeServer, installation: Installation) -> Api:
    """The connected App, by its JWT."""
    return _api(f"Bearer {server.jwt(installation.pk)}")


@pytest.fixture
def server_api(app_api: Api, installation: Installation) -> Api:
    """The connected server, by an installation token."""
    minted = app_api.post(f"/app/installations/{installation.pk}/access_tokens").json()
    return _api(f"token {minted['token']}")


@pytest.fixture
def owner_api(owner: User, ledger: Ledger) -> Api:
    """The owner of octo with a token for everything."""
    return _api(f"Bearer {_token(owner, 'admin:enterprise')}")


@pytest.fixture
def reader_api(billing_manager: User, ledger: Ledger) -> Api:
    """The billing manager of octo with a token for reading."""
    return _api(f"token {_token(billing_manager, 'read:enterprise')}")


@pytest.fixture
def stranger_api(stranger: User, ledger: Ledger) -> Api:
    """Somebody who owns something else, with a token for everything."""
    return _api(f"Bearer {_token(stranger, 'admin:enterprise')}")
