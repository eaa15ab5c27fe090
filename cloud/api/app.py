"""The App's own endpoints, in GitHub's shape: who am I, where am I installed, a token, good-bye.

Source: https://docs.github.com/en/rest/apps/apps. The App and its one installation share their id.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from cloud import app_keys, services
from cloud.api import auth
from cloud.api.addresses import api_address, page_address
from cloud.api.auth import AppRequest
from cloud.api.bodies import answer, no_content, read_message
from cloud.api.errors import Refused
from cloud.api.moments import written
from cloud.models import Installation
from enterprises.audit import actor_ip
from wire import signing
from wire.messages import AccessToken, ErrorCode, NextAppKey

PERMISSIONS: Final = {"enterprise_license_sync": "write"}

router = Router(auth=auth.app)


@router.get("/app", url_name="app")
def show_app(request: AppRequest) -> HttpResponse:
    """Describe the App that asks."""
    return answer(_app(request, request.auth))


@router.get("/app/installations", url_name="app_installations")
def list_installations(request: AppRequest) -> HttpResponse:
    """List the one installation of the App."""
    return answer([_installation(request, request.auth)])


@router.get("/app/installations/{installation_id}", url_name="app_installation")
def show_installation(request: AppRequest, installation_id: str) -> HttpResponse:
    """Describe the installation, if it is the App's own."""
    return answer(_installation(request, _own(request, installation_id)))


@router.post("/app/installations/{installation_id}/access_tokens", url_name="app_access_tokens")
def create_access_token(request: AppRequest, installation_id: str) -> HttpResponse:
    """Mint a token for one hour."""
    installation = _own(request, installation_id)
    with _while_the_key_is_ours():
        secret, expires_at = app_keys.mint(installation=installation, at=timezone.now())
    return answer(AccessToken(token=secret, expires_at=expires_at, permissions=PERMISSIONS), status=201)


@router.put("/app/key", url_name="app_key")
def put_key(request: AppRequest) -> HttpResponse:
    """Accept the key that shall follow the App's; the first JWT of it ends the one before (ours, not GitHub's)."""
    body = read_message(request, NextAppKey)
    now = timezone.now()
    try:
        signing.verify_app_jwt(body.proof, key=signing.read_app_key(body.app_key), at=now)
        is_for_this_app = signing.app_jwt_issuer(body.proof) == str(request.auth.pk)
    except signing.ClockSkew as error:
        raise auth.clock_skew() from error
    except (signing.KeyInvalid, *auth.UNVERIFIABLE) as error:
        raise Refused(ErrorCode.INVALID_REQUEST, "Validation Failed: app_key or its proof is none.") from error
    if not is_for_this_app:
        raise Refused(ErrorCode.INVALID_REQUEST, "Validation Failed: the proof is for another App.")
    with _while_the_key_is_ours():
        app_keys.keep_next(installation=request.auth, app_key=body.app_key, at=now, ip=actor_ip(request))
    return no_content()


@router.delete("/app/installations/{installation_id}", url_name="delete_installation")
def delete_installation(request: AppRequest, installation_id: str) -> HttpResponse:
    """Disconnect: the App and its tokens go, the people still count until an owner removes the server."""
    services.disconnect_installation(
        installation=_own(request, installation_id), by=None, at=timezone.now(), ip=actor_ip(request)
    )
    return no_content()


@contextmanager
def _while_the_key_is_ours() -> Iterator[None]:
    """:raises Refused: the server is gone, or its key was replaced while it asked"""
    try:
        yield
    except app_keys.ServerGone as error:
        raise auth.gone() from error
    except app_keys.KeyReplaced as error:
        raise auth.bad_credentials() from error


def _own(request: AppRequest, installation_id: str) -> Installation:
    if installation_id != str(request.auth.pk):
        raise Http404
    return request.auth


def _app(request: HttpRequest, installation: Installation) -> dict[str, Any]:
    account = installation.ledger.enterprise
    return {
        "id": installation.pk,
        "slug": _slug(installation),
        "node_id": "",
        "owner": _account(request, installation),
        "name": f"GitHub Connect for {installation.hostname}",
        "description": f"License sync of {installation.hostname} with {account.name}",
        "external_url": page_address(request, ""),
        "html_url": _licensing_page(request, installation),
        "created_at": written(installation.created_at),
        "updated_at": written(installation.created_at),
        "permissions": PERMISSIONS,
        "events": [],
        "installations_count": 1,
    }


def _installation(request: HttpRequest, installation: Installation) -> dict[str, Any]:
    account = installation.ledger.enterprise
    own = f"app/installations/{installation.pk}"
    return {
        "id": installation.pk,
        "account": _account(request, installation),
        "access_tokens_url": api_address(request, f"{own}/access_tokens"),
        "repositories_url": api_address(request, "installation/repositories"),
        "html_url": _licensing_page(request, installation),
        "app_id": installation.pk,
        "app_slug": _slug(installation),
        "target_id": account.pk,
        "target_type": "Organization" if account.is_organization else "Enterprise",
        "permissions": PERMISSIONS,
        "events": [],
        "repository_selection": "selected",
        "single_file_name": None,
        "created_at": written(installation.created_at),
        "updated_at": written(installation.created_at),
        "suspended_at": None,
        "suspended_by": None,
    }


def _account(request: HttpRequest, installation: Installation) -> dict[str, Any]:
    account = installation.ledger.enterprise
    common = {
        "id": account.pk,
        "node_id": "",
        "html_url": page_address(request, f"enterprises/{account.slug}/licensing"),
        "created_at": written(account.created_at),
    }
    if account.is_organization:
        return common | {"login": account.slug, "type": "Organization"}
    return common | {"slug": account.slug, "name": account.name, "type": "Enterprise"}


def _slug(installation: Installation) -> str:
    return f"github-connect-{installation.pk}"


def _licensing_page(request: HttpRequest, installation: Installation) -> str:
    return page_address(request, f"enterprises/{installation.ledger.enterprise.slug}/licensing")
