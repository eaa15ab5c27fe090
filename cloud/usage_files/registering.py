"""Register a server that no line leads to, by the fingerprint of its key."""

from datetime import datetime

from cloud.models import Channel, Installation, Ledger
from cloud.signer import current_signer
from cloud.usage_files.senders import check_name_is_free
from enterprises import audit
from enterprises.models import User
from wire import signing
from wire.usage import UsageHeader


def register_server(ledger: Ledger, header: UsageHeader, *, by: User | None, at: datetime, ip: str) -> Installation:
    """Make the row of a server whose key somebody has compared, under the lock of the books.

    :raises cloud.usage_files.UploadRefused: another live server of the account has the name
    """
    check_name_is_free(ledger, header)
    installation = Installation.objects.create(
        ledger=ledger,
        server_id=header.server_id,
        hostname=header.host_name,
        http_only=header.http_only,
        version=header.version,
        state=Installation.State.BY_FILE,
        server_key=header.server_key,
        receipt_kid=current_signer(at).kid,
        created_at=at,
        connected_by=by,
        last_channel=Channel.FILE,
        held_channel=Channel.FILE,
    )
    audit.record(
        enterprise=ledger.enterprise,
        action="enterprise_installation.register",
        by=by,
        at=at,
        ip=ip,
        target=header.host_name,
        after={
            "installation_id": installation.pk,
            "server_id": header.server_id,
            "version": header.version,
            "server_key_fingerprint": signing.fingerprint(header.server_key),
        },
    )
    return installation
