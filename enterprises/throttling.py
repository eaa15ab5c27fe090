"""Slow down whoever guesses, and whoever asks for too much: counted by minute, in the cache that all processes share.

Guesses are counted by address. What somebody does who was let in is counted by who it is.

Passwords have limits of their own (ACCOUNT_RATE_LIMITS), which also count by person.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.cache import cache
from django.shortcuts import render
from django.utils import timezone
from redis.exceptions import RedisError

from enterprises import uploads
from enterprises.audit import actor_ip, counted_ip

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from enterprises.requests import SignedInRequest

logger = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60
# Credentials that open nothing, by address.
MAX_FAILURES: Final = 30
# Of the REST APIs, by server and by token: the parts of ten million accounts take longer to read than this allows.
MAX_REQUESTS: Final = 1200


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How often somebody may ask within a minute, and did, this time included; a new minute begins at ``resets_at``."""

    limit: int
    used: int
    asked_at: int
    resets_at: int

    @property
    def remaining(self) -> int:
        """How many more there are within this minute."""
        return max(self.limit - self.used, 0)

    @property
    def seconds_to_wait(self) -> int:
        """0 as long as nothing was asked too often."""
        return self.resets_at - self.asked_at if self.used > self.limit else 0


def seconds_to_wait(request: HttpRequest, what: str, *, most: int) -> int:
    """Count one more attempt at ``what``: 0 for the first ``most`` of an address within a minute, then the wait.

    What is guessed has 100 bits and more, so that nothing is counted, and nobody kept out, while the cache is away.
    """
    return _count_one(request, f"attempts:{what}:{counted_ip(request)}", most).seconds_to_wait


def seconds_to_wait_for(caller: str, request: HttpRequest, what: str, *, most: int) -> int:
    """As `seconds_to_wait`, for ``caller`` wherever it calls from: a server, a token or a person that was let in."""
    return count_request(caller, request, what, most=most).seconds_to_wait


def count_request(caller: str, request: HttpRequest, what: str, *, most: int) -> Allowance:
    """Count one more request of ``caller``, and say what is left of its allowance."""
    return _count_one(request, f"requests:{what}:{caller}", most)


def seconds_to_wait_for_upload(request: SignedInRequest) -> int:
    """As `seconds_to_wait`, for a person's uploads of whatever kind and their looks at them."""
    return seconds_to_wait_for(f"person:{request.user.pk}", request, "upload", most=uploads.MAX_A_MINUTE)


def too_many(request: HttpRequest, wait: int) -> HttpResponse:
    """The page that too many passwords lead to as well. Nothing was looked at."""
    answer = render(request, "429.html", status=429)
    answer["Retry-After"] = str(wait)
    return answer


def _count_one(request: HttpRequest, counter: str, most: int) -> Allowance:
    now = int(timezone.now().timestamp())
    count = _count(f"{counter}:{now // WINDOW_SECONDS}")
    if count == most + 1:
        # The last line of this minute: whoever guesses must not fill the disk with lines.
        logger.warning("Attempts are slowed down.", extra={"ip": actor_ip(request), "counter": counter})
    minute = now - now % WINDOW_SECONDS
    return Allowance(limit=most, used=count, asked_at=now, resets_at=minute + WINDOW_SECONDS)


def _count(key: str) -> int:
    try:
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        return cache.incr(key)
    except ValueError:
        # The cache dropped the key between the two calls.
        return 1
    except RedisError:
        logger.warning("The cache does not answer; attempts are not counted.")
        return 1
