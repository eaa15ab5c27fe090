"""The contested example, written once for a module; each test finds it as it was made."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tests.support.shared_rows import shared_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

    from cloud.models import Ledger
    from enterprises.models import Enterprise, User


@pytest.fixture(scope="module")
def example(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Ledger]:
    """35 counted apart, 25 people, thirty purchased licenses; the owner is olivia, bill pays."""
    factories = import_module("tests.factories")
    with shared_rows(django_db_blocker):
        with django_db_blocker.unblock():
            enterprise = factories.make_cloud_enterprise("octo", owner=factories.make_user("olivia"))
            factories.make_billing_manager(factories.make_user("bill"), enterprise)
            ledger: Ledger = import_module("cloud.services").open_ledger(
                enterprise=enterprise, seats_purchased=30, at=factories.NOW
            )
            import_module("tests.cloud_pages.scenes").fill(ledger)
        yield ledger


@pytest.fixture
def contested(example: Ledger, db: None) -> Ledger:
    """The books, read anew."""
    return type(example).objects.get(pk=example.pk)


@pytest.fixture
def cloud_enterprise(contested: Ledger) -> Enterprise:
    return contested.enterprise


@pytest.fixture
def owner(contested: Ledger) -> User:
    user: User = import_module("enterprises.models").User.objects.get(username="olivia")
    return user
