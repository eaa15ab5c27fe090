"""The empty books of octo, as the cloud's own tests have them."""

from tests.cloud.conftest import ledger

__all__ = ["ledger"]
