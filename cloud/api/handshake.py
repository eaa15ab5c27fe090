"""The two ways in which a server becomes connected: a code from the consent page, or an owner's token."""

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from cloud import handshake
from cloud.api import auth
from cloud.api.addresses import page_address
from cloud.api.auth import TokenRequest
from cloud.api.bodies import answer, read_message
from cloud.api.errors import Refused
from cloud.api.throttling import failed
from cloud.models import Installation
from enterprises.access import Need, Scope
from enterprises.api import english
from enterprises.audit import actor_ip
from wire.messages import ErrorCode, StandingConnection

router = Router()

# Refusals by which somebody who guesses would learn something.
_GUESSES = {ErrorCode.CODE_INVALID, ErrorCode.BAD_CREDENTIALS}


class DirectConnection(msgspec.Struct, frozen=True, kw_only=True):
    """The body of the headless route: the signed manifest, and a JWT of its App key."""

    manifest: str
    proof: str


@router.post("/app-manifests/{code}/conversions", url_name="convert_code")
def convert(request: HttpRequest, code: str) -> HttpResponse:
    """Create the installation that the code stands for; a JWT of the App key proves who asks."""
    proof = auth.presented_jwt(request)
    try:
        installation = handshake.convert(code, proof, timezone.now(), ip=actor_ip(request))
    except handshake.HandshakeRefused as error:
        raise _refusal(request, error) from error
    return answer(installation, status=201)


@router.post("/enterprises/{enterprise}/enterprise-installations", auth=auth.person, url_name="connect_directly")
def connect(request: TokenRequest, enterprise: str) -> HttpResponse:
    """Connect without a browser, with the token of an owner of the account."""
    account = auth.account(request, enterprise, scope=Scope.ADMIN_ENTERPRISE, need=Need.OWN)
    body = read_message(request, DirectConnection)
    try:
        installation = handshake.connect_directly(
            manifest_jws=body.manifest,
            proof=body.proof,
            account=account,
            by=request.auth.user,
            at=timezone.now(),
            ip=actor_ip(request),
        )
    except handshake.HandshakeRefused as error:
        raise _refused(request, error) from error
    return answer(installation, status=201)


def _refused(request: HttpRequest, error: handshake.HandshakeRefused) -> Refused:
    """Whoever got so far brings the consent of an owner of the account: what stands in the way is no secret to them."""
    existing = None
    if isinstance(error, handshake.ConnectionExists):
        existing = _standing(request, error.installation)
    return Refused(error.code, english(error), existing=existing)


def _standing(request: HttpRequest, installation: Installation) -> StandingConnection:
    account, by = installation.ledger.enterprise, installation.connected_by
    return StandingConnection(
        hostname=installation.hostname,
        server_id=str(installation.server_id),
        account=account.name,
        url=page_address(request, f"enterprises/{account.slug}/licensing"),
        accounts=installation.accounts,
        since=installation.created_at,
        connected_by=by.username if by else "",
        synced_at=installation.last_sync_at,
    )


def _refusal(request: HttpRequest, error: handshake.HandshakeRefused) -> Refused:
    refusal = _refused(request, error)
    return failed(request, refusal) if error.code in _GUESSES else refusal
