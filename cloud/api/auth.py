"""The three credentials of the API: an App's JWT, an installation's one-hour token, a person's token."""

import re

from django.http import Http404, HttpRequest
from django.utils import timezone

from cloud import app_keys
from cloud.api.errors import Refused
from cloud.api.throttling import check_rate, failed
from cloud.models import AppToken, Installation, Ledger
from enterprises.access import Deployment, Need, Scope, authenticate_token, enterprise_for_token
from enterprises.audit import actor_ip
from enterprises.models import ApiToken, Enterprise
from enterprises.secrets import digest
from wire import signing
from wire.messages import ErrorCode

_BEARER = re.compile(r"\Abearer +(?=.{1,6000}\Z)([\w-]+\.[\w-]+\.[\w-]*)\s*\Z", re.IGNORECASE | re.ASCII)
_TOKEN = re.compile(r"\A(?:token|bearer) +([\x21-\x7e]{1,200})\s*\Z", re.IGNORECASE)
_SLUG = re.compile(r"[\w-]{1,100}", re.ASCII)
_APP_ID = re.compile(r"\A[1-9][0-9]{0,17}\Z")

# What can go wrong while hostile JSON or its numbers are read, beside what the signature check says itself.
UNVERIFIABLE = (signing.SignatureInvalid, RecursionError, OverflowError)


class AppRequest(HttpRequest):
    """A request of an App or with an installation's token."""

    auth: Installation


class TokenRequest(HttpRequest):
    """A request with a person's token."""

    auth: ApiToken


def bad_credentials() -> Refused:
    """The one answer to every credential that opens nothing."""
    return Refused(ErrorCode.BAD_CREDENTIALS, "Bad credentials")


def clock_skew() -> Refused:
    """The credential is right but for its time; the Date header of this very answer tells what time it is here."""
    return Refused(
        ErrorCode.CLOCK_SKEW, "The JWT is for another time; compare the clocks of both hosts (see the Date header)."
    )


def gone() -> Refused:
    """The App was deleted, from either side."""
    return Refused(ErrorCode.INSTALLATION_GONE, "Integration not found")


def presented_jwt(request: HttpRequest) -> str:
    """The JWT in the Authorization header.

    :raises Refused: there is none
    """
    header = request.headers.get("Authorization", "")
    if not header:
        raise Refused(ErrorCode.BAD_CREDENTIALS, "A JSON web token could not be decoded")
    match = _BEARER.match(header)
    if match is None:
        raise failed(request, bad_credentials())
    return match[1]


def app(request: HttpRequest) -> Installation:
    """The connected App whose key signed the JWT; the App id chooses the key, the token never does.

    :raises Refused: bad_credentials, clock_skew, installation_gone or rate_limited
    """
    token = presented_jwt(request)
    try:
        issuer = signing.app_jwt_issuer(token)
        installation = _installation(issuer) if _APP_ID.match(issuer) else None
        if installation is None:
            raise failed(request, gone() if _APP_ID.match(issuer) else bad_credentials())
        is_next = _is_of_next_key(token, installation)
    except signing.ClockSkew as error:
        raise clock_skew() from error
    except UNVERIFIABLE as error:
        raise failed(request, bad_credentials()) from error
    if installation.state != Installation.State.CONNECTED:
        raise gone()
    check_rate(request, f"server:{installation.pk}")
    if is_next:
        app_keys.switch(installation=installation, at=timezone.now(), ip=actor_ip(request))
    return installation


def _is_of_next_key(token: str, installation: Installation) -> bool:
    """Whether the key that shall follow signed the JWT, and not the App's own.

    :raises wire.signing.SignatureInvalid: neither of them did, or it is for another time
    """
    now = timezone.now()
    try:
        signing.verify_app_jwt(token, key=signing.read_app_key(installation.app_key), at=now)
    except signing.ClockSkew:
        raise
    except signing.SignatureInvalid:
        if not installation.next_app_key:
            raise
        signing.verify_app_jwt(token, key=signing.read_app_key(installation.next_app_key), at=now)
        return True
    return False


def _installation(app_id: str) -> Installation | None:
    return Installation.objects.select_related("ledger__enterprise").filter(pk=int(app_id)).first()


def installation(request: HttpRequest) -> Installation:
    """The connected installation whose token this is, within its hour.

    :raises Refused: bad_credentials or rate_limited
    """
    header = request.headers.get("Authorization", "")
    if not header:
        raise Refused(ErrorCode.BAD_CREDENTIALS, "Requires authentication")
    match = _TOKEN.match(header)
    token = _live_token(match[1]) if match else None
    if token is None:
        raise failed(request, bad_credentials())
    check_rate(request, f"server:{token.installation_id}")
    return token.installation


def _live_token(secret: str) -> AppToken | None:
    return (
        AppToken.objects.select_related("installation__ledger__enterprise")
        .filter(
            digest=digest(secret),
            expires_at__gt=timezone.now(),
            installation__state=Installation.State.CONNECTED,
        )
        .first()
    )


def person(request: HttpRequest) -> ApiToken:
    """The person's token; what it may do is for `enterprises.access` to say.

    :raises Refused: bad_credentials or rate_limited
    """
    header = request.headers.get("Authorization", "")
    if not header:
        raise Refused(ErrorCode.BAD_CREDENTIALS, "Requires authentication")
    token = authenticate_token(header)
    if token is None:
        raise failed(request, bad_credentials())
    check_rate(request, f"token:{token.pk}")
    return token


def account(request: TokenRequest, slug: str, *, scope: Scope, need: Need = Need.VIEW) -> Enterprise:
    """The cloud account of that name, if the token's person may.

    :raises Http404: no role in it, or no such account; a name that none can have never reaches the database
    :raises PermissionDenied: the token lacks the scope, or the person the right
    """
    if not _SLUG.fullmatch(slug):
        raise Http404
    return enterprise_for_token(request.auth, slug, deployment=Deployment.CLOUD, scope=scope, need=need)


def ledger(request: TokenRequest, slug: str) -> Ledger:
    """The books of the cloud account of that name, for whoever may read them.

    :raises Http404: no role in it, or no such account
    :raises PermissionDenied: the token lacks the scope
    """
    held = Ledger.objects.select_related("enterprise")
    return held.get(enterprise=account(request, slug, scope=Scope.READ_ENTERPRISE))
