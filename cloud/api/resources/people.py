"""The people behind the number, each with the reason, narrowed and sorted as on the page; and one of them."""

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
from cloud.api.moments import written, written_if_any
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
    viewer_of,
    with_accounts,
)
from wire.messages import ErrorCode

router = Router(auth=auth.person)

Rule = Literal["linked", "identity", "verified", "address", "none"]


class PersonHint(msgspec.Struct, frozen=True, kw_only=True):
    """A member whom an account nearly belonged to."""

    kind: Literal["secondary", "unverified", "local_part"]
    login: str
    text: Annotated[str, about("What is missing and how to correct it; only owners are told other addresses.")]


class PersonAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A server account, and why it is the person's."""

    id: Annotated[str, about("host:id of the account.")]
    rule: Annotated[Rule, about("The rule that matched it: GitHub's report, identity, verified address, same address.")]
    text: Annotated[str, about("The same as a sentence.")]
    matched_address: Annotated[str | None, about("Its primary address, where the rule is about one.")]
    is_disconnected: Annotated[bool, about("Whether its server is not connected any more; the account still counts.")]
    also_matches: Annotated[list[str], about("Logins of others whom the same rule would have matched.")]
    hints: list[PersonHint]


class PersonFact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known of a person."""

    code: str
    text: str


class PersonInList(msgspec.Struct, frozen=True, kw_only=True):
    """A person: one license, or none where a Visual Studio subscription brings it."""

    id: int
    label: Annotated[str, about("What the list calls the person: login, address or host:id.")]
    login: str | None
    name: str | None
    html_url: Annotated[str, about("The page of the person.")]
    license_type: Literal["enterprise", "visual_studio"]
    is_counted: bool
    deployment: Annotated[Literal["cloud", "server", "both"], about("Where the license comes from.")]
    is_ambiguous: Annotated[bool, about("Whether a rule matched several members.")]
    since: Annotated[str | None, about("When the person came; null where that was not kept.")]
    since_revision: int | None
    reason: Annotated[str, about("Why the person consumes one license.")]
    facts: Annotated[list[PersonFact], about("What the cloud account is.")]
    total_accounts: Annotated[int, about("Accounts on servers; the list has the first of them.")]
    accounts: list[PersonAccount]


class PersonChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the books that concerned the person."""

    revision: int
    at: str
    accounts: Annotated[int, about("Server accounts gained, or lost where below 0; 0 where something else changed.")]
    reason: Annotated[
        str | None, about("Why, as in the reasons of a change; null where the change is older than these.")
    ]
    text: Annotated[str, about("The same in words.")]


