"""Say why a person is one license: what the cloud account consumes, the rule that matched each server account, who else
might have been meant, and which small correction would merge two people.

Secondary addresses are compared, never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from cloud.models import ConsumedLicense, Ledger, ServerAccount
from cloud.people.neighbors import Hint, Neighbors, find_neighbors

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Sentence = str | _StrPromise

MAX_ACCOUNTS_SHOWN: Final = 200


@dataclass(frozen=True, kw_only=True)
class NearMiss:
    """A member whom an account nearly belonged to, and what to correct."""

    login: str
    sentence: Sentence


@dataclass(frozen=True, kw_only=True)
class AccountReason:
    """One server account of a person, and why it is theirs."""

    account: ServerAccount
    name: str
    rule: Sentence
    sentence: Sentence
    matched_address: str
    other_members: tuple[str, ...]
    hints: tuple[NearMiss, ...]
    is_disconnected: bool


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a person is listed: sentences about the license, then every account with its own."""

    license: ConsumedLicense
    license_sentence: Sentence
    cloud_sentences: tuple[Sentence, ...]
    accounts: tuple[AccountReason, ...]
    accounts_not_shown: int
    is_ambiguous: bool


def explain(license_: ConsumedLicense) -> Explanation:
    """The reasons behind one license, in a fixed number of queries."""
    accounts = list(
        ServerAccount.objects.filter(ledger=license_.ledger_id, person_key=license_.person_key)
        .select_related("installation")
        .order_by("installation__hostname", "user_id")[:MAX_ACCOUNTS_SHOWN]
    )
    neighbors = find_neighbors(Ledger(pk=license_.ledger_id), license_, accounts)
    return Explanation(
        license=license_,
        license_sentence=_license_sentence(license_),
        cloud_sentences=tuple(_cloud_sentences(license_)),
        accounts=tuple(_reason(account, license_, neighbors) for account in accounts),
        accounts_not_shown=max(license_.server_accounts - len(accounts), 0),
        is_ambiguous=license_.is_ambiguous,
    )


def _license_sentence(license_: ConsumedLicense) -> Sentence:
    if not license_.is_counted:
        return _("The license comes with a Visual Studio subscription: the person is listed, and not in the total.")
    if license_.on_cloud and license_.server_accounts:
        return _("The cloud account and the server accounts are one person, and consume one license together.")
    if license_.on_cloud:
        return _("The cloud account consumes one license.")
    return ngettext_lazy(
        "The server account consumes one license.",
        "The server accounts are one person, and consume one license together.",
        license_.server_accounts,
    )


def _cloud_sentences(license_: ConsumedLicense) -> list[Sentence]:
    member = license_.member
    if member is None:
        return [_("No member of the cloud account is matched.")]
    details = member.details
    if "listed_by_report" in details:
        return [_("GitHub's report lists the member."), *_no_cloud_license(license_)]
    said = _memberships(details)
    if license_.on_cloud and said:
        return said
    if details.get("suspended"):
        return [_("The member is suspended on the cloud, where nothing is consumed."), *_no_cloud_license(license_)]
    idle = _("The member belongs to no organization and to no private or internal repository.")
    return [*(said or [idle]), *_no_cloud_license(license_)]


def _no_cloud_license(license_: ConsumedLicense) -> list[Sentence]:
    if license_.on_cloud:
        return []
    return [_("The cloud account consumes nothing; the license is due to the server accounts.")]


def _memberships(details: dict[str, Any]) -> list[Sentence]:
    places = [place for place in details.get("outside_collaborator", ()) if place.get("visibility") != "public"]
    reasons: list[tuple[Sentence, list[str]]] = [
        (_("Member of an organization: {names}."), list(details.get("member_roles", ()))),
        (_("Invited to an organization: {names}."), list(details.get("pending_invites", ()))),
        (_("Outside collaborator on: {names}."), [p["repository"] for p in places if not p.get("pending")]),
        (_("Invited as an outside collaborator to: {names}."), [p["repository"] for p in places if p.get("pending")]),
    ]
    return [format_lazy(sentence, names=", ".join(names)) for sentence, names in reasons if names]


def _reason(account: ServerAccount, license_: ConsumedLicense, neighbors: Neighbors) -> AccountReason:
    login = license_.member.login if license_.member else ""
    hints = (NearMiss(login=hint.login, sentence=_hint(hint)) for hint in neighbors.hints.get(account.pk, ()))
    installation = account.installation
    return AccountReason(
        account=account,
        name=f"{installation.hostname}:{account.user_id}",
        rule=account.get_rule_display(),
        sentence=_rule_sentence(account, login, is_alone=license_.server_accounts == 1),
        matched_address=account.primary_address if account.rule != ServerAccount.Rule.LINKED else "",
        other_members=neighbors.rivals.get(account.pk, ()),
        hints=tuple(hints),
        is_disconnected=installation.state == installation.State.DISCONNECTED,
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


def _hint(hint: Hint) -> Sentence:
    sentences: dict[str, Sentence] = {
        "secondary": _(
            "Another address of the account belongs to {login}. Make it the primary address on the server, then sync: "
            "the two become one."
        ),
        "unverified": _(
            "{login} lists the primary address without having verified it. Once it is verified, the two become one."
        ),
        "local_part": _(
            "{login} has a verified address with the same local part on another domain. If they are the same person, "
            "give both accounts the same address."
        ),
    }
    return format_lazy(sentences[hint.kind], login=hint.login)
