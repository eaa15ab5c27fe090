"""Beat's sign of life: beat leaves one when it starts and with every tick, and whoever watches asks for the last."""

import enum
import logging
from datetime import UTC, datetime

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from config import alive

logger = logging.getLogger(__name__)

SILENT_AFTER_SECONDS = 180
"""Three ticks; and as long a console that has just started waits for its beat."""
BRIDGED_SECONDS = 65
"""A broker that was emptied lost the last sign, and a beat that lives gives the next one within a minute."""

_LAST_SIGN = "beat-last-sign"
_MISSED_SINCE = "beat-missed-since"
_started_at = datetime.now(UTC)


class Beat(enum.StrEnum):
    """How beat is, in the words of ``/readyz``."""

    OK = "ok"
    AWAITED = "awaited"
    SILENT = "silent: no tick for more than three minutes"
    NEVER_HEARD = "silent: no tick since the broker was started or emptied"
    UNKNOWN = "unknown: the broker does not answer"

    @property
    def is_red(self) -> bool:
        return self not in {Beat.OK, Beat.AWAITED}


def give_sign() -> None:
    """For beat itself. The clock is that of its machine; no sign is ever forgotten but with all the broker holds."""
    alive.touch()
    try:
        cache.set(_LAST_SIGN, _seconds(timezone.now()), timeout=None)
    except RedisError as error:
        logger.warning("The cache did not take beat's sign of life.", extra={"error": type(error).__name__})


def beat_state() -> Beat:
    """Whether beat gave a sign lately. Where there is none, it is waited for from the first time that it is missed."""
    now = timezone.now()
    try:
        last = cache.get(_LAST_SIGN)
        if last is not None:
            # Whichever way: a sign from the future is of before the clock was set back, and says nothing of now.
            return Beat.SILENT if abs(_seconds(now) - last) > SILENT_AFTER_SECONDS else Beat.OK
        missed_since = cache.get_or_set(_MISSED_SINCE, _seconds(now), timeout=None) or _seconds(now)
    except RedisError:
        return Beat.UNKNOWN
    is_fresh = (now - _started_at).total_seconds() <= SILENT_AFTER_SECONDS
    patience = SILENT_AFTER_SECONDS if is_fresh else BRIDGED_SECONDS
    return Beat.NEVER_HEARD if _seconds(now) - missed_since > patience else Beat.AWAITED


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
