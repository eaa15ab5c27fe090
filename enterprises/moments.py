"""A moment in words, for sentences, and as commands print it. Templates have components/time.html."""

from datetime import datetime

from django.utils import formats, timezone


def in_words(at: datetime) -> str:
    """Return the date and hour in the reader's language and zone, with the name of the zone; ``at`` is aware."""
    local = timezone.localtime(at)
    return f"{formats.date_format(local, 'DATETIME_FORMAT')} {local.tzname()}"


def iso(moment: datetime | None) -> str | None:
    """Return a time as commands and files have it, to the second with its offset (ISO 8601)."""
    return moment.isoformat(timespec="seconds") if moment else None
