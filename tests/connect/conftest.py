"""A server and, where a test asks for it, a connection that looks connected without any cloud.

pytest loads this module before Django is ready, so what the fixtures make is imported when the first one needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import Settings

    from connect.models import Connection, Server
    from enterprises.models import User
    from tests.connect.hostile import HostileCloud


@pytest.fixture
def server(owner: User) -> Server:
    """A server of the owner, not connected."""
    server: Server = import_module("tests.support.line").make_server("octo-server", owner=owner)
    return server


@pytest.fixture
def hostile(settings: Settings) -> Iterator[HostileCloud]:
    """Something that listens where the cloud should be."""
    with import_module("tests.connect.hostile").HostileCloud() as cloud:
        settings.CLOUD_URLS = [cloud.url]
        yield cloud


@pytest.fixture
def connection(server: Server, settings: Settings) -> Connection:
    """Connected to the configured cloud, with keys but without a token."""
    connection: Connection = import_module("tests.connect.connections").make_connected(server, settings.CLOUD_URLS[0])
    return connection
