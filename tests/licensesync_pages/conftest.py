"""A server enterprise with its server, and the clouds that it may connect to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django import Settings

    from enterprises.models import Enterprise, User
    from tests.licensesync_pages.scenes import Stage


@pytest.fixture
def stage(server_enterprise: Enterprise, owner: User, settings: Settings) -> Stage:
    """The owner's server, as create_enterprise leaves it, and one cloud to connect to."""
    scenes = import_module("tests.licensesync_pages.scenes")
    settings.CLOUD_URLS = [import_module("tests.licensesync.world").CLOUD_URL]
    register = import_module("connect.services").register_server
    at = import_module("django.utils.timezone").now()
    register(enterprise=server_enterprise, hostname="ghes1.octo.example", version="3.19.1", at=at)
    made: Stage = scenes.stage_of(server_enterprise, owner)
    return made
