"""What can be done to a server and its connection: one transaction each, its audit row inside."""

from datetime import datetime

from django.db import transaction

from connect.models import Connection, Server
from enterprises.models import Enterprise
from wire import signing


@transaction.atomic
def register_server(
    *, enterprise: Enterprise, hostname: str, at: datetime, version: str = "", http_only: bool = False
) -> Server:
    """Give an enterprise its server: an id and an identity key that stay, and a connection that stands open.

    ``at`` is when it happens; the audit row of the founding tells of it.
    """
    server = Server(
        enterprise=enterprise,
        hostname=hostname.strip().lower(),
        version=version,
        http_only=http_only,
        identity_key=signing.private_pem(signing.new_identity_key()),
    )
    server.full_clean()
    server.save(force_insert=True)
    Connection.objects.create(server=server)
    return server
