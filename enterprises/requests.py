"""What views of both sides say about a request and its answer."""

from django.http import HttpRequest, HttpResponse

from enterprises.models import User


class SignedInRequest(HttpRequest):
    """A request behind ``login_required``: its user is a person."""

    user: User


def allow_form_to(response: HttpResponse, origin: str) -> HttpResponse:
    """Let the forms of this one page be answered by a redirect to another origin.

    Browsers check ``form-action`` against every redirect of a form, so the two pages of GitHub
    Connect that lead to the other host name exactly that host.
    """
    response._csp_update = {"form-action": [origin]}  # type: ignore[attr-defined]
    return response
