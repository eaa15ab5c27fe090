"""The people and places that most tests are about: two enterprises, their owner, who pays, and somebody else.

pytest loads this module before Django is ready, so the factories are imported when the first fixture needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from datetime import datetime
    from types import ModuleType

    from enterprises.models import Enterprise, User


def _factories() -> ModuleType:
    from tests import factories

    return factories


@pytest.fixture
def now() -> datetime:
    """A Monday morning; services take it as `at`."""
    moment: datetime = _factories().NOW
    return moment


@pytest.fixture
def owner(db: None) -> User:
    """Owns server_enterprise and cloud_enterprise, where a test asks for them."""
    user: User = _factories().make_user("olivia")
    return user


@pytest.fixture
def billing_manager(db: None) -> User:
    """Sees server_enterprise and cloud_enterprise, where a test asks for them, and changes nothing."""
    user: User = _factories().make_user("bill")
    return user


@pytest.fixture
def stranger(db: None) -> User:
    """Can sign in, and owns something else."""
    user: User = _factories().make_user("sam")
    _factories().make_server_enterprise("elsewhere", owner=user)
    return user


@pytest.fixture
def server_enterprise(owner: User, billing_manager: User) -> Enterprise:
    """On the server's side; the account alone, without identity, seats or connection."""
    enterprise: Enterprise = _factories().make_server_enterprise("octo-server", owner=owner)
    _factories().make_billing_manager(billing_manager, enterprise)
    return enterprise


@pytest.fixture
def cloud_enterprise(owner: User, billing_manager: User) -> Enterprise:
    """On the cloud's side; the account alone, without a ledger."""
    enterprise: Enterprise = _factories().make_cloud_enterprise("octo", owner=owner)
    _factories().make_billing_manager(billing_manager, enterprise)
    return enterprise


@pytest.fixture
def owner_client(owner: User) -> Client:
    """A browser in which the owner is signed in."""
    client = Client()
    client.force_login(owner)
    return client
