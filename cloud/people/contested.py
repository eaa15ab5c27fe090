"""Find the server accounts that hold an address of a member and are somebody else's, and say why."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cloud.models import ConsumedLicense, MemberAddress, ServerAccount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cloud.people.facts import Sentence
    from cloud.people.visible import Sight

MAX_CONTESTED: Final = 20

Rank = MemberAddress.Rank
Rule = ServerAccount.Rule


@dataclass(frozen=True, kw_only=True)
class Contested:
    """An account that might have been the member's, whose it is, and why."""

    name: str
    sentence: Sentence
    owner_id: int
    owner: str


def find_contested(license_: ConsumedLicense, held: Sequence[MemberAddress], seen: Sight) -> Iterator[Contested]:
    """The first accounts of others with an address that the member holds, by server and id, in at most two queries.

    Whether a member holds an address is shown to those alone who may see it as theirs.
    """
    member = license_.member
    if member is None:
        return
    ranks = {
        address.value: address.rank
        for address in sorted(held, key=attrgetter("rank"), reverse=True)
        if seen.shows_evidence or seen.shows_members(address.rank, address.value)
    }
    accounts = ServerAccount.objects.filter(ledger=license_.ledger_id, primary_address__in=list(ranks))
    others = accounts.exclude(person_key=license_.person_key).select_related("installation")
    found = list(others.order_by("installation__hostname", "user_id")[:MAX_CONTESTED]) if ranks else []
    keys = {account.person_key for account in found}
    owners = ConsumedLicense.objects.filter(ledger=license_.ledger_id, person_key__in=keys) if keys else ()
    by_key = {owner.person_key: owner for owner in owners}
    for account in found:
        owner = by_key.get(account.person_key)
        if owner is None:
            # Gone by a sync that was applied between the two queries.
            continue
        sentence = _sentence(account, Rank(ranks[account.primary_address]))
        yield Contested(
            name=f"{account.installation.hostname}:{account.user_id}",
            sentence=format_lazy(sentence, address=account.primary_address, login=member.login, other=owner.label),
            owner_id=owner.pk,
            owner=owner.label,
        )


def _sentence(account: ServerAccount, rank: MemberAddress.Rank) -> Sentence:
    if rank == Rank.OTHER and account.rule == Rule.ADDRESS:
        return _(
            "Its primary address {address} stands unverified at {login}. Once it is verified on the cloud and members "
            "are imported again, the two become one."
        )
    if rank == Rank.OTHER:
        return _("Its primary address {address} stands unverified at {login}, which matches nothing.")
    if account.rule == Rule.LINKED:
        return _("{login} holds its primary address {address}, but GitHub's own report lists the account for {other}.")
    if account.rule == Rule.IDENTITY and rank == Rank.VERIFIED:
        return _(
            "{login} has verified its primary address {address}, but for {other} it is an identity, which goes first."
        )
    return _("{login} holds its primary address {address} as well; {other} has the lower ID and gets the account.")
