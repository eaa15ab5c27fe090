"""What the OpenAPI document says of a resource, beside its route.

The shapes of answers are those of the very classes that are written out (msgspec reads them), and every example is an
object of its class, so that neither can say what an answer is not.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from cloud.api.paging import DEFAULT_PER_PAGE, MAX_PER_PAGE
from cloud.api.shape import DEFAULT_VERSION, VERSION_HEADER, VERSIONS
from enterprises.api import DOCUMENTATION
from wire.messages import ErrorCode

PATH: Final = {
    "enterprise": "The slug of the cloud account: an enterprise or an organization.",
    "server": "The id of a server, as the list of servers has it.",
    "person": "The id of a person, as the list of people has it.",
    "statement": "The id of a statement, as the list of statements has it.",
    "upload": "The id of an upload, as the answer to it has it.",
}
"""What the parts of an address are, by name."""

SCHEMAS: Final = "#/components/schemas/{name}"
SECURITY: Final = "token"


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """An error answer, in GitHub's shape plus our code; the code is empty where the status says it all."""

    message: str
    code: str
    documentation_url: str
    status: str


ANSWERS: Final[list[type[msgspec.Struct]]] = [Error]
"""The classes of all answers that are described."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of the query."""

    name: str
    description: str
    schema: dict[str, Any]


PAGING: Final = (
    Parameter(
        name="per_page",
        description=f"How many a page has, at most {MAX_PER_PAGE}; more is taken as that, nonsense as the default.",
        schema={"type": "integer", "minimum": 1, "maximum": MAX_PER_PAGE, "default": DEFAULT_PER_PAGE},
    ),
    Parameter(
        name="page",
        description="Which page, counted from 1; one beyond the last is empty.",
        schema={"type": "integer", "minimum": 1, "maximum": 999_999_999, "default": 1},
    ),
)


def described(
    operation_id: str,
    summary: str,
    example: msgspec.Struct,
    *,
    tag: str,
    parameters: Sequence[Parameter] = (),
    is_paged: bool = False,
) -> dict[str, Any]:
    """Arguments of a route: what it answers, how, and with which parameters; ``example`` is an answer in full."""
    headers = {"ETag": _header("Send it back as If-None-Match: unchanged is 304."), **_ALLOWANCE}
    if is_paged:
        headers["Link"] = _header("The first, previous, next and last page, where there are several.")
    filters = (*parameters, *(PAGING if is_paged else ()))
    refusals = [status for status in _ERRORS if parameters or status is not HTTPStatus.UNPROCESSABLE_ENTITY]
    return _operation(
        operation_id,
        summary,
        tag,
        parameters=[*_query(filters), *_shared(*_HEADERS)],
        responses={
            200: {"description": "OK", "headers": headers, "content": _content(example)},
            304: {"description": "Not Modified: the caller has the answer of this ETag already."},
            **_refusals(refusals),
        },
    )


def described_deed(
    operation_id: str,
    summary: str,
    example: msgspec.Struct,
    *,
    tag: str,
    status: HTTPStatus = HTTPStatus.ACCEPTED,
    parameters: Sequence[Parameter] = (),
    body: dict[str, Any] | None = None,
    refusals: Mapping[HTTPStatus, tuple[msgspec.Struct, str]],
) -> dict[str, Any]:
    """The same of a route that changes something, which owners may; ``refusals`` are those that it alone has."""
    headers = {"Location": _header("Where it stands, from now on."), **_ALLOWANCE}
    return {
        "response": {int(status): None},
        **_operation(
            operation_id,
            summary,
            tag,
            parameters=[*_query(parameters), *_shared(VERSION_HEADER)],
            responses={
                int(status): {"description": status.phrase, "headers": headers, "content": _content(example)},
                **_refusals(set(_ERRORS) - {HTTPStatus.UNPROCESSABLE_ENTITY}),
                **{
                    int(refused): {"description": text, "content": _content(refusal)}
                    for refused, (refusal, text) in refusals.items()
                },
            },
            **({"requestBody": body} if body else {}),
        ),
    }


