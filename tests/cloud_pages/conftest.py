"""The cloud account octo with empty books."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cloud.models import Ledger
    from enterprises.models import Enterprise


@pytest.fixture
def ledger(cloud_enterprise: Enterprise) -> Ledger:
    """The books of octo, empty, with thirty purchased licenses."""
    ledger: Ledger = import_module("cloud.services").open_ledger(
        enterprise=cloud_enterprise, seats_purchased=30, at=import_module("tests.factories").NOW
    )
    return ledger
