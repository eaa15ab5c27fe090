"""The roles of members as rows, so that lists are narrowed by index: what they are in which organization.

An import writes them with the members that it alters. Members that code of a former version wrote have no such rows, or
old ones; ``catch_up`` makes them, some at a time.
"""

import time
from collections.abc import Iterator
from typing import Final

from django.db.models import F

from cloud.locks import locked
from cloud.members.rows import Details
from cloud.models import Ledger, Member, MemberRole
from cloud.models.members import ENTERPRISE_ROLE

PIECE: Final = 900
"""So many members are caught up with while the books are locked once."""
BUDGET_SECONDS: Final = 20.0
"""After this no other piece is begun: the minute has more to do, and the next one goes on."""


def roles_of(details: Details) -> frozenset[tuple[str, str]]:
    """Every organization with a role that the member has in it, in lower case; "" is the enterprise itself.

    An outside collaborator, or somebody invited, is that in the organization that owns the repository.
    """
    return frozenset((organization.strip().lower(), role) for organization, role in _said(details))


def _said(details: Details) -> Iterator[tuple[str, str]]:
    for role in details.enterprise_roles:
        yield "", f"{ENTERPRISE_ROLE}{_word(role)}"
    for member_role in details.member_roles:
        place, _colon, role = member_role.partition(":")
        organization, slash, _repository = place.partition("/")
        yield organization, MemberRole.OUTSIDE_COLLABORATOR if slash else _word(role)
    for repository in details.outside_collaborator:
        organization = repository.repository.partition("/")[0]
        yield organization, MemberRole.PENDING_INVITATION if repository.pending else MemberRole.OUTSIDE_COLLABORATOR
    for organization in details.pending_invites:
        yield organization, MemberRole.PENDING_INVITATION


def _word(role: str) -> str:
    return "_".join(role.lower().split())


def catch_up() -> int:
    """Make the roles of members that were written without, for some seconds at most; return of how many."""
    began, caught = time.monotonic(), 0
    late = Member.objects.exclude(roles_digest=F("digest"))
    for pk in list(Ledger.objects.filter(pk__in=late.values("ledger")).values_list("pk", flat=True)):
        while some := _catch_up_some(pk):
            caught += some
            if time.monotonic() - began >= BUDGET_SECONDS:
                return caught
    return caught


def _catch_up_some(ledger_id: int) -> int:
    with locked(ledger_id):
        late = Member.objects.filter(ledger=ledger_id).exclude(roles_digest=F("digest"))
        members = list(late.only("number", "details", "digest")[:PIECE])
        MemberRole.objects.filter(ledger=ledger_id, number__in=[member.number for member in members]).delete()
        MemberRole.objects.bulk_create(
            MemberRole(ledger_id=ledger_id, number=member.number, organization=organization, role=role)
            for member in members
            for organization, role in sorted(roles_of(Details.of(member)))
        )
        Member.objects.filter(pk__in=[member.pk for member in members]).update(roles_digest=F("digest"))
        return len(members)
