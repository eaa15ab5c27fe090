"""How the API says no: GitHub's shape plus our code, always JSON, never a stack trace."""

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.functional import Promise
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from enterprises.api import DOCUMENTATION, problem
from wire.messages import ErrorCode, Held, StandingConnection

logger = logging.getLogger(__name__)

STATUS: dict[ErrorCode, int] = {
    ErrorCode.BAD_CREDENTIALS: 401,
    ErrorCode.CLOCK_SKEW: 401,
    ErrorCode.INSTALLATION_GONE: 404,
    ErrorCode.REVISION_CONFLICT: 409,
    ErrorCode.HOSTNAME_CHANGED: 409,
    ErrorCode.SUPERSEDED: 409,
    ErrorCode.SHRINK_UNCONFIRMED: 409,
    ErrorCode.DIGEST_MISMATCH: 422,
    ErrorCode.PART_DIGEST: 422,
    ErrorCode.PART_INVALID: 422,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.SYNC_ID_REUSED: 422,
    ErrorCode.UNKNOWN_SYNC: 404,
    ErrorCode.UNSUPPORTED_FORMAT: 422,
    ErrorCode.INVALID_REQUEST: 422,
    ErrorCode.CONNECTION_EXISTS: 409,
    ErrorCode.CODE_INVALID: 404,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.BUSY: 503,
}
BUSY_RETRY_AFTER = 5


class Refused(Exception):
    """The request is not granted; the code says why, the status follows from it unless another one is truer.

    ``more`` are facts that only this refusal has, ``documentation`` is where its code is explained.
    """

    def __init__(
        self,
        code: StrEnum,
        message: str | Promise,
        *,
        status: int | None = None,
        retry_after: int | None = None,
        held: Held | None = None,
        existing: StandingConnection | None = None,
        documentation: str = DOCUMENTATION,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status or STATUS[ErrorCode(code)]
        self.retry_after = retry_after
        self.held = held
        self.existing = existing
        self.documentation = documentation
        self.more = more


class Malformed(Refused):
    """The body is no JSON."""

    def __init__(self, message: str = "Problems parsing JSON") -> None:
        super().__init__(ErrorCode.INVALID_REQUEST, message, status=400)


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    retry_after = error.retry_after
    if retry_after is None and error.code is ErrorCode.BUSY:
        retry_after = BUSY_RETRY_AFTER
    return problem(
        error.status,
        error.message,
        error.code,
        retry_after=retry_after,
        held=error.held,
        existing=error.existing,
        documentation=error.documentation,
        more=error.more,
    )


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    if error.status_code == 401:
        return problem(401, "Requires authentication", ErrorCode.BAD_CREDENTIALS)
    return problem(error.status_code, error.message, ErrorCode.INVALID_REQUEST)


def _unexpected(request: HttpRequest, error: Any) -> HttpResponse:
    # The address itself may hold a code.
    route = request.resolver_match.route if request.resolver_match else ""
    logger.error("An API request failed.", exc_info=error, extra={"route": route})
    return problem(500, "Server Error")


def _always(status: int, message: str, code: str = "") -> Callable[[HttpRequest, Any], HttpResponse]:
    return lambda request, error: problem(status, message, code)


def register(api: NinjaAPI) -> None:
    """Give every exception that can leave a route its answer."""
    invalid = ErrorCode.INVALID_REQUEST
    too_large = _always(413, "The request is too large.", ErrorCode.PAYLOAD_TOO_LARGE)
    api.add_exception_handler(Exception, _unexpected)
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(ValidationError, _always(422, "Validation Failed", invalid))
    api.add_exception_handler(Http404, _always(404, "Not Found"))
    api.add_exception_handler(PermissionDenied, _always(403, "Must have the owner's role and the token's scope."))
    api.add_exception_handler(RequestDataTooBig, too_large)
    api.add_exception_handler(BadRequest, _always(400, "Bad Request", invalid))
    api.add_exception_handler(SuspiciousOperation, _always(400, "Bad Request", invalid))
    api.add_exception_handler(UnreadablePostError, _always(400, "The request was cut off.", invalid))
    api.add_exception_handler(RecursionError, _always(400, "Problems parsing JSON", invalid))
