"""A moment in words, for sentences: pages of facts and mails. Templates have components/time.html."""

from datetime import datetime

from django.utils import formats, timezone


def in_words(at: datetime) -> str:
    """Return the date and hour in the reader's language and zone, with the name of the zone; ``at`` is aware."""
    local = timezone.localtime(at)
    return f"{formats.date_format(local, 'DATETIME_FORMAT')} {local.tzname()}"
