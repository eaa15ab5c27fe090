"""Which server a request is about, if its person may see it; and where a page's forms may lead."""

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpResponse

from connect.models import Server
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.requests import SignedInRequest
from licensesync.pages.server import server_of


def server_for(request: SignedInRequest, slug: str, need: Need = Need.VIEW) -> Server:
    """The server behind the slug, with its connection, license and seat source already loaded.

    :raises Http404: nobody of that enterprise, or no such server
    :raises PermissionDenied: an owner's action, and the person is not an owner
    """
    return server_of(enterprise_for(request.user, slug, deployment=Deployment.SERVER, need=need))


def forms_lead_to_clouds(request: SignedInRequest, response: HttpResponse) -> HttpResponse:
    """Let this page's form be answered by a redirect to a cloud that one may choose, and to no other origin.

    Browsers check ``form-action`` against every redirect of a form.
    """
    csp_update({"form-action": list(settings.CLOUD_URLS)})(lambda _request: response)(request)
    return response


def is_owner(request: SignedInRequest) -> bool:
    """Whether the person owns the enterprise that the request is about."""
    role = request.user.current_role
    return role is not None and role.is_owner
