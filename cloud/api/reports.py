"""Who holds a license, and how the servers last synced, exactly as GitHub's API answers it."""

import re
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from ninja import Router

from cloud import reports
from cloud.api import auth
from cloud.api.auth import TokenRequest
from cloud.api.bodies import answer
from cloud.models import Ledger
from enterprises.access import Scope

DEFAULT_PER_PAGE: Final = 30
MAX_PER_PAGE: Final = 100
_NUMBER = re.compile(r"\A[0-9]{1,9}\Z")

router = Router(auth=auth.person)


@router.get("/enterprises/{enterprise}/consumed-licenses", url_name="consumed_licenses")
def consumed_licenses(request: TokenRequest, enterprise: str) -> HttpResponse:
    """One page of the people who hold a license; the totals are the same on every page."""
    ledger = _ledger(request, enterprise)
    page = max(_number(request, "page", 1), 1)
    per_page = min(_number(request, "per_page", DEFAULT_PER_PAGE) or DEFAULT_PER_PAGE, MAX_PER_PAGE)
    report = reports.consumed_licenses(ledger, page, per_page)
    response = answer(report.report)
    links = _links(request, page, -(-report.listed // per_page), per_page)
    if links:
        response["Link"] = links
    return response


@router.get("/enterprises/{enterprise}/license-sync-status", url_name="license_sync_status")
def license_sync_status(request: TokenRequest, enterprise: str) -> HttpResponse:
    """How the last sync of every server went."""
    return answer({"server_instances": reports.server_instances(_ledger(request, enterprise))})


def _ledger(request: TokenRequest, slug: str) -> Ledger:
    return Ledger.objects.get(enterprise=auth.account(request, slug, scope=Scope.READ_ENTERPRISE))


def _number(request: HttpRequest, name: str, default: int) -> int:
    """A query parameter; nonsense counts as absent, as on GitHub."""
    value = request.GET.get(name, "")
    return int(value) if _NUMBER.match(value) else default


def _links(request: HttpRequest, page: int, last: int, per_page: int) -> str:
    """The Link header (RFC 8288), absolute, with the page size that was asked for; empty for a single page."""
    targets = {"prev": min(page - 1, last), "next": page + 1, "last": last, "first": 1}
    wanted = {
        "prev": page > 1 and last > 0,
        "next": page < last,
        "last": page < last,
        "first": page > 1,
    }
    keep = {"per_page": per_page} if "per_page" in request.GET else {}
    return ", ".join(
        f'<{_page_address(request, keep | {"page": target})}>; rel="{name}"'
        for name, target in targets.items()
        if wanted[name]
    )


def _page_address(request: HttpRequest, query: dict[str, int]) -> str:
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
