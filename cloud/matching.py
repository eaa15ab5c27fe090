"""Give every server account its person: the only writer of person keys.

The rules, in their order (docs/domain.md, "Matching"): a link of GitHub's own report, a SAML or SCIM
identity of a member, a verified address of a member, the primary address itself, the account itself.
A key depends on the account's own primary address and on who holds it, on nothing else: so only
accounts whose address changed hands need a new one.
"""

# ruff: noqa: S608  (Table names and conditions are this project's own; every value is a parameter.)

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cloud.models import Installation, Ledger
from cloud.staging import BIGINT, BOOLEAN, TEXT, Value, analyze, execute, fetch_row, refresh_statistics, temporary_table

INCOMING: Final = "incoming_account"
INCOMING_COLUMNS: Final = {"user_id": BIGINT, "line": TEXT, "primary_address": TEXT}
INCOMING_KEY: Final = "user_id"

ADDRESSES: Final = "moved_address"
ADDRESSES_COLUMNS: Final = {"value": TEXT}

LINKS: Final = "moved_link"
LINKS_COLUMNS: Final = {"hostname": TEXT, "user_id": BIGINT}

TOUCHED: Final = "touched_person"
TOUCHED_COLUMNS: Final = {"person_key": TEXT, "was_suspended": BIGINT}
"""``was_suspended`` is set for members who were listed and suspended on the cloud before."""

MOVED: Final = "moved_account"
MOVED_COLUMNS: Final = {"from_key": TEXT, "to_key": TEXT}
"""Between whom accounts went that are held before and after."""

OUTDATED: Final = "outdated_account"
OUTDATED_COLUMNS: Final = {
    "user_id": BIGINT,
    "primary_address": TEXT,
    "person_key": TEXT,
    "rule": TEXT,
    "is_changed": BOOLEAN,
}
OUTDATED_KEY: Final = "user_id"

_REKEYED = "rekeyed_account"
_REKEYED_COLUMNS = {"id": BIGINT, "person_key": TEXT, "rule": TEXT, "is_ambiguous": BOOLEAN}

# Who holds an address: at the best rank that anybody holds it, the member with the lowest number.
_HOLDERS = """
SELECT value,
       min(rank) AS rank,
       coalesce(min(number) FILTER (WHERE rank = 1), min(number)) AS number,
       CASE WHEN min(rank) = 1 THEN count(*) FILTER (WHERE rank = 1) ELSE count(*) END > 1 AS is_ambiguous
FROM cloud_memberaddress
WHERE ledger_id = %s AND rank < 3 AND value IN ({addresses})
GROUP BY value
"""

_LINKED = """
SELECT user_id, hostname, min(number) AS number, count(*) > 1 AS is_ambiguous
FROM cloud_memberlink WHERE ledger_id = %s GROUP BY user_id, hostname
"""

_PERSON_KEY = """
CASE WHEN linked.number IS NOT NULL THEN 'm:' || linked.number
     WHEN holder.number IS NOT NULL THEN 'm:' || holder.number
     WHEN account.primary_address <> '' THEN 'a:' || account.primary_address
     ELSE 's:' || {installation} || ':' || account.user_id END
"""

_RULE = """
CASE WHEN linked.number IS NOT NULL THEN 'linked'
     WHEN holder.rank = 1 THEN 'identity'
     WHEN holder.rank = 2 THEN 'verified'
     WHEN account.primary_address <> '' THEN 'address'
     ELSE 'none' END
"""

_IS_AMBIGUOUS = """
CASE WHEN linked.number IS NOT NULL THEN linked.is_ambiguous ELSE coalesce(holder.is_ambiguous, false) END
"""


@contextmanager
def working_tables() -> Iterator[None]:
    """Hold ``TOUCHED`` and ``MOVED``, which everything that changes keys fills and counting reads."""
    with temporary_table(TOUCHED, TOUCHED_COLUMNS), temporary_table(MOVED, MOVED_COLUMNS):
        yield


def insert_incoming(installation: Installation) -> int:
    """Insert the staged accounts with their keys; none of their user ids may be held already."""
    holders = _HOLDERS.format(addresses=f"SELECT primary_address FROM {INCOMING}")
    inserted = execute(
        f"""
        INSERT INTO cloud_serveraccount
            (ledger_id, installation_id, user_id, line, primary_address, person_key, rule, is_ambiguous)
        SELECT %s, %s, account.user_id, account.line, account.primary_address,
               {_PERSON_KEY.format(installation="%s")}, {_RULE}, {_IS_AMBIGUOUS}
        FROM {INCOMING} account
        LEFT JOIN ({holders}) holder ON holder.value = account.primary_address
        LEFT JOIN ({_LINKED}) linked ON linked.user_id = account.user_id AND linked.hostname = %s
        """,
        installation.ledger_id,
        installation.pk,
        str(installation.pk),
        installation.ledger_id,
        installation.ledger_id,
        installation.hostname,
    )
    refresh_statistics("cloud_serveraccount", inserted)
    return inserted


def set_outdated_aside(installation: Installation) -> tuple[int, int]:
    """Fill ``OUTDATED`` with the accounts that the staged ones lack or word otherwise.

    Return how many are changed and removed.
    """
    outdated = execute(
        f"""
        INSERT INTO {OUTDATED}
        SELECT account.user_id, account.primary_address, account.person_key, account.rule, i.line IS NOT NULL
        FROM cloud_serveraccount account LEFT JOIN {INCOMING} i ON i.user_id = account.user_id
        WHERE account.installation_id = %s AND (i.line IS NULL OR i.line <> account.line)
        """,
        installation.pk,
    )
    if not outdated:
        return 0, 0
    analyze(OUTDATED)
    changed = int(fetch_row(f"SELECT count(*) FILTER (WHERE is_changed) FROM {OUTDATED}")[0])
    return changed, outdated - changed


