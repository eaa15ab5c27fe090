"""What the REST APIs of both sides share: how they say no, always in GitHub's shape and in English."""

from collections.abc import Mapping
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
    documentation: str = DOCUMENTATION,
    more: Mapping[str, object] | None = None,
) -> HttpResponse:
    """An error answer; ``more`` are facts that only this refusal has."""
    body = Problem(
        message=english(message),
        code=code,
        documentation_url=documentation,
        status=str(status),
        held=held or msgspec.UNSET,
        existing=existing or msgspec.UNSET,
    )
    content = msgspec.to_builtins(body) | {**(more or {})}
    response = HttpResponse(msgspec.json.encode(content), content_type=JSON, status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response
