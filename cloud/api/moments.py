"""Times as the API writes them."""

from datetime import UTC, datetime


def written(moment: datetime) -> str:
    """In UTC, to the second: 2026-03-02T09:30:00Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def written_if_any(moment: datetime | None) -> str | None:
    """The same, and null where there was none."""
    return written(moment) if moment else None
