"""The one lock of a server: whoever writes its license or seats, or takes a snapshot of them, holds it."""

from connect.models import Server


def hold(server: Server) -> None:
    """Keep everybody else waiting until the caller's transaction ends; SQLite's transaction is the lock itself."""
    Server.objects.select_for_update(no_key=True).only("pk").get(pk=server.pk)