def delete_outdated(installation: Installation) -> None:
    """Delete the accounts that were set aside, and add their persons to ``TOUCHED``."""
    execute(f"INSERT INTO {TOUCHED} (person_key) SELECT DISTINCT person_key FROM {OUTDATED}")
    execute(
        f"""
        DELETE FROM cloud_serveraccount AS account
        WHERE account.installation_id = %s AND account.user_id IN (SELECT user_id FROM {OUTDATED})
        """,
        installation.pk,
    )


def touch_incoming(installation: Installation, *, is_first: bool) -> None:
    """Add the persons of the accounts that were just inserted to ``TOUCHED``; ``is_first``: nothing was held before."""
    if is_first:
        touch_accounts("account.installation_id = %s", installation.pk)
        return
    execute(
        f"""
        INSERT INTO {TOUCHED} (person_key)
        SELECT DISTINCT account.person_key
        FROM {INCOMING} i
        JOIN cloud_serveraccount account ON account.installation_id = %s AND account.user_id = i.user_id
        """,
        installation.pk,
    )
    execute(
        f"""
        INSERT INTO {MOVED} (from_key, to_key)
        SELECT DISTINCT o.person_key, account.person_key
        FROM {OUTDATED} o
        JOIN cloud_serveraccount account ON account.installation_id = %s AND account.user_id = o.user_id
        WHERE account.person_key <> o.person_key
        """,
        installation.pk,
    )


def rematch(ledger: Ledger) -> int:
    """Key the accounts anew whose address or link is among the moved ones; return how many moved.

    Reads the temporary tables ``ADDRESSES`` and ``LINKS``, adds the old and new keys to ``TOUCHED``.
    """
    return _rekey(
        ledger,
        f"""
        account.id IN (
            SELECT id FROM cloud_serveraccount
            WHERE ledger_id = %s AND primary_address IN (SELECT value FROM {ADDRESSES})
            UNION
            SELECT a.id FROM {LINKS} l
            JOIN cloud_installation i ON i.ledger_id = %s AND i.hostname = l.hostname
            JOIN cloud_serveraccount a ON a.installation_id = i.id AND a.user_id = l.user_id
        )
        """,
        ledger.pk,
        ledger.pk,
    )


def rematch_installation(installation: Installation) -> int:
    """Key all accounts of one server anew, after its hostname changed; fills ``TOUCHED``."""
    return _rekey(installation.ledger, "account.installation_id = %s", installation.pk)


def rematch_all(ledger: Ledger) -> int:
    """Key all accounts anew; fills ``TOUCHED`` with what was not as it should be."""
    return _rekey(ledger, "true")


def touch_accounts(condition: str, *parameters: Value) -> None:
    """Add the persons of the accounts ``account`` that meet a condition to ``TOUCHED``."""
    execute(
        f"""
        INSERT INTO {TOUCHED} (person_key)
        SELECT DISTINCT person_key FROM cloud_serveraccount account WHERE {condition}
        """,
        *parameters,
    )


def _rekey(ledger: Ledger, condition: str, *parameters: Value) -> int:
    with temporary_table(_REKEYED, _REKEYED_COLUMNS, key="id"):
        count = _find_rekeyed(ledger, condition, *parameters)
        if count:
            analyze(_REKEYED)
            execute(
                f"""
                INSERT INTO {TOUCHED} (person_key)
                SELECT person_key FROM cloud_serveraccount WHERE id IN (SELECT id FROM {_REKEYED})
                UNION SELECT person_key FROM {_REKEYED}
                """
            )
            execute(
                f"""
                INSERT INTO {MOVED} (from_key, to_key)
                SELECT DISTINCT account.person_key, k.person_key
                FROM {_REKEYED} k JOIN cloud_serveraccount account ON account.id = k.id
                WHERE account.person_key <> k.person_key
                """
            )
            execute(
                f"""
                UPDATE cloud_serveraccount
                SET person_key = k.person_key, rule = k.rule, is_ambiguous = k.is_ambiguous
                FROM {_REKEYED} k WHERE cloud_serveraccount.id = k.id
                """
            )
        return count


def _find_rekeyed(ledger: Ledger, condition: str, *parameters: Value) -> int:
    """Collect the accounts whose key, rule or flag is not what the rules say now."""
    holders = _HOLDERS.format(
        addresses=f"SELECT primary_address FROM cloud_serveraccount account WHERE ledger_id = %s AND {condition}"
    )
    scope = (ledger.pk, *parameters)
    execute(
        f"""
        INSERT INTO {_REKEYED} (id, person_key, rule, is_ambiguous)
        SELECT id, person_key, rule, is_ambiguous FROM (
            SELECT account.id, {_PERSON_KEY.format(installation="account.installation_id")} AS person_key,
                   {_RULE} AS rule, {_IS_AMBIGUOUS} AS is_ambiguous,
                   account.person_key AS old_key, account.rule AS old_rule,
                   account.is_ambiguous AS was_ambiguous
            FROM cloud_serveraccount account
            JOIN cloud_installation server ON server.id = account.installation_id
            LEFT JOIN ({holders}) holder ON holder.value = account.primary_address
            LEFT JOIN ({_LINKED}) linked
                ON linked.user_id = account.user_id AND linked.hostname = server.hostname
            WHERE account.ledger_id = %s AND {condition}
        ) keyed
        WHERE person_key <> old_key OR rule <> old_rule OR is_ambiguous <> was_ambiguous
        """,
        ledger.pk,
        *scope,
        ledger.pk,
        *scope,
    )
    return int(fetch_row(f"SELECT count(*) FROM {_REKEYED}")[0])
