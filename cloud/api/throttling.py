"""Slow down whoever guesses credentials.

Only failures are counted and only failures are slowed down: servers that share an address with a guesser, behind a
proxy for example, keep their access. Secrets have 256 bits, so a guess that comes true is not what this is about.
"""

import logging

from django.http import HttpRequest

from cloud.api.errors import Refused
from enterprises.audit import actor_ip
from enterprises.throttling import seconds_to_wait
from wire.messages import ErrorCode

logger = logging.getLogger(__name__)

MAX_FAILURES = 30


def failed(request: HttpRequest, refusal: Refused) -> Refused:
    """What to answer to a failed attempt: its refusal, or 429 once there were too many within a minute."""
    wait = seconds_to_wait(request, "credential", most=MAX_FAILURES)
    if wait:
        return Refused(ErrorCode.RATE_LIMITED, "Too many failed attempts; try again later.", retry_after=wait)
    logger.warning("A credential was refused.", extra={"ip": actor_ip(request)})
    return refusal
