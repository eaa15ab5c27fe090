"""What the audit log says of a change of seats: numbers, nobody's name."""

from datetime import datetime

from connect.models import Server
from enterprises import audit
from enterprises.models import User
from licensesync.models import SeatSource
from licensesync.seats.changes import SeatChange


def audit_import(
    server: Server,
    change: SeatChange,
    *,
    by: User | None,
    at: datetime,
    ip: str = "",
    kind: SeatSource.Kind = SeatSource.Kind.IMPORT,
) -> None:
    """Write one event, in the transaction of the switch; without a person it is the system's own doing."""
    audit.record(
        enterprise=server.enterprise,
        action="seats.import",
        by=by,
        at=at,
        ip=ip,
        target=server.hostname,
        before={"accounts": change.held, "license_consuming": change.license_consuming_before},
        after={
            "source": kind,
            "accounts": change.accounts,
            "license_consuming": change.license_consuming,
            "added": change.added,
            "changed": change.changed,
            "removed": change.removed,
            "partial": change.is_partial,
        },
    )