def _operation(operation_id: str, summary: str, tag: str, **facts: Any) -> dict[str, Any]:
    return {
        "operation_id": operation_id,
        "summary": summary,
        "tags": [tag],
        "openapi_extra": {"security": [{SECURITY: []}], **facts},
    }


def _query(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(parameter) | {"in": "query"} for parameter in parameters]


def _shared(*names: str) -> list[dict[str, Any]]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _refusals(statuses: Iterable[HTTPStatus]) -> dict[int, dict[str, Any]]:
    return {int(status): {"$ref": f"#/components/responses/{status.name}"} for status in statuses}


def _content(example: msgspec.Struct) -> dict[str, Any]:
    """What an answer holds; its class becomes one of those that are described."""
    kind = type(example)
    if kind not in ANSWERS:
        ANSWERS.append(kind)
    schema = {"$ref": SCHEMAS.format(name=kind.__name__)}
    return {"application/json": {"schema": schema, "example": msgspec.to_builtins(example)}}


def components() -> dict[str, Any]:
    """The shapes and answers that the resources share."""
    _references, schemas = msgspec.json.schema_components(ANSWERS, ref_template=SCHEMAS)
    return {
        "schemas": schemas,
        "parameters": {name: {"name": name, "in": "header", **facts} for name, facts in _HEADERS.items()},
        "responses": {status.name: _error(status, *facts) for status, facts in _ERRORS.items()},
        "securitySchemes": {
            SECURITY: {
                "type": "http",
                "scheme": "bearer",
                "description": (
                    "A token of a person who has a role in the account, with the scope read:enterprise; what changes "
                    "something needs an owner's, with the scope admin:enterprise. "
                    "The header Authorization says Bearer TOKEN or, as GitHub also has it, token TOKEN."
                ),
            }
        },
    }


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


def _error(status: HTTPStatus, message: str, code: str, description: str) -> dict[str, Any]:
    example = {"message": message, "code": code, "documentation_url": DOCUMENTATION, "status": str(status.value)}
    content = {"schema": {"$ref": SCHEMAS.format(name=Error.__name__)}, "example": example}
    return {"description": description, "content": {"application/json": content}}


_ALLOWANCE: Final = {
    "X-RateLimit-Limit": _header("Requests that a token has within a minute.", "integer"),
    "X-RateLimit-Remaining": _header("How many of them are left.", "integer"),
    "X-RateLimit-Reset": _header("When the next minute begins, in seconds since 1970.", "integer"),
}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    VERSION_HEADER: {
        "description": f"The version of GitHub's API; without it {DEFAULT_VERSION}. Here they do not differ.",
        "schema": {"type": "string", "enum": list(VERSIONS), "default": DEFAULT_VERSION},
    },
    "If-None-Match": {"description": "The ETag of the answer that one has.", "schema": {"type": "string"}},
}
_ERRORS: Final = {
    HTTPStatus.BAD_REQUEST: (
        "The version you specified is not a supported version.",
        ErrorCode.INVALID_REQUEST,
        f"The header {VERSION_HEADER} names a version that there is not.",
    ),
    HTTPStatus.UNAUTHORIZED: ("Bad credentials", ErrorCode.BAD_CREDENTIALS, "No token, or one that opens nothing."),
    HTTPStatus.FORBIDDEN: (
        "Must have the owner's role and the token's scope.",
        "",
        "The token lacks the scope, or its person is no owner where only owners may.",
    ),
    HTTPStatus.NOT_FOUND: ("Not Found", "", "There is no such thing, or no role in its account."),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (
        "Unsupported 'Accept' header. Must accept 'application/json'.",
        ErrorCode.INVALID_REQUEST,
        "The header Accept wants no JSON.",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "Validation Failed: sort cannot be age; it is one of: name, -name.",
        ErrorCode.INVALID_REQUEST,
        "A filter has a value that it cannot have.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "Too many requests; try again later.",
        ErrorCode.RATE_LIMITED,
        "The token has asked too often within this minute; Retry-After says in how many seconds there is more.",
    ),
}
