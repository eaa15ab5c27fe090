"""The people behind the number, each with the reason, narrowed and sorted as on the page; and one of them."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import msgspec
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import translation
from ninja import Router

from cloud.api import auth
from cloud.api.addresses import page_address
from cloud.api.auth import TokenRequest
from cloud.api.bodies import answer
from cloud.api.conditional import books_tag, short_answer, unless_known
from cloud.api.described import Parameter, described
from cloud.api.errors import Refused
from cloud.api.paging import link_pages, window
from cloud.api.resources.words import TAG, about, number_in
from cloud.models import ConsumedLicense, Ledger, Revision
from cloud.people import (
    AccountReason,
    Explanation,
    PeopleFilter,
    PeopleFilterInvalid,
    Person,
    account_reasons,
    cloud_facts,
    explain,
    filters,
    license_sentence,
    people,
    rows_of,
    source_of_members,
    telling,
    viewer_of,
    with_accounts,
)
from wire.messages import ErrorCode

router = Router(auth=auth.person)

Rule = Literal["linked", "identity", "verified", "address", "none"]


class PersonSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a fact comes from: the last import of members, or the last sync of a server."""

    kind: Literal["members", "sync"]
    hostname: str
    at: datetime | None


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """A member whom an account nearly belonged to."""

    kind: Literal["secondary", "unverified", "local_part"]
    login: str
    sentence: Annotated[str, about("What is missing and how to correct it; only owners are told other addresses.")]


class PersonAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A server account, and why it is the person's."""

    account: Annotated[str, about("host:id.")]
    hostname: str
    user_id: int
    primary_address: Annotated[str, about("By which it was matched, but where GitHub's report did it.")]
    rule: Annotated[Rule, about("Which rule matched it.")]
    sentence: Annotated[str, about("The same in words.")]
    also_held_by: Annotated[list[str], about("Logins of others whom the same rule would have matched.")]
    near_misses: list[NearMiss]
    is_disconnected: Annotated[bool, about("Whether its server is not connected any more; the account still counts.")]
    source: PersonSource


class PersonFact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known of a person."""

    code: str
    sentence: str
    source: PersonSource


class PersonInList(msgspec.Struct, frozen=True, kw_only=True):
    """A person: one license, or none where a Visual Studio subscription brings it."""

    id: int
    label: Annotated[str, about("What the list calls the person: login, address or host:id.")]
    login: Annotated[str, about("Empty for a person who is only on servers.")]
    name: str
    html_url: Annotated[str, about("The page of the person.")]
    license_type: Literal["enterprise", "visual_studio"]
    is_counted: bool
    deployment: Annotated[Literal["cloud", "server", "both"], about("Where the license comes from.")]
    is_ambiguous: Annotated[bool, about("Whether a rule matched several members.")]
    since: Annotated[datetime | None, about("When the person came; null where that was not kept.")]
    sentence: Annotated[str, about("Why the person consumes one license.")]
    facts: Annotated[list[PersonFact], about("What the cloud account is; of one person, what servers have, too.")]
    total_server_accounts: int
    server_accounts: Annotated[list[PersonAccount], about("In the list, the first of them.")]


class PersonAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address of the member, and how it is known."""

    address: str
    held_as: Literal["identity", "verified", "unverified"]


class Contested(msgspec.Struct, frozen=True, kw_only=True):
    """An account with an address of the member that is somebody else's."""

    account: str
    person: str
    sentence: str


class PersonChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the books that concerned the person."""

    revision: int
    at: datetime
    cause: str
    hostname: str
    is_arrival: bool
    accounts: Annotated[int, about("Server accounts gained, or lost where below 0.")]
    reason_code: str
    reason: str


class PersonInFull(PersonInList, frozen=True, kw_only=True):
    """A person with everything that the page says."""

    addresses: Annotated[list[PersonAddress], about("Addresses of the member that the caller may see.")]
    addresses_not_shown: Annotated[int, about("How many there are besides.")]
    contested: list[Contested]
    changes: Annotated[list[PersonChange], about("What changed of the person, the newest first.")]


class People(msgspec.Struct, frozen=True, kw_only=True):
    """The people that are meant."""

    total_count: int
    people: list[PersonInList]


def _choice(name: str, description: str, kind: type[StrEnum]) -> Parameter:
    return Parameter(
        name=name, description=description, schema={"type": "string", "enum": [each.value for each in kind]}
    )


def _text(name: str, description: str) -> Parameter:
    return Parameter(name=name, description=description, schema={"type": "string", "maxLength": filters.MAX_LENGTH})


PARAMETERS: Final = (
    _text("q", "Part of a login, a name, a visible address, or host:id of a server account."),
    _choice("deployment", "Where the license comes from.", filters.Deployment),
    _text("server", "The host name of a server."),
    _text("organization", "An organization of the cloud account."),
    _text("role", "A role, in the organization where one is given."),
    _choice("two_factor", "Whether two-factor authentication is on.", filters.TwoFactor),
    _text("domain", "A verified or approved domain, or none: members without an address on any."),
    _choice("license_type", "The kind of license.", filters.LicenseType),
    _choice("ambiguous", "Whether a rule matched several members.", filters.Answer),
    _choice("sort", "The order of the list; name unless given.", filters.Sort),
)

_AT: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_EXAMPLE: Final[dict[str, Any]] = {
    "id": 42,
    "label": "mona",
    "login": "mona",
    "name": "Mona Lisa",
    "html_url": "https://cloud.example/enterprises/octo/people/42",
    "license_type": "enterprise",
    "is_counted": True,
    "deployment": "both",
    "is_ambiguous": False,
    "since": _AT,
    "sentence": "The cloud account and the server accounts are one person, and consume one license together.",
    "facts": [
        PersonFact(
            code="member_of",
            sentence="Member of an organization: octo.",
            source=PersonSource(kind="members", hostname="", at=_AT),
        )
    ],
    "total_server_accounts": 1,
    "server_accounts": [
        PersonAccount(
            account="ghes1.octo.example:7",
            hostname="ghes1.octo.example",
            user_id=7,
            primary_address="mona@octo.example",
            rule="verified",
            sentence="Its primary address mona@octo.example is a verified address of mona.",
            also_held_by=[],
            near_misses=[],
            is_disconnected=False,
            source=PersonSource(kind="sync", hostname="ghes1.octo.example", at=_AT),
        )
    ],
}
_PEOPLE: Final = People(total_count=1, people=[PersonInList(**_EXAMPLE)])
_PERSON: Final = PersonInFull(
    **_EXAMPLE,
    addresses=[PersonAddress(address="mona@octo.example", held_as="verified")],
    addresses_not_shown=1,
    contested=[],
    changes=[
        PersonChange(
            revision=12,
            at=_AT,
            cause="Sync of ghes1.octo.example",
            hostname="ghes1.octo.example",
            is_arrival=False,
            accounts=1,
            reason_code="stayed_new_account",
            reason="one more account on ghes1.octo.example",
        )
    ],
)


@router.get(
    "/enterprises/{enterprise}/license-sync/people",
    url_name="people",
    **described("list-people", "List people with the reason", _PEOPLE, tag=TAG, parameters=PARAMETERS, is_paged=True),
)
def list_people(request: TokenRequest, enterprise: str) -> HttpResponse:
    """One entry per person, with the accounts and why each is theirs. Filters narrow together; nonsense is a 422."""
    ledger = auth.ledger(request, enterprise)
    viewer = viewer_of(request.auth.user)
    wanted, asked = _wanted(request), window(request)

    def page() -> HttpResponse:
        found = people(ledger, wanted)
        listed = found.count() if wanted.narrowing else ledger.listed
        persons = with_accounts(ledger, rows_of(found, asked.rows))
        with translation.override("en"):
            reasons = account_reasons(ledger, persons, viewer)
            dates = _dates(ledger, persons)
            entries = [
                _in_list(request, ledger, each, reasons[each.license.pk], dates.get(each.license.since_revision or 0))
                for each in persons
            ]
        response = answer(People(total_count=listed, people=entries))
        return link_pages(response, request, asked, listed, keep=wanted.query)

    oldest = ledger.revisions.order_by("number").values_list("number", flat=True).first()
    return unless_known(request, books_tag(request, ledger, viewer, oldest), page)


@router.get(
    "/enterprises/{enterprise}/license-sync/people/{person}",
    url_name="person",
    **described("get-person", "Get a person with the reason", _PERSON, tag=TAG, is_paged=True),
)
def show_person(request: TokenRequest, enterprise: str, person: str) -> HttpResponse:
    """What the page of the person says. The pages are those of their accounts, of which there may be many."""
    ledger, asked = auth.ledger(request, enterprise), window(request)
    licenses = ledger.licenses.select_related("member", "ledger__enterprise")
    license_ = get_object_or_404(licenses, pk=number_in(person))
    with translation.override("en"):
        found = explain(license_, viewer_of(request.auth.user), page=asked.page, per_page=asked.per_page)
        entry = _in_full(request, ledger, found, is_beyond=asked.page > found.page.paginator.num_pages)
    return link_pages(short_answer(request, entry), request, asked, found.page.paginator.count)


def _wanted(request: TokenRequest) -> PeopleFilter:
    try:
        return PeopleFilter.from_query(request.GET)
    except PeopleFilterInvalid as error:
        with translation.override("en"):
            raise Refused(ErrorCode.INVALID_REQUEST, f"Validation Failed: {' '.join(error.sentences)}") from error


def _dates(ledger: Ledger, persons: list[Person]) -> dict[int, datetime]:
    """When the revisions were with which some people came, in one query."""
    numbers = {each.license.since_revision for each in persons if each.license.since_revision is not None}
    return dict(Revision.objects.filter(ledger=ledger, number__in=numbers).values_list("number", "at"))


def _in_list(
    request: TokenRequest, ledger: Ledger, person: Person, reasons: tuple[AccountReason, ...], since: datetime | None
) -> PersonInList:
    license_ = person.license
    source = telling.source_values(source_of_members(ledger))
    values = telling.license_values(license_, license_sentence(license_)) | {
        "facts": [
            {"code": code, "sentence": str(sentence), "source": source} for code, sentence in cloud_facts(license_)
        ],
        "server_accounts": [telling.account_values(reason) for reason in reasons],
    }
    return msgspec.convert(values | _ours(request, ledger, license_, since), PersonInList)


def _in_full(request: TokenRequest, ledger: Ledger, found: Explanation, *, is_beyond: bool) -> PersonInFull:
    since = next((event.revision.at for event in found.events if event.is_arrival), None)
    values = telling.values(found) | _ours(request, ledger, found.license, since)
    return msgspec.convert(values | ({"server_accounts": []} if is_beyond else {}), PersonInFull)


def _ours(request: TokenRequest, ledger: Ledger, license_: ConsumedLicense, since: datetime | None) -> dict[str, Any]:
    """What the list has beside the words of the explanation."""
    return {
        "html_url": page_address(request, f"enterprises/{ledger.enterprise.slug}/people/{license_.pk}"),
        "deployment": _deployment(license_),
        "since": since.replace(microsecond=0) if since else None,
    }


def _deployment(license_: ConsumedLicense) -> str:
    if not license_.on_cloud:
        return "server"
    return "both" if license_.server_accounts else "cloud"
