"""Say why a person is one license: the facts behind it, the rule that matched each server account, who else might have
been meant, and which small correction would merge two people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.paginator import Page, Paginator
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cloud.changes import PersonEvent, events_of
from cloud.models import ConsumedLicense, Member, MemberAddress, ServerAccount
from cloud.people.contested import Contested, find_contested
from cloud.people.facts import Fact, Source, facts, license_sentence, source_of_members, source_of_server
from cloud.people.neighbors import Hint, Near, Neighbors, find_neighbors
from cloud.people.visible import Sight, Viewer, sight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cloud.models import Ledger
    from cloud.people.facts import Sentence
    from cloud.people.finding import Person

ACCOUNTS_PER_PAGE: Final = 50


@dataclass(frozen=True, kw_only=True)
class NearMiss:
    """A member whom an account nearly belonged to, and what to correct; ``evidence`` says the first part alone."""

    kind: str
    member: Near
    sentence: Sentence
    evidence: Sentence


@dataclass(frozen=True, kw_only=True)
class AccountReason:
    """One server account of a person, and why it is theirs."""

    account: ServerAccount
    name: str
    rule: Sentence
    sentence: Sentence
    matched_address: str
    other_members: tuple[Near, ...]
    hints: tuple[NearMiss, ...]
    is_disconnected: bool
    source: Source


@dataclass(frozen=True, kw_only=True)
class Card:
    """Who the member is: their addresses that a viewer may see, the best first, and how many there are besides."""

    member: Member
    addresses: tuple[MemberAddress, ...]
    addresses_not_shown: int
    source: Source

    @property
    def profile(self) -> str:
        """Where the member's profile is: as the import said, else where the cloud that is mirrored has it.

        A file can say anything: what is no web address never becomes a link.
        """
        said: str = self.member.details.get("profile") or ""
        return said if said.startswith(("https://", "http://")) else f"https://github.com/{self.member.login}"

    @property
    def two_factor(self) -> bool | None:
        """Whether two-factor authentication is on; None where nobody said."""
        said: bool | None = self.member.details.get("two_factor")
        return said


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a person is listed: a sentence about the license, the facts behind it, then a page of the accounts.

    ``contested`` are accounts that hold an address of the member and are somebody else's; ``events`` are what changed,
    the newest first, and last the arrival where it was noted.
    """

    license: ConsumedLicense
    license_sentence: Sentence
    card: Card | None
    facts: tuple[Fact, ...]
    accounts: tuple[AccountReason, ...]
    page: Page[ServerAccount]
    contested: tuple[Contested, ...]
    events: tuple[PersonEvent, ...]
    is_ambiguous: bool


def explain(
    license_: ConsumedLicense, viewer: Viewer, *, page: int | str = 1, per_page: int = ACCOUNTS_PER_PAGE
) -> Explanation:
    """The reasons behind one license with one page of its accounts, in a fixed number of queries.

    The license comes with its member and its ledger. A page that is none is the first or the last one.
    """
    ledger = license_.ledger
    seen = sight(ledger, viewer)
    accounts = ServerAccount.objects.filter(ledger=ledger, person_key=license_.person_key)
    listed = accounts.select_related("installation").order_by("installation__hostname", "user_id")
    shown = Paginator(listed, per_page).get_page(page)
    found = list(shown.object_list)
    neighbors = find_neighbors(ledger, [license_], found)
    held = _addresses(license_)
    return Explanation(
        license=license_,
        license_sentence=license_sentence(license_),
        card=_card(license_, held, seen),
        facts=tuple(facts(license_)),
        accounts=tuple(_reason(account, license_, neighbors, seen) for account in found),
        page=shown,
        contested=tuple(find_contested(license_, held, seen)),
        events=tuple(events_of(license_)),
        is_ambiguous=license_.is_ambiguous,
    )


def account_reasons(ledger: Ledger, people: Sequence[Person], viewer: Viewer) -> dict[int, tuple[AccountReason, ...]]:
    """Why the listed accounts of some people are theirs, by primary key of the license; seven queries for all."""
    seen = sight(ledger, viewer)
    neighbors = find_neighbors(ledger, [one.license for one in people], [a for one in people for a in one.accounts])
    return {
        one.license.pk: tuple(_reason(account, one.license, neighbors, seen) for account in one.accounts)
        for one in people
    }