class PersonInFull(PersonInList, frozen=True, kw_only=True):
    """A person with everything that the page says."""

    addresses: Annotated[list[str], about("Addresses of the member that the caller may see.")]
    addresses_not_shown: Annotated[int, about("How many there are besides.")]
    contested: Annotated[list[str], about("Sentences about accounts with an address of the member that are others'.")]
    changes: Annotated[list[PersonChange], about("What changed since the person came, the newest first.")]


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
    "since": "2026-03-02T09:30:00Z",
    "since_revision": 1,
    "reason": "The cloud account and the server accounts are one person, and consume one license together.",
    "facts": [PersonFact(code="member_of", text="Member of an organization: octo.")],
    "total_accounts": 1,
    "accounts": [
        PersonAccount(
            id="ghes1.octo.example:7",
            rule="verified",
            text="Its primary address mona@octo.example is a verified address of mona.",
            matched_address="mona@octo.example",
            is_disconnected=False,
            also_matches=[],
            hints=[],
        )
    ],
}
_PEOPLE: Final = People(total_count=1, people=[PersonInList(**_EXAMPLE)])
_PERSON: Final = PersonInFull(
    **_EXAMPLE,
    addresses=["mona@octo.example"],
    addresses_not_shown=1,
    contested=[],
    changes=[
        PersonChange(
            revision=12,
            at="2026-03-09T09:30:00Z",
            accounts=1,
            reason="stayed_new_account",
            text="one more account on ghes1.octo.example",
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
            entries = [_in_list(request, enterprise, each, reasons[each.license.pk], dates) for each in persons]
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
    licenses = ledger.licenses.select_related("member", "ledger")
    license_ = get_object_or_404(licenses, pk=number_in(person))
    with translation.override("en"):
        found = explain(license_, viewer_of(request.auth.user), page=asked.page, per_page=asked.per_page)
        entry = _in_full(request, enterprise, found, is_beyond=asked.page > found.page.paginator.num_pages)
    return link_pages(short_answer(request, entry), request, asked, found.page.paginator.count)


def _wanted(request: TokenRequest) -> PeopleFilter:
    try:
        return PeopleFilter.from_query(request.GET)
    except PeopleFilterInvalid as error:
        with translation.override("en"):
            raise Refused(ErrorCode.INVALID_REQUEST, f"Validation Failed: {' '.join(error.sentences)}") from error


def _dates(ledger: Ledger, persons: list[Person]) -> dict[int, str]:
    """When the revisions were with which some people came, in one query."""
    numbers = {each.license.since_revision for each in persons if each.license.since_revision is not None}
    return {row.number: written(row.at) for row in Revision.objects.filter(ledger=ledger, number__in=numbers)}


def _in_list(
    request: TokenRequest, slug: str, person: Person, accounts: tuple[AccountReason, ...], dates: dict[int, str]
) -> PersonInList:
    since = dates.get(person.license.since_revision or 0)
    return msgspec.convert(_common(request, slug, person.license, accounts, since), PersonInList)


def _in_full(request: TokenRequest, slug: str, found: Explanation, *, is_beyond: bool) -> PersonInFull:
    came = next((event.revision for event in found.events if event.is_arrival), None)
    accounts = () if is_beyond else found.accounts
    values = _common(request, slug, found.license, accounts, written_if_any(came.at if came else None))
    values |= {
        "addresses": sorted({address.value for address in found.card.addresses}) if found.card else [],
        "addresses_not_shown": found.card.addresses_not_shown if found.card else 0,
        "contested": [str(each.sentence) for each in found.contested],
        "changes": [
            {
                "revision": event.revision.number,
                "at": written(event.revision.at),
                "accounts": event.accounts,
                "reason": event.reason,
                "text": event.why,
            }
            for event in found.events
            if not event.is_arrival
        ],
    }
    return msgspec.convert(values, PersonInFull)


def _common(
    request: TokenRequest,
    slug: str,
    license_: ConsumedLicense,
    accounts: tuple[AccountReason, ...],
    since: str | None,
) -> dict[str, Any]:
    member = license_.member
    return {
        "id": license_.pk,
        "label": license_.label,
        "login": member.login if member else None,
        "name": (member.name or None) if member else None,
        "html_url": page_address(request, f"enterprises/{slug}/people/{license_.pk}"),
        "license_type": license_.license_type,
        "is_counted": license_.is_counted,
        "deployment": _deployment(license_),
        "is_ambiguous": license_.is_ambiguous,
        "since": since,
        "since_revision": license_.since_revision,
        "reason": str(license_sentence(license_)),
        "facts": [{"code": code, "text": str(sentence)} for code, sentence in cloud_facts(license_)],
        "total_accounts": license_.server_accounts,
        "accounts": [_account(each) for each in accounts],
    }


def _deployment(license_: ConsumedLicense) -> str:
    if not license_.on_cloud:
        return "server"
    return "both" if license_.server_accounts else "cloud"


def _account(reason: AccountReason) -> dict[str, Any]:
    return {
        "id": reason.name,
        "rule": reason.account.rule,
        "text": str(reason.sentence),
        "matched_address": reason.matched_address or None,
        "is_disconnected": reason.is_disconnected,
        "also_matches": [near.login for near in reason.other_members],
        "hints": [{"kind": hint.kind, "login": hint.member.login, "text": str(hint.sentence)} for hint in reason.hints],
    }
