"""The OpenAPI document of the resources that a person's token opens.

The endpoints between a connected server and its cloud are left out: nobody but a server calls them, and docs/wire.md
describes them with their signatures and order, for which OpenAPI has no words.
"""

import functools
import itertools
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from ninja import NinjaAPI, Router

from cloud.api import reports
from cloud.api.addresses import PREFIX, page_address
from cloud.api.conditional import short_answer
from cloud.api.described import PATH, components
from cloud.api.resources import changes, difference, history, people, servers, statements, suspects, uploads

PUBLIC: Final[tuple[Router, ...]] = (
    reports.router,
    people.router,
    history.router,
    changes.router,
    difference.router,
    servers.router,
    suspects.router,
    statements.router,
    uploads.router,
)
"""What is described, in the order of the document."""

_DESCRIPTION: Final = (
    "Who consumes the licenses of a cloud account, and why. "
    "Whatever answers GET answers HEAD, under /api/v3 as on a server and at the root as on api.github.com. "
    "Errors have GitHub's shape, and a code of their own where there is something to decide by."
)


@functools.cache
def document() -> dict[str, Any]:
    """The document without the addresses at which it is true."""
    api = NinjaAPI(
        title="License sync", version="3", description=_DESCRIPTION, urls_namespace="document", openapi_url=None
    )
    for router in PUBLIC:
        api.add_router("", router)
    found = api.get_openapi_schema(path_prefix="")
    operations = (operation for methods in found["paths"].values() for operation in methods.values())
    for parameter in itertools.chain.from_iterable(operation["parameters"] for operation in operations):
        if parameter.get("in") == "path":
            parameter["description"] = PATH[parameter["name"]]
    return {**found, "components": components()}


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Answer the document, with the two addresses under which the API is found from here."""
    servers = [{"url": page_address(request, prefix.strip("/"))} for prefix in (PREFIX, "")]
    return short_answer(request, document() | {"servers": servers})
