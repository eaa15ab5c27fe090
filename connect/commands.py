"""What the commands of the line share: finding the server, and saying a failure in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.core.management.base import CommandError

from connect.failures import CloudFailure
from connect.handshake import ConnectionExists, HandshakeFailed
from connect.models import Connection


def find_connection(slug: str) -> Connection:
    """Return the connection of a server enterprise.

    :raises CommandError: there is no such server
    """
    connection = Connection.objects.select_related("server__enterprise").filter(server__enterprise__slug=slug).first()
    if connection is None:
        raise CommandError(f"There is no server {slug!r}; create_enterprise makes one.")
    return connection


@contextmanager
def failures() -> Iterator[None]:
    """Turn what went wrong on the line into the command's sentences."""
    try:
        yield
    except CloudFailure as failure:
        raise CommandError(f"{failure.explanation.sentence} {failure.explanation.next_step}") from failure
    except ConnectionExists as failure:
        raise CommandError(f"{failure} {_which(failure)}".strip()) from failure
    except HandshakeFailed as failure:
        raise CommandError(str(failure)) from failure


def _which(failure: ConnectionExists) -> str:
    """Say which connection is in the way, if the cloud did."""
    found = failure.existing
    if found is None:
        return ""
    by = f" by {found.connected_by}" if found.connected_by else ""
    synced = f"last synced {_day(found.synced_at)}" if found.synced_at else "never synced"
    return (
        f"It is {found.hostname} with the server id {found.server_id} in {found.account}, connected{by} since "
        f"{_day(found.since)}, {synced}, {found.accounts} accounts: {found.url}"
    )


def _day(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
