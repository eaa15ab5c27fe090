"""Make the report's rows, one per person, with a fixed number of queries for any number of people at a time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from cloud.models import ConsumedLicense, Installation, Ledger, Member, ServerAccount
from cloud.people import Viewer, sight

LICENSE_TYPES: Final = {"enterprise": "enterprise", "visual_studio": "Visual Studio subscription"}


def _about(text: str) -> msgspec.Meta:
    """What the API's document says of a field."""
    return msgspec.Meta(description=text)


class ReportUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person in the words and types of GitHub's REST API; clients disagree on the name of the server's addresses."""

    github_com_login: Annotated[str, _about("Empty for a person who is only on servers.")]
    github_com_name: str | None
    enterprise_server_user_ids: Annotated[list[str], _about("host:id of every server account.")]
    github_com_user: Annotated[bool, _about("Whether there is an account on the cloud.")]
    enterprise_server_user: Annotated[bool, _about("Whether there is one on a server.")]
    visual_studio_subscription_user: Annotated[bool, _about("Who has one is listed, and not in the total.")]
    license_type: Annotated[str, _about("enterprise, or Visual Studio subscription.")]
    github_com_profile: str
    github_com_member_roles: Annotated[
        list[str], _about("org:Owner, org:Member; of outside collaborators ORG/REPO:Collaborator.")
    ]
    github_com_enterprise_roles: list[str]
    github_com_verified_domain_emails: Annotated[list[str], _about("Verified addresses on verified domains.")]
    github_com_saml_name_id: str
    github_com_orgs_with_pending_invites: list[str]
    github_com_two_factor_auth: Annotated[bool | None, _about("Null where nobody said.")]
    enterprise_server_emails: Annotated[list[str], _about("Primary addresses of the server accounts.")]
    enterprise_server_primary_emails: Annotated[list[str], _about("The same, for clients disagree on the name.")]
    visual_studio_license_status: str
    visual_studio_subscription_email: str
    total_user_accounts: Annotated[int, _about("The cloud account and the server accounts together.")]


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """A person, and the two cells that only the CSV has."""

    user: ReportUser
    two_factor_required_by: str
    advanced_security: str


@dataclass(frozen=True, kw_only=True)
class _Visible:
    """Members' addresses that the report may show, and whether the account named a domain here."""

    addresses: Mapping[int, Sequence[str]]
    has_domains: bool

    def of(self, member: Member) -> list[str]:
        """Until the account names a domain here, those that GitHub's own report showed."""
        if self.has_domains or member.number in self.addresses:
            return list(self.addresses.get(member.number, ()))
        return list(member.details.get("verified_domain_emails", ()))


@dataclass(frozen=True, kw_only=True)
class _Sources:
    """What the rows of some people are made of."""

    accounts: Mapping[str, Sequence[tuple[str, int, str]]]
    visible: _Visible


def report_rows(ledger: Ledger, licenses: Sequence[ConsumedLicense]) -> Iterator[ReportRow]:
    """One row per license, in their order. The licenses come with their members; four queries, however many."""
    sources = _Sources(
        accounts=_accounts(ledger, [row.person_key for row in licenses if row.server_accounts]),
        visible=_visible_addresses(ledger, [row.member.number for row in licenses if row.member]),
    )
    for license_ in licenses:
        yield _row(license_, sources)


def _accounts(ledger: Ledger, keys: list[str]) -> Mapping[str, list[tuple[str, int, str]]]:
    """Hostname, user id and primary address of every account of some people, in order."""
    if not keys:
        return {}
    hosts = dict(Installation.objects.filter(ledger=ledger).values_list("pk", "hostname"))
    found = ServerAccount.objects.filter(ledger=ledger, person_key__in=keys)
    accounts: defaultdict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for key, installation, user_id, address in found.values_list(
        "person_key", "installation_id", "user_id", "primary_address"
    ):
        accounts[key].append((hosts.get(installation, ""), user_id, address))
    return {key: sorted(of_person) for key, of_person in accounts.items()}


def _visible_addresses(ledger: Ledger, numbers: list[int]) -> _Visible:
    """By member, the addresses that the report may show."""
    if not numbers:
        return _Visible(addresses={}, has_domains=True)
    seen = sight(ledger, Viewer.REPORT)
    addresses: defaultdict[int, list[str]] = defaultdict(list)
    held = seen.members_addresses().filter(number__in=numbers)
    for number, value in held.order_by("value").values_list("number", "value"):
        addresses[number].append(value)
    return _Visible(addresses=addresses, has_domains=bool(seen.domains))


def _row(license_: ConsumedLicense, sources: _Sources) -> ReportRow:
    member = license_.member
    details: dict[str, Any] = member.details if member else {}
    accounts = sources.accounts.get(license_.person_key, ())
    primaries = sorted({address for _host, _user_id, address in accounts if address})
    subscription = details.get("visual_studio") or {}
    user = ReportUser(
        github_com_login=member.login if member else "",
        github_com_name=(member.name or None) if member else "",
        enterprise_server_user_ids=[f"{host}:{user_id}" for host, user_id, _address in accounts],
        github_com_user=member is not None,
        enterprise_server_user=bool(accounts),
        visual_studio_subscription_user=license_.license_type == ConsumedLicense.LicenseType.VISUAL_STUDIO,
        license_type=LICENSE_TYPES[license_.license_type],
        github_com_profile=_profile(member, details),
        github_com_member_roles=[*details.get("member_roles", ()), *_collaborations(details)],
        github_com_enterprise_roles=list(details.get("enterprise_roles", ())),
        github_com_verified_domain_emails=sources.visible.of(member) if member else [],
        github_com_saml_name_id=details.get("saml_name_id") or "",
        github_com_orgs_with_pending_invites=list(details.get("pending_invites", ())),
        github_com_two_factor_auth=details.get("two_factor"),
        enterprise_server_emails=primaries,
        enterprise_server_primary_emails=primaries,
        visual_studio_license_status=subscription.get("status", ""),
        visual_studio_subscription_email=subscription.get("email", ""),
        total_user_accounts=len(accounts) + (member is not None),
    )
    return ReportRow(
        user=user,
        two_factor_required_by=details.get("two_factor_required_by", ""),
        advanced_security=details.get("advanced_security", ""),
    )


def _profile(member: Member | None, details: Mapping[str, Any]) -> str:
    """Where the member's profile is: as the import said, else where the cloud that is mirrored has it."""
    if member is None:
        return ""
    return details.get("profile") or f"https://github.com/{member.login}"


def _collaborations(details: Mapping[str, Any]) -> Iterable[str]:
    for place in details.get("outside_collaborator", ()):
        if not place.get("pending"):
            yield f"{place['repository']}:Collaborator"
