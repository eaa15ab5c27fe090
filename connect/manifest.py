"""What a server says of itself when it asks to be connected."""

from datetime import datetime

from connect.models import Connection, Server
from wire import signing
from wire.messages import Feature, Manifest

LICENSE_SYNC = "license_sync"


def own_callback(server: Server) -> str:
    """Return where a browser would come back to; without a browser the cloud still checks that it is on our host."""
    return f"https://{server.hostname}/enterprises/{server.enterprise.slug}/settings/dotcom_connection/complete"


def sign_manifest(connection: Connection, *, callback: str, at: datetime) -> str:
    """Return what this server says of itself, signed by its identity key."""
    server = connection.server
    identity = signing.load_identity_key(server.identity_key)
    app_key = signing.load_app_key(connection.pending_app_key)
    manifest = Manifest(
        server_id=str(server.server_id),
        hostname=server.hostname,
        version=server.version,
        http_only=server.http_only,
        callback=callback,
        audience=connection.cloud_url,
        app_key=signing.public_pem(app_key.public_key()),
        server_key=signing.public_text(identity.public_key()),
        issued_at=at,
        features=(Feature(name=LICENSE_SYNC),),
    )
    return signing.sign(manifest, typ=signing.MANIFEST, key=identity)
