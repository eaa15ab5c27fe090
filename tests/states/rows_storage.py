"""The database of the server refuses: it has no room, or somebody else holds it."""

import logging
import sqlite3

from django.db import connection as database

from tests.faults.proxy import Exchange
from tests.states.rows import failure
from tests.states.rows_network import OPEN
from tests.states.scene import Scene

MANY = 3000
MOST_PAGES = 2**30 - 1
BUSY_SECONDS = 0.1


def _pragma(name: str, value: float) -> None:
    with database.cursor() as cursor:
        cursor.execute(f"PRAGMA {name} = {value:.0f}")


@failure("disk_full", commits=True)
def no_room(scene: Scene) -> None:
    """The disk of the database has no room for the lines that are about to be sent."""
    scene.seat(range(1, MANY))
    job = scene.request()
    with database.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
    _pragma("max_page_count", pages)
    scene.stack.callback(_pragma, "max_page_count", MOST_PAGES)
    scene.work(job)


@failure("database_unreachable", commits=True)
def held_by_another(scene: Scene) -> None:
    """Somebody else holds the database for too long, a backup for one."""
    _pragma("busy_timeout", BUSY_SECONDS * 1000)
    scene.stack.callback(_pragma, "busy_timeout", database.settings_dict["OPTIONS"]["timeout"] * 1000)
    other = sqlite3.connect(database.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
    scene.stack.callback(other.close)

    def hold(exchange: Exchange) -> None:
        answer = exchange.forward()
        other.execute("BEGIN IMMEDIATE")
        exchange.reply(answer)

    def let_go(_record: logging.LogRecord) -> bool:
        """The attempt has failed: what the server writes about it finds the database free."""
        other.rollback()
        return True

    outcomes = logging.getLogger("licensesync.syncing.outcomes")
    outcomes.addFilter(let_go)
    scene.stack.callback(outcomes.removeFilter, let_go)
    scene.line.on(*OPEN, hold)
    scene.sync()
