"""Absolute addresses in answers: on the host, port and prefix of the request."""

from django.http import HttpRequest

PREFIX = "/api/v3/"


def api_address(request: HttpRequest, path: str) -> str:
    """The address of another resource under the prefix through which this request came."""
    prefix = PREFIX if request.path_info.startswith(PREFIX) else "/"
    script_name = request.path[: len(request.path) - len(request.path_info)]
    return request.build_absolute_uri(f"{script_name}{prefix}{path}")


def page_address(request: HttpRequest, path: str) -> str:
    """The address of one of our pages."""
    script_name = request.path[: len(request.path) - len(request.path_info)]
    return request.build_absolute_uri(f"{script_name}/{path}")
