"""Which addresses a viewer may see: the one place that decides it, for pages, searches, files, commands and the API.

docs/privacy.md, "Who sees which address", has the table; ``tests/permissions/test_addresses.py`` proves it.

Primary addresses of server accounts are in GitHub's report, and everybody sees them who may see the report. So this
module decides about the two others: addresses of members, and secondary addresses of server accounts.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from cloud.models import Ledger, MemberAddress, VerifiedDomain

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from enterprises.models import User

_REPORTED: Final = (MemberAddress.Rank.VERIFIED,)
_LISTED: Final = (MemberAddress.Rank.IDENTITY, MemberAddress.Rank.VERIFIED)
_ALL: Final = tuple(MemberAddress.Rank)


class Viewer(enum.Enum):
    """For whom something is shown."""

    OWNER = "owner"
    """An owner of the cloud account on its pages, or whoever runs the console, by command."""
    BILLING_MANAGER = "billing_manager"
    """Anybody else with a role, on a page."""
    REPORT = "report"
    """A file or an answer in GitHub's words, whoever asks for it: it is passed on."""

    @property
    def shows_unbooked(self) -> bool:
        """Whether primary addresses of accounts are shown that are not in the books: not yet applied, or gone."""
        return self is Viewer.OWNER


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a viewer sees of the addresses in the books of one cloud account."""

    ledger_id: int
    viewer: Viewer
    domains: frozenset[str]
    has_managed_users: bool

    def shows_members(self, rank: int, value: str) -> bool:
        """Whether a value that a member holds is shown as theirs."""
        _local, at, domain = value.rpartition("@")
        return rank in self._ranks and (self.has_managed_users or (bool(at) and domain in self.domains))

    def members_condition(self) -> Q | None:
        """The same for ``MemberAddress`` in the database; None where nothing is shown."""
        ranks = Q(rank__in=self._ranks)
        if self.has_managed_users:
            return ranks
        on_domain = [Q(value__endswith=f"@{domain}") for domain in sorted(self.domains)]
        return ranks & reduce(or_, on_domain) if on_domain else None

    def members_addresses(self) -> QuerySet[MemberAddress]:
        """The addresses of members that are shown."""
        condition = self.members_condition()
        held = MemberAddress.objects.filter(ledger=self.ledger_id)
        return held.none() if condition is None else held.filter(condition)

    @property
    def shows_evidence(self) -> bool:
        """Whether addresses are shown that only prove that two people are one: secondary and unverified ones."""
        return self.viewer is Viewer.OWNER

    @property
    def _ranks(self) -> tuple[int, ...]:
        if self.viewer is Viewer.REPORT:
            return _REPORTED
        return _ALL if self.has_managed_users else _LISTED


def sight(ledger: Ledger, viewer: Viewer) -> Sight:
    """What a viewer sees in an account, in one query."""
    return Sight(
        ledger_id=ledger.pk,
        viewer=viewer,
        domains=frozenset(visible_domains(ledger).values_list("domain", flat=True)),
        has_managed_users=ledger.managed_users,
    )


def viewer_of(user: User) -> Viewer:
    """Who looks at a page; ``enterprises.access.enterprise_for`` has let them in before."""
    role = user.current_role
    return Viewer.OWNER if role is not None and role.is_owner else Viewer.BILLING_MANAGER


def visible_domains(ledger: Ledger) -> QuerySet[VerifiedDomain]:
    """The domains that make addresses visible: verified or approved, not those that merely wait for their proof."""
    is_known = Q(verified_at__isnull=False) | Q(approved_at__isnull=False)
    return VerifiedDomain.objects.filter(is_known, ledger=ledger)
