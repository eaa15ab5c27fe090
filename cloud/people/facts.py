"""The facts for which a person is listed, each as a sentence with its source: an import of members, or a sync."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from django.db.models import Count
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from cloud.models import ServerAccount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.utils.functional import _StrPromise

    from cloud.models import ConsumedLicense, Installation, Ledger

    Sentence = str | _StrPromise

_MEMBERS: Final = {"owner", "member"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a fact comes from; ``at`` is None where that was never noted, ``hostname`` is set for a sync."""

    kind: Literal["members", "sync"]
    at: datetime | None
    hostname: str = ""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing that is known, as a sentence; ``code`` is its name for programs."""

    code: str
    sentence: Sentence
    source: Source
    hostname: str = ""


def source_of_members(ledger: Ledger) -> Source:
    """The last import of members: it says what holds of every member."""
    return Source(kind="members", at=ledger.members_imported_at)


def source_of_server(installation: Installation) -> Source:
    """The last sync or uploaded file of a server."""
    return Source(kind="sync", at=installation.last_sync_at, hostname=installation.hostname)


def license_sentence(license_: ConsumedLicense) -> Sentence:
    """Why the person counts once, or is not counted."""
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


def facts(license_: ConsumedLicense) -> Iterator[Fact]:
    """What the cloud account is and does, then how many accounts each server has; one query."""
    ledger = license_.ledger
    source = source_of_members(ledger)
    for code, sentence in cloud_facts(license_):
        yield Fact(code=code, sentence=sentence, source=source)
    if license_.server_accounts:
        yield from _of_servers(license_)


def _of_servers(license_: ConsumedLicense) -> Iterator[Fact]:
    accounts = ServerAccount.objects.filter(ledger=license_.ledger_id, person_key=license_.person_key)
    numbers = dict(accounts.order_by().values_list("installation").annotate(Count("pk")))
    servers = license_.ledger.installations.filter(pk__in=numbers)
    for installation in servers.order_by("hostname"):
        number = numbers[installation.pk]
        sentence = ngettext_lazy("{number} account on {host}.", "{number} accounts on {host}.", number)
        yield Fact(
            code="server_accounts",
            sentence=format_lazy(sentence, number=number, host=installation.hostname),
            source=source_of_server(installation),
            hostname=installation.hostname,
        )


def cloud_facts(license_: ConsumedLicense) -> list[tuple[str, Sentence]]:
    """What the cloud account is and does, by code, without a query."""
    member = license_.member
    if member is None:
        return [("no_member", _("No member of the cloud account is matched."))]
    details = member.details
    consuming, idle = list(_consuming(details)), list(_idle(details))
    if "listed_by_report" in details:
        listed = ("listed_by_report", _("GitHub's report lists the member, and does not tell why."))
        return [listed, *consuming, *_subscription(details), *_nothing_on_cloud(license_)]
    if details.get("suspended"):
        suspended = ("suspended", _("The member is suspended on the cloud, where nothing is consumed."))
        return [suspended, *_subscription(details), *_nothing_on_cloud(license_)]
    if not consuming and not idle:
        nowhere = _("The member belongs to no organization and to no private or internal repository.")
        idle.append(("in_nothing", nowhere))
    return [*consuming, *idle, *_subscription(details), *_nothing_on_cloud(license_)]


def _nothing_on_cloud(license_: ConsumedLicense) -> list[tuple[str, Sentence]]:
    if license_.on_cloud:
        return []
    return [
        ("due_to_servers", _("The cloud account consumes nothing; the license is due to the server accounts.")),
    ]


def _consuming(details: dict[str, Any]) -> Iterator[tuple[str, Sentence]]:
    """What takes a license on the cloud (docs/domain.md, "Who consumes a license")."""
    roles = [role.rpartition(":") for role in details.get("member_roles", ())]
    organizations = [(name, role.casefold()) for name, _colon, role in roles if "/" not in name]
    private = [place for place in details.get("outside_collaborator", ()) if place.get("visibility") != "public"]
    yield from _said(
        ("owner_of", _("Owner of an organization: {names}."), [n for n, role in organizations if role == "owner"]),
        ("member_of", _("Member of an organization: {names}."), [n for n, role in organizations if role == "member"]),
        ("invited_to", _("Invited to an organization: {names}."), details.get("pending_invites", ())),
        (
            "collaborator_on",
            _("Outside collaborator on: {names}."),
            [place["repository"] for place in private if not place.get("pending")],
        ),
        (
            "invited_as_collaborator",
            _("Invited as an outside collaborator to: {names}."),
            [place["repository"] for place in private if place.get("pending")],
        ),
        (
            "other_role",
            _("Further roles: {names}."),
            [f"{name}:{role}" for name, _colon, role in roles if "/" in name or role.casefold() not in _MEMBERS],
        ),
    )


def _idle(details: dict[str, Any]) -> Iterator[tuple[str, Sentence]]:
    """What takes none, and is easily taken for a reason."""
    places = details.get("outside_collaborator", ())
    public = [place["repository"] for place in places if place.get("visibility") == "public"]
    yield from _said(
        ("public_only", _("Outside collaborator on what is public, which consumes nothing: {names}."), public),
        ("failed_invite", _("An invitation failed, and consumes nothing: {names}."), details.get("failed_invites", ())),
    )
    enterprise_roles = {role.casefold() for role in details.get("enterprise_roles", ())}
    if "owner" in enterprise_roles:
        yield "enterprise_owner", _("Enterprise owner, which alone consumes nothing.")
    if "billing_manager" in enterprise_roles:
        yield "billing_manager", _("Billing manager of the enterprise, which alone consumes nothing.")


def _subscription(details: dict[str, Any]) -> Iterator[tuple[str, Sentence]]:
    subscription = details.get("visual_studio") or {}
    status = subscription.get("status", "")
    if status == "Matched":
        yield "subscription_matched", _("A Visual Studio subscription is matched with the member.")
    elif subscription:
        waiting = _("A Visual Studio subscription is not matched yet ({status}), and changes nothing until then.")
        yield "subscription_unmatched", format_lazy(waiting, status=status or "-")


def _said(*lists: tuple[str, Sentence, Iterable[str]]) -> Iterator[tuple[str, Sentence]]:
    for code, sentence, names in lists:
        listed = sorted(names)
        if listed:
            yield code, format_lazy(sentence, names=", ".join(listed))
