"""GitHub Connect, seen from the cloud: from the consent of an owner to the installation of a server's App.

An owner's consent makes a one-time code, bound to the manifest and with it to the App key; whoever converts the code
proves possession of that key. The same key gets the same answer again for five minutes, so that nothing is lost when
an answer is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cloud import installing, signer
from cloud.installing import ConnectionExists
from cloud.locks import locked
from cloud.manifests import HandshakeRefused, RequestInvalid, read_request
from cloud.models import ConnectCode, Installation, Ledger
from enterprises.models import Deployment, Enterprise, User
from enterprises.secrets import digest, new_secret
from wire import messages, signing
from wire.messages import ErrorCode, Manifest

__all__ = [
    "AccountChoice", "CodeInvalid", "ConnectionExists", "HandshakeRefused", "ProofInvalid", "RequestInvalid",
    "accounts_for", "connect_directly", "convert", "give_code", "read_request",
]  # fmt: skip

CODE_LIFETIME: Final = timedelta(minutes=5)


class CodeInvalid(HandshakeRefused):
    """Unknown, expired, or used."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.CODE_INVALID, _("The code is unknown, has expired, or was used."))


class ProofInvalid(HandshakeRefused):
    """The caller does not hold the App key of the manifest, or its clock is wrong."""

    def __init__(self, code: ErrorCode, sentence: str | Promise) -> None:
        super().__init__(code, sentence)


@dataclass(frozen=True, kw_only=True)
class AccountChoice:
    """An account that the person owns, and the connection that stands in the way there, if any."""

    enterprise: Enterprise
    existing_installation: Installation | None


def accounts_for(user: User, manifest: Manifest) -> list[AccountChoice]:
    """The cloud accounts that a person owns, in two queries."""
    accounts = Enterprise.objects.owned_by(user).filter(deployment=Deployment.CLOUD).order_by("name", "slug")
    blocking = {
        installation.ledger.enterprise_id: installation
        for installation in installing.same_server(manifest)
        .filter(ledger__enterprise__in=accounts)
        .select_related("ledger", "connected_by")
        if installing.is_blocking(installation, manifest)
    }
    return [AccountChoice(enterprise=account, existing_installation=blocking.get(account.pk)) for account in accounts]


def give_code(*, manifest_jws: str, account: Enterprise, by: User, at: datetime) -> str:
    """A one-time code with which the server that signed the manifest may connect to the account.

    :raises RequestInvalid: see `read_request`
    :raises ConnectionExists: the server, or another one of that name, is connected there already
    :raises PermissionDenied: the person does not own the account
    """
    manifest = read_request(manifest_jws, at)
    if not Enterprise.objects.owned_by(by).filter(pk=account.pk).exists():
        raise PermissionDenied
    ledger = Ledger.objects.get(enterprise=account)
    installing.check_free(ledger, manifest)
    code = new_secret()
    ConnectCode.objects.create(
        ledger=ledger,
        digest=digest(code),
        manifest=manifest_jws,
        created_by=by,
        expires_at=at + CODE_LIFETIME,
    )
    return code


def convert(code: str, app_jwt: str, at: datetime, ip: str = "") -> messages.Installation:
    """Turn a code into the installation of its server, or repeat the answer to the same key.

    :raises CodeInvalid: unknown or expired, or its giver owns the account no longer
    :raises ProofInvalid: the JWT is not of the App key that the code is bound to
    :raises ConnectionExists: somebody connected the server in the meantime
    """
    codes = ConnectCode.objects.filter(digest=digest(code), expires_at__gt=at)
    row = codes.select_related("ledger__enterprise", "created_by").first()
    if row is None:
        raise CodeInvalid
    manifest = signing.read_manifest(row.manifest)
    _check_proof(app_jwt, manifest, at)
    with locked(row.ledger) as ledger:
        used = codes.select_related("installation").first()
        if used is None or not _may_still(row.created_by, ledger):
            raise CodeInvalid
        installation = used.installation
        if installation is None:
            installation = installing.install(ledger, manifest, by=row.created_by, at=at, ip=ip)
            codes.update(installation=installation, expires_at=at + CODE_LIFETIME)
        elif installing.is_blocking(installation, manifest) or not installing.is_connected(installation):
            raise CodeInvalid
        return _answer(installation, row.ledger.enterprise, at)


def _may_still(giver: User, ledger: Ledger) -> bool:
    """Whether who gave the code may sign in, and owns the account, at this moment."""
    owners = Enterprise.objects.owned_by(giver).filter(pk=ledger.enterprise_id)
    return User.objects.filter(pk=giver.pk, is_active=True).exists() and owners.exists()


def connect_directly(
    *, manifest_jws: str, proof: str, account: Enterprise, by: User, at: datetime, ip: str = ""
) -> messages.Installation:
    """Connect without a browser: the owner's token stands for the consent, the proof for the App key.

    :raises RequestInvalid: see `read_request`
    :raises ProofInvalid: the proof is not of the manifest's App key
    :raises ConnectionExists: the server, or another one of that name, is connected there already
    """
    manifest = read_request(manifest_jws, at)
    _check_proof(proof, manifest, at)
    with locked(Ledger.objects.get(enterprise=account)) as ledger:
        installation = installing.install(ledger, manifest, by=by, at=at, ip=ip)
        return _answer(installation, account, at)


def _check_proof(app_jwt: str, manifest: Manifest, at: datetime) -> None:
    """Before there is an App id, the server id stands in its place as the issuer."""
    try:
        signing.verify_app_jwt(app_jwt, key=signing.read_app_key(manifest.app_key), at=at)
        issuer = signing.app_jwt_issuer(app_jwt)
    except signing.ClockSkew as error:
        raise ProofInvalid(
            ErrorCode.CLOCK_SKEW, _("The proof is for another time; compare the clocks of both hosts.")
        ) from error
    except (signing.SignatureInvalid, RecursionError, OverflowError) as error:
        raise ProofInvalid(ErrorCode.BAD_CREDENTIALS, _("The proof is not of the App's key.")) from error
    if issuer != manifest.server_id:
        raise ProofInvalid(ErrorCode.BAD_CREDENTIALS, _("The proof is for another server."))


def _answer(installation: Installation, account: Enterprise, at: datetime) -> messages.Installation:
    held = (
        messages.Base(revision=installation.revision, snapshot_id=str(installation.snapshot_id))
        if installation.snapshot_id
        else None
    )
    return messages.Installation(
        app_id=installation.pk,
        installation_id=installation.pk,
        account=_account(account),
        receipt_keys=signer.public_keys(at),
        held=held,
    )


def _account(account: Enterprise) -> messages.Account:
    return messages.Account(
        slug=account.slug, name=account.name, kind="organization" if account.is_organization else "enterprise"
    )
