"""Where a server's seats come from and how fresh they are, in values that page, command and doctor share."""

from typing import Any

from connect.models import Server
from enterprises.moments import iso
from licensesync.failures.sources import OF_SOURCES
from licensesync.models import SeatSource, SourceConfig


def source_values(server: Server) -> dict[str, Any]:
    """Return what ``--json`` says of a source; never its token."""
    config = config_of(server) or SourceConfig()
    seats: SeatSource | None = getattr(server, "seat_source", None)
    failure = OF_SOURCES.get(config.error_code)
    return {
        "kind": config.kind,
        "base_url": config.base_url,
        "user_name": config.user_name,
        "path": config.path,
        "seats_from": seats.kind if seats else None,
        "taken_at": iso(seats.taken_at if seats else None),
        "imported_at": iso(seats.imported_at if seats else None),
        "accounts": seats.accounts if seats else None,
        "license_consuming": seats.license_consuming if seats else None,
        "is_refreshing": config.lease_until is not None or config.requested_at is not None,
        "last_attempt": iso(config.attempted_at),
        "last_success": iso(config.succeeded_at),
        "took_seconds": config.took_seconds,
        "error_code": config.error_code,
        "error": str(failure.sentence) if failure else "",
        "detail": config.error,
        "next_step": str(failure.next_step) if failure else "",
        "license_error": config.license_error,
    }


def config_of(server: Server) -> SourceConfig | None:
    """The source that somebody set, if somebody did."""
    config: SourceConfig | None = getattr(server, "source_config", None)
    return config
