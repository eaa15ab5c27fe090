"""The locks of the cloud: the books of an account, and within them a server.

Whoever writes accounts, members or people holds the ledger. Whoever writes a server's snapshots on their way in, or its
credentials, holds the server. They are taken in this order, ledger, server, intake, so that nobody waits in a circle.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from cloud.models import Installation, Ledger
from cloud.staging import execute


@contextmanager
def locked(ledger: Ledger | int, *, roll_back: bool = False) -> Iterator[Ledger]:
    """Open a transaction that holds the ledger, and yield it as it is now.

    PostgreSQL locks the row, in a mode that lets others insert rows that refer to it; SQLite locks
    the database as the transaction begins. ``roll_back`` undoes everything at the end: a preview.
    """
    key = ledger if isinstance(ledger, int) else ledger.pk
    with transaction.atomic():
        if connection.vendor == "postgresql":
            # One such transaction runs per cloud account: it may keep what it joins in memory.
            execute("SET LOCAL work_mem = '64MB'")
        yield Ledger.objects.select_for_update(no_key=True).get(pk=key)
        if roll_back:
            transaction.set_rollback(True)


def hold(installation: Installation) -> Installation | None:
    """Keep a server connected until the caller's transaction ends, and return it as it is now.

    None where it was disconnected or removed.
    """
    connected = Installation.objects.select_for_update(no_key=True).filter(state=Installation.State.CONNECTED)
    return connected.filter(pk=installation.pk).first()
