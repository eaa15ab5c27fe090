"""The routes of the API, under /api/v3 as on a server and at the root as on api.github.com.

Include it last: it also answers whatever else is asked for under /api/v3, in the API's own shape.
"""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from cloud.api import app, errors, handshake, intake, reports
from enterprises.api import problem

View = Callable[..., HttpResponseBase]


def _build(namespace: str) -> NinjaAPI:
    api = NinjaAPI(title="License sync", version="3", urls_namespace=namespace, openapi_url=None, docs_url=None)
    errors.register(api)
    for router in (app.router, handshake.router, intake.router, reports.router):
        api.add_router("", router)
    return api


def _in_our_shape(view: View) -> View:
    """Answer a wrong method as everything else is answered."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        refusal = problem(405, "Method Not Allowed")
        refusal["Allow"] = response["Allow"]
        return refusal

    return wrapped


def _routes(api: NinjaAPI) -> tuple[list[URLPattern | URLResolver], str]:
    patterns, _, namespace = api.urls
    routes = [pattern for pattern in patterns if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for route in routes:
        route.callback = _in_our_shape(route.callback)
    return list(routes), namespace


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponseBase:
    """There is no such resource."""
    return problem(404, "Not Found")


api = _build("api")
root_api = _build("root-api")

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v3/", include(_routes(api))),
    path("", include(_routes(root_api))),
    # Whatever stands there, line breaks too.
    re_path(r"^api/v3/", not_found),
]
