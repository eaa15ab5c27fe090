"""A cloud account to keep books for.

pytest may load this before Django is ready, so models are imported when the first fixture needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cloud.models import Ledger


@pytest.fixture
def ledger(db: None) -> Ledger:
    """The empty books of the enterprise octo."""
    from tests.cloud.books import open_books

    return open_books("octo")
