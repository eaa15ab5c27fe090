"""The routes of the API, under /api/v3 as on a server and at the root as on api.github.com.

Include it last: it also answers whatever else is asked for under /api/v3, in the API's own shape.
"""

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from cloud.api import app, document, errors, handshake, intake, reference
from cloud.api.shape import in_our_shape
from enterprises.api import problem


def _build(namespace: str) -> NinjaAPI:
    api = NinjaAPI(title="License sync", version="3", urls_namespace=namespace, openapi_url=None, docs_url=None)
    errors.register(api)
    for router in (app.router, handshake.router, intake.router, *document.PUBLIC):
        api.add_router("", router)
    return api


def _routes(api: NinjaAPI) -> tuple[list[URLPattern | URLResolver], str]:
    patterns, _, namespace = api.urls
    routes = [pattern for pattern in patterns if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for route in routes:
        route.callback = in_our_shape(route.callback)
    return list(routes), namespace


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponseBase:
    """There is no such resource."""
    return problem(404, "Not Found")


api = _build("api")
root_api = _build("root-api")

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/docs", reference.show, name="api_docs"),
    path("api/openapi.json", in_our_shape(document.openapi), name="openapi"),
    path("api/v3/", include(_routes(api))),
    path("", include(_routes(root_api))),
    # Whatever stands there, line breaks too.
    re_path(r"^api/v3/", not_found),
]
