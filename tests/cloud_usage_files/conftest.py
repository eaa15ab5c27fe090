"""A cloud account, its owner, and a server that no line leads to.

pytest may load this before Django is ready, so models are imported when the first fixture needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cloud.models import Ledger
    from tests.support.usage_files import FileServer


@pytest.fixture
def ledger(db: None) -> Ledger:
    """The empty books of the enterprise octo."""
    from tests.cloud.books import open_books

    return open_books("octo")


@pytest.fixture
def far() -> FileServer:
    """A server that reports by file."""
    from tests.support.usage_files import FileServer

    return FileServer()
