"""The people behind the number, each with the reason, narrowed and sorted as on the page; and one of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

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
from cloud.api.resources.people_shapes import LIST_EXAMPLE, PERSON_EXAMPLE, People, PersonInFull, PersonInList
from cloud.api.resources.words import TAG, number_in
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


@router.get(
    "/enterprises/{enterprise}/license-sync/people",
    url_name="people",
    **described(
        "list-people", "List people with the reason", LIST_EXAMPLE, tag=TAG, parameters=PARAMETERS, is_paged=True
    ),
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
    **described("get-person", "Get a person with the reason", PERSON_EXAMPLE, tag=TAG, is_paged=True),
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
