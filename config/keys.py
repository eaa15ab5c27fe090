"""Stops a start whose keys do not open what is stored, with one sentence."""

from django.db import DatabaseError, connections

from config.env import Misconfigured
from enterprises.keys import check_keys
from enterprises.secrets import WrongEncryptionKey

# A health check is asked every few seconds; the start has looked at all of them.
MOST_ASKED_AT_ONCE = 20


def refuse_wrong_keys() -> None:
    """Looks at every stored secret; without a database there is nothing to say yet.

    :raises Misconfigured: one of them cannot be opened
    """
    try:
        check_keys()
    except WrongEncryptionKey as error:
        raise Misconfigured(str(error)) from None
    except DatabaseError:
        return


def refuse_wrong_keys_before_forking() -> None:
    """The same for a process that forks: its children must not share its connection."""
    try:
        refuse_wrong_keys()
    finally:
        connections.close_all()


def keys_state() -> str:
    try:
        check_keys(most=MOST_ASKED_AT_ONCE)
    except WrongEncryptionKey:
        return "wrong"
    except DatabaseError:
        return "unknown"
    return "ok"
