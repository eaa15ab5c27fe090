"""A server that was renamed: the cloud follows, when an owner of the server has said so.

docs/adr/renamed-server-says-so.md.
"""

from datetime import datetime

from cloud.app_keys import ServerGone
from cloud.installing import ConnectionExists
from cloud.locks import hold, locked
from cloud.models import Installation
from cloud.refusals import IntakeRefused
from cloud.services import rename_installation
from enterprises import audit
from wire.messages import ErrorCode

__all__ = ["ServerGone", "follow_rename"]


def follow_rename(*, installation: Installation, former: str, hostname: str, at: datetime, ip: str) -> None:
    """Know a server under its new name; again, and nothing changes.

    :raises ServerGone: it was disconnected or removed while it asked
    :raises IntakeRefused: ``former`` is not the name under which it is known: somebody else renamed it meanwhile
    :raises ConnectionExists: another server of that name reports to the account
    """
    with locked(installation.ledger_id) as ledger:
        held = hold(installation)
        if held is None:
            raise ServerGone
        if held.hostname == hostname:
            return
        if held.hostname != former:
            raise IntakeRefused(ErrorCode.HOSTNAME_CHANGED)
        namesakes = ledger.installations.filter(hostname=hostname, state__in=Installation.LIVE)
        if namesake := namesakes.exclude(pk=held.pk).first():
            raise ConnectionExists(namesake)
        rename_installation(installation=held, hostname=hostname, at=at)
        audit.record(
            enterprise=ledger.enterprise,
            action="enterprise_installation.rename",
            by=None,
            at=at,
            ip=ip,
            target=hostname,
            before={"hostname": former},
            after={"hostname": hostname, "installation_id": held.pk},
        )
