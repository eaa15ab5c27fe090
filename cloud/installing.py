"""Make, revive or refuse the installation of a server on a cloud account."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cloud.manifests import HandshakeRefused
from cloud.models import AppToken, Installation, Ledger
from cloud.services import rename_installation
from cloud.signer import current_signer
from enterprises import audit
from enterprises.models import User
from wire.messages import ErrorCode, Manifest
from wire.signing import fingerprint


class ConnectionExists(HandshakeRefused):
    """The server, or another one of its name, is connected there already; an owner must remove that one first."""

    def __init__(self, installation: Installation) -> None:
        sentence = _("A connection for %(hostname)s already exists. Remove it on the cloud, then connect again.")
        super().__init__(ErrorCode.CONNECTION_EXISTS, sentence)
        self.installation = installation
        """Loaded with its ledger, account and who connected it."""
        self.hostname = installation.hostname

    def __str__(self) -> str:
        return str(self.sentence) % {"hostname": self.hostname}


def same_server(manifest: Manifest) -> QuerySet[Installation]:
    """Everything that could be the manifest's server: the same id, or the same name."""
    return Installation.objects.filter(Q(server_id=manifest.server_id) | Q(hostname=manifest.hostname))


def is_connected(installation: Installation) -> bool:
    """Whether the server may send."""
    return installation.state == Installation.State.CONNECTED


def is_blocking(installation: Installation, manifest: Manifest) -> bool:
    """Whether a server in the books keeps the manifest's server out.

    A connected one does unless it is this very App. Any other of the same id does unless the server proves, with its
    identity key, that it is the one that was here before. One that only has the same name does where it reports by
    file, and does not where it was disconnected.
    """
    has_same_id = str(installation.server_id) == manifest.server_id
    if is_connected(installation):
        return not (has_same_id and installation.app_key == manifest.app_key)
    if has_same_id:
        return installation.server_key != manifest.server_key
    return installation.state == Installation.State.BY_FILE


def check_free(ledger: Ledger, manifest: Manifest) -> Installation | None:
    """The row of the server that comes back, None for a new one.

    :raises ConnectionExists: a server in the books is in the way
    """
    rows = same_server(manifest).filter(ledger=ledger).select_related("ledger__enterprise", "connected_by")
    found = list(rows.order_by("pk"))
    for installation in found:
        if is_blocking(installation, manifest):
            raise ConnectionExists(installation)
    return next((row for row in found if str(row.server_id) == manifest.server_id), None)


def install(ledger: Ledger, manifest: Manifest, *, by: User, at: datetime, ip: str) -> Installation:
    """The connected installation of the manifest's server, under the ledger's lock; doing it again changes nothing.

    :raises ConnectionExists: a server in the books is in the way
    """
    known = check_free(ledger, manifest)
    if known is not None and is_connected(known):
        return known
    if known is not None and known.hostname != manifest.hostname:
        rename_installation(installation=known, hostname=manifest.hostname, at=at)
    facts = {
        "hostname": manifest.hostname,
        "http_only": manifest.http_only,
        "version": manifest.version,
        "state": Installation.State.CONNECTED,
        "app_key": manifest.app_key,
        "next_app_key": "",
        # The answer names every key that there is, and the server pins them.
        "receipt_kid": current_signer(at).kid,
        "server_key": manifest.server_key,
        "connected_by": by,
        "disconnected_at": None,
    }
    installation, is_new = Installation.objects.update_or_create(
        ledger=ledger, server_id=manifest.server_id, defaults=facts, create_defaults={**facts, "created_at": at}
    )
    AppToken.objects.filter(installation=installation).delete()
    audit.record(
        enterprise=ledger.enterprise,
        action="enterprise_installation.create",
        by=by,
        ip=ip,
        target=manifest.hostname,
        at=at,
        after={
            "installation_id": installation.pk,
            "server_id": manifest.server_id,
            "version": manifest.version,
            "server_key_fingerprint": fingerprint(manifest.server_key),
            "is_revived": not is_new,
        },
    )
    return installation
