"""The cloud account octo with empty books."""

from tests.cloud.conftest import ledger

__all__ = ["ledger"]
