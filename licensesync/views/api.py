"""The server's REST API: its license, as GHES itself answers.

GHES is one server, and its address names none. Where one console serves several, the token's person chooses with
``?enterprise=SLUG``; whoever has a role in only one need not.
"""

import re
from datetime import UTC, datetime, time
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from enterprises.access import (
    Deployment,
    Scope,
    SeveralEnterprises,
    authenticate_token,
    enterprise_for_token,
    only_enterprise_for_token,
)
from enterprises.api import problem
from enterprises.models import ApiToken, Enterprise
from enterprises.throttling import MAX_FAILURES, MAX_REQUESTS, seconds_to_wait, seconds_to_wait_for
from licensesync.licenses import LicenseUse, expiry_of, use_of
from licensesync.models import License
from licensesync.pages.server import license_of, server_of, source_of
from wire.messages import ErrorCode

_SLUG: Final = re.compile(r"[\w-]{1,100}", re.ASCII)
UNLIMITED: Final = "unlimited"


@csrf_exempt
def license_settings(request: HttpRequest) -> HttpResponse:
    """Answer as GHES's "Get license information"; 404 also where no license was entered or read yet."""
    if request.method not in {"GET", "HEAD"}:
        refusal = problem(405, "Method Not Allowed")
        refusal["Allow"] = "GET, HEAD"
        return refusal
    token = authenticate_token(request.headers.get("Authorization", ""))
    if token is None:
        return _unauthenticated(request)
    if wait := seconds_to_wait_for(f"token:{token.pk}", request, "api", most=MAX_REQUESTS):
        return problem(429, "Too many requests; try again later.", ErrorCode.RATE_LIMITED, retry_after=wait)
    return _license(request, token)


def _unauthenticated(request: HttpRequest) -> HttpResponse:
    if not request.headers.get("Authorization"):
        return problem(401, "Requires authentication", ErrorCode.BAD_CREDENTIALS)
    if wait := seconds_to_wait(request, "credential", most=MAX_FAILURES):
        return problem(429, "Too many failed attempts; try again later.", ErrorCode.RATE_LIMITED, retry_after=wait)
    return problem(401, "Bad credentials", ErrorCode.BAD_CREDENTIALS)


def _license(request: HttpRequest, token: ApiToken) -> HttpResponse:
    try:
        server = server_of(_enterprise(token, request.GET.get("enterprise", "")))
    except Http404:
        return problem(404, "Not Found")
    except PermissionDenied:
        return problem(403, f"The token needs the scope {Scope.READ_ENTERPRISE}.")
    except SeveralEnterprises:
        text = "Several servers are yours here; name one: ?enterprise=SLUG"
        return problem(422, text, ErrorCode.INVALID_REQUEST)
    held = license_of(server)
    if held is None:
        return problem(404, "Not Found")
    return JsonResponse(_answer(held, use_of(held, source_of(server)), timezone.now()))


def _enterprise(token: ApiToken, slug: str) -> Enterprise:
    scope = Scope.READ_ENTERPRISE
    if not slug:
        return only_enterprise_for_token(token, deployment=Deployment.SERVER, scope=scope)
    if not _SLUG.fullmatch(slug):
        raise Http404
    return enterprise_for_token(token, slug, deployment=Deployment.SERVER, scope=scope)


def _answer(held: License, use: LicenseUse, at: datetime) -> dict[str, int | str]:
    """GHES's fields; the two about the end are left out where there is none, for they have no word for it."""
    answer: dict[str, int | str] = {
        "seats": UNLIMITED if use.total is None else use.total,
        "seats_used": use.used,
        "seats_available": UNLIMITED if use.available is None else use.available,
        "kind": held.kind,
    }
    expiry = expiry_of(held, at)
    if expiry.expires_on is not None and expiry.days_left is not None:
        end = datetime.combine(expiry.expires_on, time.max, tzinfo=UTC)
        answer |= {"days_until_expiration": expiry.days_left, "expire_at": f"{end:%Y/%m/%d %H:%M:%S %z}"}
    return answer
