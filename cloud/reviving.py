"""Whether a server that was disconnected may report again by file: one name an account, one account a server."""

from cloud.models import Installation, Ledger
from cloud.refusals import Code, UploadCode
from wire.messages import ErrorCode


def in_the_way(ledger: Ledger, installation: Installation) -> Code | None:
    """Return why it may not by now; None where it may, and for a server that reports anyhow."""
    if installation.state in Installation.LIVE:
        return None
    live = Installation.objects.filter(state__in=Installation.LIVE).exclude(pk=installation.pk)
    if live.filter(server_id=installation.server_id, server_key=installation.server_key).exists():
        return UploadCode.OTHER_ACCOUNT
    return ErrorCode.CONNECTION_EXISTS if live.filter(ledger=ledger, hostname=installation.hostname).exists() else None
