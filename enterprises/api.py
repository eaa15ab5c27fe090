"""What the REST APIs of both sides share: how they say no, always in GitHub's shape and in English."""

from typing import Final

import msgspec
from django.http import HttpResponse
from django.utils import translation
from django.utils.functional import Promise

from wire.messages import Held, Problem, StandingConnection

JSON: Final = "application/json; charset=utf-8"
DOCUMENTATION: Final = "docs/wire.md#error-codes"


def english(text: object) -> str:
    """A text as the API says it: in English, as GitHub's does. Consoles translate by the code."""
    with translation.override("en"):
        return str(text)


def problem(
    status: int,
    message: str | Promise,
    code: str = "",
    *,
    retry_after: int | None = None,
    held: Held | None = None,
    existing: StandingConnection | None = None,
) -> HttpResponse:
    """An error answer."""
    body = Problem(
        message=english(message),
        code=code,
        documentation_url=DOCUMENTATION,
        status=str(status),
        held=held or msgspec.UNSET,
        existing=existing or msgspec.UNSET,
    )
    response = HttpResponse(msgspec.json.encode(body), content_type=JSON, status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response
