"""Keep what a server says of itself once a week: its version, its license, its features. Nothing about people."""

from datetime import datetime

import msgspec

from cloud.models import Installation
from wire.messages import ConnectionRecord


def keep_record(*, installation: Installation, record: ConnectionRecord, at: datetime) -> None:
    """Replace the connection record; the version and the scheme of the server follow it, its name does not."""
    Installation.objects.filter(pk=installation.pk, state=Installation.State.CONNECTED).update(
        record=msgspec.to_builtins(record),
        record_at=at,
        version=record.version,
        http_only=record.http_only,
    )
