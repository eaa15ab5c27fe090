"""How each side opens its books for a new enterprise; the project says it, which alone knows both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.services import open_ledger
from connect.services import register_server
from enterprises import founding
from enterprises.models import Deployment, Enterprise

if TYPE_CHECKING:
    from datetime import datetime


def register() -> None:
    """Called once, when the apps are ready."""
    founding.register(Deployment.SERVER, open_server)
    founding.register(Deployment.CLOUD, open_cloud)


def open_server(enterprise: Enterprise, particulars: founding.Particulars, at: datetime) -> None:
    """A server's identity: its id and its key."""
    register_server(enterprise=enterprise, hostname=particulars.hostname, version=particulars.version, at=at)


def open_cloud(enterprise: Enterprise, particulars: founding.Particulars, at: datetime) -> None:
    """A cloud account's ledger, with the seats that were purchased."""
    open_ledger(enterprise=enterprise, seats_purchased=particulars.seats, at=at)
