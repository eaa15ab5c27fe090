"""One member as it comes in, and whether it consumes a license on the cloud."""

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from cloud.models import Member, MemberAddress
from wire.addresses import normalize

MAX_LOGIN_LENGTH = 255
MAX_NUMBER = 2**53 - 1
MATCHED = "Matched"

_encoder = msgspec.json.Encoder(order="sorted")


class Repository(msgspec.Struct, frozen=True):
    """A repository that somebody outside the organizations may reach, or was invited to."""

    repository: str
    visibility: str
    pending: bool = False


class Subscription(msgspec.Struct, frozen=True):
    """A Visual Studio subscription; only a matched one changes what is counted."""

    email: str
    status: str = ""


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What reports show of a member, stored as ``Member.details`` under the same names.

    ``listed_by_report`` is set by GitHub's own report, which does not tell why somebody consumes.
    """

    enterprise_roles: tuple[str, ...] = ()
    member_roles: tuple[str, ...] = ()
    outside_collaborator: tuple[Repository, ...] = ()
    pending_invites: tuple[str, ...] = ()
    failed_invites: tuple[str, ...] = ()
    suspended: bool = False
    two_factor: bool | None = None
    saml_name_id: str | None = None
    visual_studio: Subscription | None = None
    profile: str = ""
    verified_domain_emails: tuple[str, ...] = ()
    two_factor_required_by: str = ""
    advanced_security: str = ""
    listed_by_report: bool | None = None

    @property
    def is_license_consuming(self) -> bool:
        """Whether the member consumes a license on the cloud; docs/domain.md, "Who consumes a license"."""
        if self.listed_by_report is not None:
            return self.listed_by_report
        if self.suspended:
            return False
        return bool(
            any(_is_membership(role) for role in self.member_roles)
            or self.pending_invites
            or any(place.visibility in {"private", "internal"} for place in self.outside_collaborator)
        )

    @classmethod
    def of(cls, member: Member) -> "Details":
        """Return the details of a stored member."""
        return msgspec.convert(member.details, cls)

    @property
    def has_matched_subscription(self) -> bool:
        """Whether the license comes with a Visual Studio subscription."""
        return self.visual_studio is not None and self.visual_studio.status == MATCHED


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member as read from line ``line`` of a file; without a number where the file has none."""

    line: int
    number: int | None
    login: str
    name: str
    details: Details
    addresses: tuple[tuple[int, str], ...]
    links: tuple[tuple[str, int], ...] = ()

    @property
    def digest(self) -> str:
        """A digest of everything but the line and the number."""
        content = (self.login, self.name, self.details, self.addresses, self.links)
        return hashlib.blake2b(_encoder.encode(content), digest_size=16).hexdigest()

    @property
    def stored_details(self) -> str:
        """The details as JSON; only what was said, so that rows stay small."""
        return _encoder.encode(self.details).decode()


def _is_membership(role: str) -> bool:
    """Whether ``ORGANIZATION:Role`` makes a member or owner; a collaborator's role names a repository."""
    organization, _, name = role.partition(":")
    return "/" not in organization and name.casefold() in {"member", "owner"}


def ranked(*, identities: Iterable[str], verified: Iterable[str], others: Iterable[str]) -> tuple[tuple[int, str], ...]:
    """Return the normalized addresses of a member, each once per rank that counts.

    :raises wire.addresses.AddressInvalid: a value that can be no address.
    """
    held = set(_normalized(identities, MemberAddress.Rank.IDENTITY))
    held |= set(_normalized(verified, MemberAddress.Rank.VERIFIED))
    known = {value for _rank, value in held}
    held |= {(rank, value) for rank, value in _normalized(others, MemberAddress.Rank.OTHER) if value not in known}
    return tuple(sorted(held))


def _normalized(values: Iterable[str], rank: MemberAddress.Rank) -> Iterator[tuple[int, str]]:
    for value in values:
        address = normalize(value)
        if address:
            yield int(rank), address
