"""Slow down whoever guesses credentials.

Only failures are counted and only failures are slowed down: servers that share an address with a guesser, behind a
proxy for example, keep their access. Secrets have 256 bits, so a guess that comes true is not what this is about.
"""

import logging

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from redis.exceptions import RedisError

from cloud.api.errors import Refused
from enterprises.audit import actor_ip
from wire.messages import ErrorCode

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
MAX_FAILURES = 30


def failed(request: HttpRequest, refusal: Refused) -> Refused:
    """What to answer to a failed attempt: its refusal, or 429 once there were too many within a minute."""
    now = int(timezone.now().timestamp())
    ip = actor_ip(request)
    count = _count(f"api-failures:{ip}:{now // WINDOW_SECONDS}")
    if count <= MAX_FAILURES:
        logger.warning("A credential was refused.", extra={"ip": ip})
        return refusal
    if count == MAX_FAILURES + 1:
        # The last line of this minute: whoever guesses must not fill the disk with lines.
        logger.warning("Failed attempts are slowed down.", extra={"ip": ip})
    wait = WINDOW_SECONDS - now % WINDOW_SECONDS
    return Refused(ErrorCode.RATE_LIMITED, "Too many failed attempts; try again later.", retry_after=wait)


def _count(key: str) -> int:
    try:
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        return cache.incr(key)
    except ValueError:
        # The cache dropped the key between the two calls.
        return 1
    except RedisError:
        logger.warning("The cache does not answer; failed attempts are not counted.")
        return 1
