"""What every answer of the API has in common, in GitHub's words: version, media type, limits, methods, HEAD."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from cloud.api.throttling import say_allowance
from enterprises.access import Scope
from enterprises.api import problem
from enterprises.models import ApiToken
from wire.messages import ErrorCode

View = Callable[..., HttpResponseBase]

VERSION_HEADER: Final = "X-GitHub-Api-Version"
DEFAULT_VERSION: Final = "2022-11-28"
# None of the changes between them touches what is answered here.
VERSIONS: Final = ("2026-03-10", DEFAULT_VERSION)

_ACCEPTABLE: Final = re.compile(r"\*/\*|application/(?:\*|json|vnd\.github(?:\.[\w.-]+)?\+json)")


def in_our_shape(view: View) -> View:
    """Answer a wrong method, version or media type as everything else is answered, and HEAD as GET without its body."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        response = _refusal(request) or view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            response = _not_allowed(response)
        _add_headers(request, response)
        if is_head and isinstance(response, HttpResponse):
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response

    return wrapped


def _refusal(request: HttpRequest) -> HttpResponse | None:
    version = request.headers.get(VERSION_HEADER, "")
    if version and version not in VERSIONS:
        newest, *others = (f'"{known}"' for known in VERSIONS)
        text = (
            f'The version you specified in the "{VERSION_HEADER}" request header is not a supported version. '
            f"The following versions are currently supported: {newest} (most recent), {', '.join(others)}."
        )
        return problem(400, text, ErrorCode.INVALID_REQUEST)
    if not _is_acceptable(request.headers.get("Accept", "")):
        return problem(415, "Unsupported 'Accept' header. Must accept 'application/json'.", ErrorCode.INVALID_REQUEST)
    return None


def _is_acceptable(header: str) -> bool:
    """Whether JSON is among the wanted types; their order and weights do not matter, for there is nothing else."""
    wanted = (part.partition(";")[0].strip().lower() for part in header.split(","))
    return not header.strip() or any(map(_ACCEPTABLE.fullmatch, wanted))


def _not_allowed(response: HttpResponseNotAllowed) -> HttpResponse:
    methods = response["Allow"].split(", ")
    refusal = problem(405, "Method Not Allowed")
    refusal["Allow"] = ", ".join(methods + ["HEAD"] * ("GET" in methods and "HEAD" not in methods))
    return refusal


def _add_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    version = request.headers.get(VERSION_HEADER) or DEFAULT_VERSION
    response[f"{VERSION_HEADER}-Selected"] = version if version in VERSIONS else DEFAULT_VERSION
    response["X-GitHub-Media-Type"] = "github.v3; format=json"
    patch_vary_headers(response, ("Accept", "Authorization", VERSION_HEADER))
    say_allowance(request, response)
    token = getattr(request, "auth", None)
    if isinstance(token, ApiToken):
        response["X-OAuth-Scopes"] = ", ".join(token.scopes)
        response["X-Accepted-OAuth-Scopes"] = f"{Scope.READ_ENTERPRISE}, {Scope.ADMIN_ENTERPRISE}"
