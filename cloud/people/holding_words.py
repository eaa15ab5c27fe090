"""What the tables and fields of ``cloud.people.holding`` are called, where they come from, and how long they stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from cloud.people.facts import Sentence


@dataclass(frozen=True)
class TableWords:
    """What a table holds of a person, where that comes from, and how long it stays (docs/privacy.md)."""

    title: Sentence
    origin: Sentence
    kept: Sentence


_SNAPSHOTS: Final = _("The license syncs and usage files of the servers.")
_IMPORTS: Final = _("The list of members that was imported.")
_UNTIL_LACKED: Final = _("Until a complete import of members lacks them.")

TABLES: Final[dict[str, TableWords]] = {
    "cloud.ConsumedLicense": TableWords(
        _("The license"),
        _("Made here of the member and the server accounts, by the rules of matching."),
        _("Until neither a member who consumes nor a server account is left."),
    ),
    "cloud.Member": TableWords(_("The member"), _IMPORTS, _UNTIL_LACKED),
    "cloud.MemberAddress": TableWords(_("Addresses and identities of the member"), _IMPORTS, _UNTIL_LACKED),
    "cloud.MemberRole": TableWords(
        _("Roles of the member, by which lists are filtered"), _("Made here of the member."), _UNTIL_LACKED
    ),
    "cloud.MemberLink": TableWords(_("Server accounts that GitHub's report lists"), _IMPORTS, _UNTIL_LACKED),
    "cloud.ServerAccount": TableWords(
        _("Server accounts"),
        _SNAPSHOTS,
        _("Until a snapshot of the server lacks them, or an owner removes the server."),
    ),
    "cloud.PersonChange": TableWords(
        _("What changed"),
        _("Noted here with each change of the count."),
        _("Until the person goes; five years at most."),
    ),
    "cloud.Suspect": TableWords(
        _("Pairs that are probably one person"),
        _("Found here by comparing addresses."),
        _("Until either person goes, or nothing speaks for it any more; then numbers and times without a name stay."),
    ),
    "cloud.Intake": TableWords(
        _("Examples in the results of syncs"), _SNAPSHOTS, _("A day after the end of the sync.")
    ),
    "cloud.IntakePart": TableWords(_("What a server is sending"), _SNAPSHOTS, _("Until the sync is over.")),
    "enterprises.User": TableWords(
        _("Signing in to this account"),
        _("Whoever signs in, and the operator."),
        _("Until the operator deletes the user; what they did stays in the audit log for good."),
    ),
}

FIELDS: Final[dict[str, Sentence]] = {
    "account": _("Server account"),
    "accounts": _("Server accounts more or fewer"),
    "address": _("Address"),
    "advanced_security": _("Advanced Security"),
    "at": _("When"),
    "audit_events": _("Lines of the audit log"),
    "email": _("Email address"),
    "enterprise_roles": _("Roles in the enterprise"),
    "failed_invites": _("Failed invitations"),
    "held_as": _("Held as"),
    "hostname": _("Server"),
    "imported_at": _("Imported last"),
    "is_ambiguous": _("Ambiguous"),
    "is_counted": _("Counted"),
    "kind": _("What speaks for it"),
    "label": _("Listed as"),
    "last_login": _("Last sign-in"),
    "license_type": _("Type of license"),
    "listed_by_report": _("Listed by GitHub's report"),
    "login": _("Login"),
    "member_roles": _("Roles in organizations"),
    "name": _("Name"),
    "number": _("ID"),
    "on_cloud": _("Consumes on the cloud"),
    "organization": _("Organization"),
    "outside_collaborator": _("Outside collaborator"),
    "own_addresses": _("Addresses of this person"),
    "pending_invites": _("Pending invitations"),
    "primary_address": _("Primary address"),
    "profile": _("Profile"),
    "reason": _("Reason"),
    "role": _("Role"),
    "rule": _("Rule"),
    "saml_name_id": _("SAML NameID"),
    "score": _("Score"),
    "secondary_addresses": _("Secondary addresses"),
    "server_accounts": _("Server accounts"),
    "since": _("Since"),
    "since_reason": _("Reason"),
    "state": _("State"),
    "state_at": _("State since"),
    "suspended": _("Suspended"),
    "synced_at": _("Last sync"),
    "two_factor": _("Two-factor authentication"),
    "two_factor_required_by": _("Two-factor authentication required by"),
    "username": _("User name"),
    "verified_domain_emails": _("Addresses in GitHub's report"),
    "visual_studio_email": _("Visual Studio subscription"),
    "visual_studio_status": _("State of the subscription"),
}

WHEN_THE_PERSON_GOES: Final[tuple[Sentence, ...]] = (
    _("A member goes with the first complete import that lacks them, with addresses, roles and links."),
    _("A server account goes with the first snapshot that lacks it, or when an owner removes the server."),
    _("When neither is left, the license goes in the same step, with since when, what changed, and what pairs knew."),
    _("Counts stay and name nobody: how many came and went, licenses by day, savings that were proved."),
    _("What somebody did here stays in the audit log under their user name."),
    _("Backups and files that were downloaded are not reached from here."),
)

NOT_SEARCHED: Final[Sentence] = _(
    "Not searched: lists that an owner has chosen and not yet imported, which go within an hour; the servers' own "
    "consoles, where Users and What is sent show the line of each account; backups."
)