def _addresses(license_: ConsumedLicense) -> list[MemberAddress]:
    if license_.member is None:
        return []
    held = MemberAddress.objects.filter(ledger=license_.ledger_id, number=license_.member.number)
    return list(held.order_by("rank", "value"))


def _card(license_: ConsumedLicense, held: list[MemberAddress], seen: Sight) -> Card | None:
    if license_.member is None:
        return None
    shown = tuple(address for address in held if seen.shows_members(address.rank, address.value))
    hidden = {address.value for address in held} - {address.value for address in shown}
    return Card(
        member=license_.member,
        addresses=shown,
        addresses_not_shown=len(hidden),
        source=source_of_members(license_.ledger),
    )


def _reason(account: ServerAccount, license_: ConsumedLicense, neighbors: Neighbors, seen: Sight) -> AccountReason:
    login = license_.member.login if license_.member else ""
    installation = account.installation
    hints = (
        NearMiss(
            kind=hint.kind,
            member=hint.member,
            sentence=_hint(hint, account, seen, _HINTS),
            evidence=_hint(hint, account, seen, _EVIDENCE),
        )
        for hint in neighbors.hints.get(account.pk, ())
    )
    return AccountReason(
        account=account,
        name=f"{installation.hostname}:{account.user_id}",
        rule=account.get_rule_display(),
        sentence=_rule_sentence(account, login, is_alone=license_.server_accounts == 1),
        matched_address=account.primary_address if account.rule != ServerAccount.Rule.LINKED else "",
        other_members=neighbors.rivals.get(account.pk, ()),
        hints=tuple(hints),
        is_disconnected=installation.state == installation.State.DISCONNECTED,
        source=source_of_server(installation),
    )


def _rule_sentence(account: ServerAccount, login: str, *, is_alone: bool) -> Sentence:
    sentences: dict[str, Sentence] = {
        ServerAccount.Rule.LINKED: _("GitHub's own report lists the account in the row of {login}."),
        ServerAccount.Rule.IDENTITY: _("Its primary address {address} is a SAML or SCIM identity of {login}."),
        ServerAccount.Rule.VERIFIED: _("Its primary address {address} is a verified address of {login}."),
        ServerAccount.Rule.ADDRESS: (
            _("No member holds its primary address {address} as an identity or verified.")
            if is_alone
            else _("No member holds its primary address {address}; accounts that share it are one person.")
        ),
        ServerAccount.Rule.NONE: _("It has no primary address, so it is a person of its own."),
    }
    return format_lazy(sentences[account.rule], address=account.primary_address, login=login)


_HINTS: Final[dict[str, Sentence]] = {
    "secondary": _(
        "Its secondary address {address} belongs to {login}. Make {address} the primary address of the account on "
        "{host} and sync, or add {primary} as a verified address of {login}: the two become one."
    ),
    "secondary_alone": _(
        "Its secondary address {address} belongs to {login}. Make {address} the primary address of the account on "
        "{host} and sync: the two become one."
    ),
    "unverified": _(
        "{login} lists its primary address {address} without having verified it. Once {login} has verified it on "
        "the cloud and members are imported again, the two become one."
    ),
    "local_part": _(
        "{login} has {address}, with the same local part on another domain. If they are the same person, make "
        "{address} the primary address of the account on {host}, or add {primary} as a verified address of {login}."
    ),
    "hidden": _(
        "An address suggests that this is {login}. An owner of the cloud account sees which, and what to correct."
    ),
}
_EVIDENCE: Final[dict[str, Sentence]] = {
    "secondary": _("Its secondary address {address} belongs to {login}."),
    "secondary_alone": _("Its secondary address {address} belongs to {login}."),
    "unverified": _("{login} lists its primary address {address} without having verified it."),
    "local_part": _("{login} has {address}, with the same local part on another domain."),
    "hidden": _HINTS["hidden"],
}


def _hint(hint: Hint, account: ServerAccount, seen: Sight, sentences: Mapping[str, Sentence]) -> Sentence:
    """What is missing, and by ``_HINTS`` how to correct it. Who may not see the evidence reads that there is some."""
    kind = "secondary_alone" if hint.kind == "secondary" and not account.primary_address else hint.kind
    is_shown = hint.kind == "local_part" or seen.shows_evidence
    return format_lazy(
        sentences[kind if is_shown else "hidden"],
        login=hint.member.login,
        address=hint.address,
        primary=account.primary_address,
        host=account.installation.hostname,
    )
