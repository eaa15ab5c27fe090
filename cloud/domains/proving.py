"""What owners and the daily look do to the domains of an account: one transaction each, with its audit row.

DNS is asked between transactions, never within one. What it answered counts only while the code is still the one that
was asked for.
"""

import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from cloud.domains import resolving
from cloud.domains.names import challenge_name
from cloud.domains.resolving import MISSING, Outcome
from cloud.locks import locked
from cloud.models import DomainChallenge, Ledger, VerifiedDomain
from enterprises.audit import record
from enterprises.models import User

CODE_LIFETIME: Final = timedelta(days=7)
"""As GitHub's codes."""
GRACE: Final = timedelta(days=7)
"""So long a verified domain stays verified while its record is missing."""
EVERY: Final = timedelta(days=1)
FIRST_RETRY: Final = timedelta(hours=1)
MAX_DOMAINS: Final = 100
"""Of one account, whatever their state."""

_places = threading.BoundedSemaphore(2)

Ask = Callable[[str, str], Outcome]


class DomainTaken(Exception):
    """The account has added this domain before."""


class TooManyDomains(Exception):
    """The account has as many domains as an account may have."""


class CodeExpired(Exception):
    """The code is over: a record that holds it proves nothing any more."""


class Busy(Exception):
    """As many records as may be looked up at once in this process are being looked up; DNS is not asked."""


class DomainGone(Exception):
    """The domain was deleted, or got another code, while DNS was asked."""


def add(*, ledger: Ledger, domain: str, by: User | None, at: datetime, ip: str = "") -> DomainChallenge:
    """Add a checked domain with a code of its own; it takes no effect yet.

    :raises DomainTaken: it is there already.
    :raises TooManyDomains: there are `MAX_DOMAINS`.
    """
    with locked(ledger) as held:
        if held.challenges.filter(domain=domain).exists() or held.domains.filter(domain=domain).exists():
            raise DomainTaken
        if held.challenges.count() >= MAX_DOMAINS:
            raise TooManyDomains
        challenge = held.challenges.create(domain=domain, code=_code(), added_at=at, expires_at=at + CODE_LIFETIME)
        record(enterprise=held.enterprise, action="enterprise_domain.create", by=by, at=at, ip=ip, target=domain)
    return challenge


def renew(*, ledger: Ledger, domain: str, by: User | None, at: datetime, ip: str = "") -> DomainChallenge:
    """Give a domain a new code; one that is looked up daily keeps the code that its record holds.

    :raises DomainGone: the account has no such domain.
    """
    with locked(ledger) as held:
        challenge = held.challenges.filter(domain=domain).first()
        if challenge is None and not held.domains.filter(domain=domain).exists():
            raise DomainGone
        if challenge is None:
            challenge = DomainChallenge(ledger=held, domain=domain, added_at=at)
        if challenge.check_at is not None:
            return challenge
        challenge.code, challenge.expires_at, challenge.outcome = _code(), at + CODE_LIFETIME, ""
        challenge.checked_at = challenge.missing_since = challenge.lapsed_at = None
        challenge.save()
        record(enterprise=held.enterprise, action="enterprise_domain.renew", by=by, at=at, ip=ip, target=domain)
    return challenge


def verify(
    challenge: DomainChallenge, *, by: User | None, at: datetime, ip: str = "", ask: Ask = resolving.ask
) -> Outcome:
    """Ask DNS for the record of a domain, and write down what it said; takes `resolving.LIFETIME_SECONDS` at most.

    :raises CodeExpired: the domain is not verified and its code is over; DNS is not asked.
    :raises DomainGone: see there.
    """
    if challenge.check_at is None and challenge.expires_at <= at:
        raise CodeExpired
    name = challenge_name(challenge.ledger.enterprise.slug, challenge.domain)
    outcome = ask(name, challenge.code)
    with locked(challenge.ledger_id) as held:
        now = held.challenges.filter(pk=challenge.pk, code=challenge.code).first()
        if now is None:
            raise DomainGone
        now.checked_at, now.outcome = at, outcome
        verified = held.domains.filter(domain=now.domain).first()
        if outcome is Outcome.FOUND:
            _found(held, now, verified, by=by, at=at, ip=ip)
        elif now.check_at is not None:
            _not_found(held, now, verified, at=at)
        now.save()
    return outcome


