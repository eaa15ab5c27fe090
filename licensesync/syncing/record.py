"""The weekly connection record: about the server and its license, never about people."""

from typing import Final

from connect.models import Connection
from licensesync.licenses import license_hash, license_use
from wire.messages import ConnectionRecord, Feature

DORMANCY_THRESHOLD_DAYS: Final = 90
LICENSE_SYNC: Final = "license_sync"


def features(connection: Connection) -> tuple[Feature, ...]:
    """Return what the connection is used for, and since when."""
    return (Feature(name=LICENSE_SYNC, enabled_at=connection.license_sync_enabled_at),)


def connection_record(connection: Connection) -> ConnectionRecord:
    """Return the record as it would be sent now."""
    server = connection.server
    use = license_use(server)
    return ConnectionRecord(
        server_id=str(server.server_id),
        hostname=server.hostname,
        http_only=server.http_only,
        version=server.version,
        license_public_key="",
        license_hash=license_hash(use.license),
        customer_name=use.license.customer if use.license else "",
        features=features(connection),
        dormancy_threshold_days=DORMANCY_THRESHOLD_DAYS,
        dormant_users=use.source.dormant if use.source else 0,
        license_consuming_seats=use.used,
    )
