"""The cloud's API with its servers, as its own tests have it."""

from tests.cloud_api.conftest import anonymous, installation, ledger, server

__all__ = ["anonymous", "installation", "ledger", "server"]