def verify_soon(challenge: DomainChallenge, *, by: User | None, at: datetime, ip: str = "") -> Outcome:
    """As `verify`, for pages: slow name servers hold two threads of a web process, never all of them.

    :raises Busy: see there.
    """
    if not _places.acquire(blocking=False):
        raise Busy
    try:
        return verify(challenge, by=by, at=at, ip=ip)
    finally:
        _places.release()


def _found(
    ledger: Ledger, challenge: DomainChallenge, held: VerifiedDomain | None, *, by: User | None, at: datetime, ip: str
) -> None:
    challenge.check_at, challenge.unanswered = at + EVERY, 0
    challenge.missing_since = challenge.lapsed_at = None
    if held is not None and held.verified_at is not None:
        return
    ledger.domains.update_or_create(domain=challenge.domain, defaults={"verified_at": at})
    record(
        enterprise=ledger.enterprise,
        action="enterprise_domain.verify",
        by=by,
        at=at,
        ip=ip,
        target=challenge.domain,
    )


def _not_found(ledger: Ledger, challenge: DomainChallenge, held: VerifiedDomain | None, *, at: datetime) -> None:
    """A record that is missing ends the verification after a while; no answer at all never does."""
    if challenge.outcome not in MISSING:
        challenge.unanswered += 1
        challenge.check_at = at + min(FIRST_RETRY * 2 ** min(challenge.unanswered - 1, 5), EVERY)
        return
    challenge.unanswered = 0
    challenge.missing_since = challenge.missing_since or at
    challenge.check_at = at + EVERY
    if at - challenge.missing_since >= GRACE:
        challenge.check_at, challenge.lapsed_at, challenge.expires_at = None, at, at
        _lapse(ledger, challenge, held, at=at)


def _lapse(ledger: Ledger, challenge: DomainChallenge, held: VerifiedDomain | None, *, at: datetime) -> None:
    if held is None:
        return
    if held.approved_at is None:
        held.delete()
    else:
        held.verified_at = None
        held.save(update_fields=["verified_at"])
    record(
        enterprise=ledger.enterprise,
        action="enterprise_domain.lapse",
        by=None,
        at=at,
        target=challenge.domain,
        before={"state": "verified"},
        after={"state": "approved" if held.approved_at else "none", "outcome": challenge.outcome},
    )


def approve(*, ledger: Ledger, domain: str, by: User | None, at: datetime, ip: str = "") -> bool:
    """Let a domain take effect without proof; whether it did not do so by approval before."""
    with locked(ledger) as held:
        if held.domains.filter(domain=domain, approved_at__isnull=False).exists():
            return False
        held.domains.update_or_create(domain=domain, defaults={"approved_at": at})
        record(enterprise=held.enterprise, action="enterprise_domain.approve", by=by, at=at, ip=ip, target=domain)
    return True


def delete(*, ledger: Ledger, domain: str, by: User | None, at: datetime, ip: str = "") -> bool:
    """Take a domain away with its code; whether there was one."""
    with locked(ledger) as held:
        verified = held.domains.filter(domain=domain).first()
        challenges, _rows = held.challenges.filter(domain=domain).delete()
        if verified is not None:
            verified.delete()
        elif not challenges:
            return False
        record(
            enterprise=held.enterprise,
            action="enterprise_domain.destroy",
            by=by,
            at=at,
            ip=ip,
            target=domain,
            before={"state": _state(verified)},
        )
    return True


def _state(verified: VerifiedDomain | None) -> str:
    if verified is None:
        return "pending"
    return "verified" if verified.verified_at else "approved"


def _code() -> str:
    return secrets.token_hex(16)
