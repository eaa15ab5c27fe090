"""Addresses of the style guide: the page itself, the error pages, and the names that the menus link to."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.i18n import set_language

from tests.look.styleguide import confirmation, signed_out, styleguide


def nowhere(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def error(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, f"{name}.html")


urlpatterns = [
    path("", styleguide, name="home"),
    path("signed-out", signed_out),
    path("confirmation", confirmation),
    path("errors/<str:name>", error),
    path("language", set_language, name="set_language"),
    path("theme", nowhere, name="set_theme"),
    path("sign-out", nowhere, name="account_logout"),
]
