"""Slow down whoever guesses credentials, and whoever asks for too much with a right one.

Failures are counted by address, and only failures are slowed down by it: servers that share an address with a guesser,
behind a proxy for example, keep their access. Secrets have 256 bits, so a guess that comes true is not what this is
about. Requests with a right credential are counted by whose it is.
"""

import logging

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from cloud.api.errors import Refused
from enterprises.audit import actor_ip
from enterprises.throttling import MAX_FAILURES, MAX_REQUESTS, Allowance, count_request, seconds_to_wait
from wire.messages import ErrorCode

logger = logging.getLogger(__name__)


def failed(request: HttpRequest, refusal: Refused) -> Refused:
    """What to answer to a failed attempt: its refusal, or 429 once there were too many within a minute."""
    wait = seconds_to_wait(request, "credential", most=MAX_FAILURES)
    if wait:
        return Refused(ErrorCode.RATE_LIMITED, "Too many failed attempts; try again later.", retry_after=wait)
    logger.warning("A credential was refused.", extra={"ip": actor_ip(request)})
    return refusal


def check_rate(request: HttpRequest, caller: str) -> None:
    """:raises Refused: rate_limited, where ``caller`` has asked too often within this minute"""
    allowance = count_request(caller, request, "api", most=MAX_REQUESTS)
    request.allowance = allowance  # type: ignore[attr-defined]
    if wait := allowance.seconds_to_wait:
        raise Refused(ErrorCode.RATE_LIMITED, "Too many requests; try again later.", retry_after=wait)


def say_allowance(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add the headers by which GitHub says what is left, where the caller is known."""
    allowance: Allowance | None = getattr(request, "allowance", None)
    if allowance is None:
        return
    facts = {
        "Limit": allowance.limit,
        "Remaining": allowance.remaining,
        "Used": min(allowance.used, allowance.limit),
        "Reset": allowance.resets_at,
        "Resource": "core",
    }
    for name, value in facts.items():
        response[f"X-RateLimit-{name}"] = str(value)
