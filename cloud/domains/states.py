"""Where each domain of an account stands, in words: one sentence, and what to do next."""

import enum
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cloud.domains import coverage
from cloud.domains.names import challenge_name, shown
from cloud.domains.proving import GRACE
from cloud.domains.resolving import Outcome
from cloud.models import DomainChallenge, Ledger, VerifiedDomain


class Standing(enum.Enum):
    """Where a domain stands."""

    VERIFIED = "verified"
    UNRECORDED = "verified_unrecorded"
    RECORD_MISSING = "record_missing"
    APPROVED = "approved"
    PENDING = "pending"
    EXPIRED = "code_expired"
    LAPSED = "lapsed"


def _day(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "DATE_FORMAT")


@dataclass(frozen=True, kw_only=True)
class DomainState:
    """A domain as pages and commands show it. ``members`` have a verified address there.

    ``is_code_good`` tells whether DNS may be asked: else a new code is the next step.
    """

    domain: str
    standing: Standing
    held: VerifiedDomain | None
    challenge: DomainChallenge | None
    record_name: str
    is_code_good: bool
    members: int

    @property
    def name(self) -> str:
        """The domain as people write it."""
        return shown(self.domain)

    @property
    def is_effective(self) -> bool:
        """Whether addresses on it are shown."""
        return self.held is not None

    @property
    def is_approved(self) -> bool:
        """Whether an owner let it take effect without proof."""
        return self.held is not None and self.held.approved_at is not None

    @property
    def tone(self) -> str:
        """The color of the label."""
        return _TONES[self.standing]

    @property
    def label(self) -> str | Promise:
        """A word or two."""
        if self.standing is Standing.RECORD_MISSING and self.challenge and self.challenge.missing_since:
            return _("Record missing since %(day)s") % {"day": _day(self.challenge.missing_since)}
        return _LABELS[self.standing]

    @property
    def sentence(self) -> str:
        """What is so, in one sentence or two."""
        return " ".join(filter(None, (self._what_is_so(), self._last_look())))

    @property
    def next_step(self) -> str | Promise:
        """What an owner does next; empty where there is nothing to do."""
        return _STEPS[self.standing]

    def _what_is_so(self) -> str:
        held, challenge = self.held, self.challenge
        match self.standing:
            case Standing.UNRECORDED:
                return _("It was verified before records were looked up here.")
            case Standing.APPROVED if held and held.approved_at:
                return _("An owner approved it on %(day)s, without proof.") % {"day": _day(held.approved_at)}
            case Standing.PENDING if challenge:
                return _("Its code is good until %(day)s.") % {"day": _day(challenge.expires_at)}
            case Standing.EXPIRED if challenge:
                return _("Its code was good until %(day)s.") % {"day": _day(challenge.expires_at)}
            case Standing.RECORD_MISSING if challenge and challenge.missing_since:
                day = _day(challenge.missing_since + GRACE)
                return _("It stays verified until %(day)s.") % {"day": day}
            case Standing.LAPSED if challenge and challenge.lapsed_at:
                day = _day(challenge.lapsed_at)
                return _("Its record was missing for %(count)d days, so it is not verified any more since %(day)s.") % {
                    "count": GRACE.days,
                    "day": day,
                }
        return ""

    def _last_look(self) -> str:
        challenge = self.challenge
        if challenge is None or challenge.checked_at is None or not challenge.outcome:
            return ""
        said = Outcome(challenge.outcome).label if challenge.outcome in Outcome.values else challenge.outcome
        moment = timezone.localtime(challenge.checked_at)
        words = f"{formats.date_format(moment, 'DATETIME_FORMAT')} {moment.tzname()}"
        return _("Last look on %(moment)s: %(said)s") % {"moment": words, "said": said}


_TONES: Final = {
    Standing.VERIFIED: "success",
    Standing.UNRECORDED: "success",
    Standing.RECORD_MISSING: "attention",
    Standing.APPROVED: "accent",
    Standing.PENDING: "neutral",
    Standing.EXPIRED: "attention",
    Standing.LAPSED: "danger",
}
_LABELS: Final[dict[Standing, Promise]] = {
    Standing.VERIFIED: gettext_lazy("Verified"),
    Standing.UNRECORDED: gettext_lazy("Verified"),
    Standing.RECORD_MISSING: gettext_lazy("Record missing"),
    Standing.APPROVED: gettext_lazy("Approved"),
    Standing.PENDING: gettext_lazy("Waits for its DNS record"),
    Standing.EXPIRED: gettext_lazy("Code expired"),
    Standing.LAPSED: gettext_lazy("Not verified any more"),
}
_STEPS: Final[dict[Standing, str | Promise]] = {
    Standing.VERIFIED: gettext_lazy("Leave the record where it is: it is looked up every day."),
    Standing.UNRECORDED: gettext_lazy("Make a code and publish its record, so that it is looked up every day."),
    Standing.RECORD_MISSING: gettext_lazy("Publish the same record again, then verify."),
    Standing.APPROVED: gettext_lazy("To prove that it is yours, publish its record, then verify."),
    Standing.PENDING: gettext_lazy("Publish the record, then verify. DNS may take up to 72 hours."),
    Standing.EXPIRED: gettext_lazy("Make a new code and publish it, or approve the domain."),
    Standing.LAPSED: gettext_lazy("Make a new code and publish it, or approve or delete the domain."),
}


def domain_states(ledger: Ledger, at: datetime, members: dict[str, int]) -> list[DomainState]:
    """Every domain of an account by name, in two queries; ``members`` come from `coverage.members_by_domain`."""
    held = {row.domain: row for row in ledger.domains.all()}
    challenges = {row.domain: row for row in ledger.challenges.all()}
    return [
        DomainState(
            domain=domain,
            standing=_standing(held.get(domain), challenges.get(domain), at),
            held=held.get(domain),
            challenge=challenges.get(domain),
            record_name=challenge_name(ledger.enterprise.slug, domain),
            is_code_good=_is_code_good(challenges.get(domain), at),
            members=members.get(domain, 0),
        )
        for domain in sorted(held.keys() | challenges.keys())
    ]


def domain_state(ledger: Ledger, domain: str, at: datetime) -> DomainState | None:
    """One of them; None where the account has no such domain, whatever stands in its place."""
    found = next((state for state in domain_states(ledger, at, {}) if state.domain == domain), None)
    return replace(found, members=coverage.with_address_on(ledger, domain).count()) if found else None


def _is_code_good(challenge: DomainChallenge | None, at: datetime) -> bool:
    return challenge is not None and (challenge.check_at is not None or challenge.expires_at > at)


def _standing(held: VerifiedDomain | None, challenge: DomainChallenge | None, at: datetime) -> Standing:
    if held is not None and held.verified_at is not None:
        if challenge is None or challenge.check_at is None:
            return Standing.UNRECORDED
        return Standing.RECORD_MISSING if challenge.missing_since else Standing.VERIFIED
    if held is not None:
        return Standing.APPROVED
    if challenge is not None and challenge.lapsed_at is not None:
        return Standing.LAPSED
    return Standing.PENDING if challenge is not None and challenge.expires_at > at else Standing.EXPIRED
