"""Read members from NDJSON: one JSON object a line (docs/domain.md, "Members come in")."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from django.utils.translation import gettext as _

from cloud.members.reading import MembersInvalid, address_problem, checked_login
from cloud.members.rows import MAX_NUMBER, Details, MemberRow, Repository, Subscription, ranked
from enterprises.json_lines import why_not
from wire.addresses import AddressInvalid

ShortText = Annotated[str, msgspec.Meta(max_length=1000)]


class _Email(msgspec.Struct, frozen=True):
    email: ShortText
    verified: bool = False


class _Identity(msgspec.Struct, frozen=True):
    attribute: Literal["NameID", "emails", "username", "name", "emailaddress"]
    value: ShortText


class _Collaboration(msgspec.Struct, frozen=True):
    repository: ShortText
    visibility: Literal["private", "internal", "public"]
    pending: bool = False


class _Subscription(msgspec.Struct, frozen=True):
    email: ShortText | None = None
    status: Literal["Matched", "Pending Invitation", ""] = ""


class _Member(msgspec.Struct, frozen=True, kw_only=True):
    id: Annotated[int, msgspec.Meta(ge=1, le=MAX_NUMBER)]
    login: str
    name: ShortText | None = None
    emails: tuple[_Email, ...] = ()
    identities: tuple[_Identity, ...] = ()
    enterprise_roles: tuple[ShortText, ...] = ()
    member_roles: tuple[ShortText, ...] = ()
    outside_collaborator: tuple[_Collaboration, ...] = ()
    pending_invites: tuple[ShortText, ...] = ()
    failed_invites: tuple[ShortText, ...] = ()
    suspended: bool = False
    two_factor: bool | None = None
    saml_name_id: ShortText | None = None
    visual_studio: _Subscription | None = None


_decoder = msgspec.json.Decoder(_Member)


def read_ndjson(lines: Iterator[tuple[int, str]]) -> Iterator[MemberRow]:
    """Yield the member of every line; empty lines are passed over.

    :raises MembersInvalid: the first line that cannot be read.
    """
    for line, text in lines:
        if not text.strip():
            continue
        if r"\u0000" in text:
            raise MembersInvalid(line, _("the line holds a NUL character"))
        try:
            member = _decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise MembersInvalid(line, why_not(error)) from error
        yield _row(line, member)


def _row(line: int, member: _Member) -> MemberRow:
    try:
        addresses = ranked(
            identities=[identity.value for identity in member.identities],
            verified=[email.email for email in member.emails if email.verified],
            others=[email.email for email in member.emails if not email.verified],
        )
    except AddressInvalid as error:
        raise address_problem(line, error) from error
    return MemberRow(
        line=line,
        number=member.id,
        login=checked_login(line, member.login),
        name=member.name or "",
        details=_details(member),
        addresses=addresses,
    )


def _details(member: _Member) -> Details:
    subscription = member.visual_studio
    return Details(
        enterprise_roles=member.enterprise_roles,
        member_roles=member.member_roles,
        outside_collaborator=tuple(
            Repository(place.repository, place.visibility, place.pending) for place in member.outside_collaborator
        ),
        pending_invites=member.pending_invites,
        failed_invites=member.failed_invites,
        suspended=member.suspended,
        two_factor=member.two_factor,
        saml_name_id=member.saml_name_id,
        visual_studio=Subscription(subscription.email or "", subscription.status) if subscription else None,
    )
