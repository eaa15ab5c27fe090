"""What the commands of the line share: finding the server, and saying a failure in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from connect.failures import CloudFailure
from connect.handshake import HandshakeFailed
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
    except HandshakeFailed as failure:
        raise CommandError(str(failure)) from failure
