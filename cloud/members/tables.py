"""The temporary tables in which members wait, and the statements that move them into the books."""

# ruff: noqa: S608  (Names of tables and columns are this project's own; every value is a parameter.)

from collections.abc import Iterator
from typing import Final, NamedTuple

from django.db import connection

from cloud.members.roles import roles_of
from cloud.members.rows import MemberRow
from cloud.staging import BIGINT, BOOLEAN, TEXT, Row, execute, refresh_statistics


class Staged(NamedTuple):
    """A temporary table."""

    name: str
    columns: dict[str, str]
    key: str


MEMBERS: Final = Staged(
    "incoming_member",
    {
        "ordinal": BIGINT,
        "line": BIGINT,
        "number": BIGINT,
        "login": TEXT,
        "name": TEXT,
        "is_license_consuming": BOOLEAN,
        "has_matched_subscription": BOOLEAN,
        "details": TEXT,
        "digest": TEXT,
    },
    "ordinal",
)
ADDRESSES: Final = Staged(
    "incoming_member_address", {"ordinal": BIGINT, "rank": BIGINT, "value": TEXT}, "ordinal, rank, value"
)
LINKS: Final = Staged(
    "incoming_member_link", {"ordinal": BIGINT, "hostname": TEXT, "user_id": BIGINT}, "ordinal, hostname, user_id"
)
ROLES: Final = Staged(
    "incoming_member_role", {"ordinal": BIGINT, "organization": TEXT, "role": TEXT}, "ordinal, organization, role"
)
STAGED: Final = (MEMBERS, ADDRESSES, LINKS, ROLES)

ALTERED: Final = Staged("altered_member", {"number": BIGINT}, "number")

_NEW_ADDRESSES = """
SELECT i.number, a.rank, a.value FROM incoming_member_address a JOIN incoming_member i ON i.ordinal = a.ordinal
WHERE i.number IN (SELECT number FROM altered_member)
"""
_OLD_ADDRESSES = """
SELECT number, rank, value FROM cloud_memberaddress
WHERE ledger_id = %s AND number IN (SELECT number FROM altered_member)
"""
_NEW_LINKS = """
SELECT i.number, l.hostname, l.user_id FROM incoming_member_link l JOIN incoming_member i ON i.ordinal = l.ordinal
WHERE i.number IN (SELECT number FROM altered_member)
"""
_OLD_LINKS = """
SELECT number, hostname, user_id FROM cloud_memberlink
WHERE ledger_id = %s AND number IN (SELECT number FROM altered_member)
"""
_NEW_ROLES = """
SELECT i.number, r.organization, r.role FROM incoming_member_role r JOIN incoming_member i ON i.ordinal = r.ordinal
WHERE i.number IN (SELECT number FROM altered_member)
"""


def records(ordinal: int, row: MemberRow) -> Iterator[tuple[Staged, Row]]:
    """Yield the rows that hold one member."""
    details = row.details
    flags = (details.is_license_consuming, details.has_matched_subscription)
    yield MEMBERS, (ordinal, row.line, row.number, row.login, row.name, *flags, row.stored_details, row.digest)
    for rank, value in row.addresses:
        yield ADDRESSES, (ordinal, rank, value)
    for hostname, user_id in row.links:
        yield LINKS, (ordinal, hostname, user_id)
    for organization, role in sorted(roles_of(details)):
        yield ROLES, (ordinal, organization, role)


def number_members(ledger_id: int) -> None:
    """Give members without a number the one that their login has, or the next free ones."""
    execute(
        """
        UPDATE incoming_member SET number = m.number FROM cloud_member m
        WHERE incoming_member.number IS NULL AND m.ledger_id = %s AND lower(m.login) = lower(incoming_member.login)
        """,
        ledger_id,
    )
    execute(
        """
        UPDATE incoming_member SET number = fresh.number
        FROM (
            SELECT i.ordinal, highest.number + row_number() OVER (ORDER BY i.ordinal) AS number
            FROM incoming_member i
            CROSS JOIN (SELECT coalesce(max(number), 0) AS number FROM cloud_member WHERE ledger_id = %s) highest
            WHERE i.number IS NULL
        ) fresh
        WHERE incoming_member.ordinal = fresh.ordinal
        """,
        ledger_id,
    )


def find_altered(ledger_id: int, *, partial: bool) -> tuple[int, int, int]:
    """Fill ``ALTERED`` and return how many members are added, changed and removed."""
    added = execute(
        """
        INSERT INTO altered_member SELECT i.number FROM incoming_member i
        LEFT JOIN cloud_member m ON m.ledger_id = %s AND m.number = i.number WHERE m.id IS NULL
        """,
        ledger_id,
    )
    changed = execute(
        """
        INSERT INTO altered_member SELECT m.number FROM incoming_member i
        JOIN cloud_member m ON m.ledger_id = %s AND m.number = i.number WHERE m.digest <> i.digest
        """,
        ledger_id,
    )
    removed = 0 if partial else execute(f"INSERT INTO altered_member {_removed('number')}", ledger_id)
    return added, changed, removed


def sample(kind: str) -> str:
    """Return the query for the first logins of a kind, given the ledger; run it before ``write``."""
    if kind == "removed":
        return f"{_removed('login')} ORDER BY login LIMIT %s"
    wanted = "IS NULL" if kind == "added" else "<> i.digest"
    return f"""
        SELECT i.login FROM incoming_member i
        LEFT JOIN cloud_member m ON m.ledger_id = %s AND m.number = i.number
        WHERE m.digest {wanted} ORDER BY i.login LIMIT %s
    """


def moved_addresses() -> str:
    """Return the query for the addresses that somebody gains or loses, given the ledger twice."""
    old, new = (f"SELECT * FROM ({query}) t WHERE rank < 3" for query in (_OLD_ADDRESSES, _NEW_ADDRESSES))
    return f"SELECT value FROM ({old} EXCEPT {new}) lost UNION SELECT value FROM ({new} EXCEPT {old}) gained"


def moved_links() -> str:
    """Return the query for the server accounts that are linked otherwise, given the ledger twice."""
    return (
        f"SELECT hostname, user_id FROM ({_OLD_LINKS} EXCEPT {_NEW_LINKS}) lost "
        f"UNION SELECT hostname, user_id FROM ({_NEW_LINKS} EXCEPT {_OLD_LINKS}) gained"
    )


def altered_people() -> str:
    """Return the query for key and former suspension of the altered, given the ledger; run it before ``write``."""
    return """
        SELECT 'm:' || altered.number, CASE WHEN m.details ->> 'suspended' IS NOT NULL THEN 1 END
        FROM altered_member altered
        LEFT JOIN cloud_member m ON m.ledger_id = %s AND m.number = altered.number
    """


def write(ledger_id: int, *, partial: bool) -> None:
    """Move what differs into the books."""
    for table in ("cloud_memberaddress", "cloud_memberlink", "cloud_memberrole"):
        execute(
            f"DELETE FROM {table} WHERE ledger_id = %s AND number IN (SELECT number FROM altered_member)", ledger_id
        )
    if not partial:
        # Code of a former version, which knows no roles, removes members without theirs.
        for table in ("cloud_member", "cloud_memberrole"):
            execute(
                f"DELETE FROM {table} WHERE ledger_id = %s AND number NOT IN (SELECT number FROM incoming_member)",
                ledger_id,
            )
    _write_members(ledger_id)
    addresses = execute(
        f"INSERT INTO cloud_memberaddress (ledger_id, number, rank, value) SELECT %s, t.* FROM ({_NEW_ADDRESSES}) t",
        ledger_id,
    )
    refresh_statistics("cloud_memberaddress", addresses)
    links = execute(
        f"INSERT INTO cloud_memberlink (ledger_id, number, hostname, user_id) SELECT %s, t.* FROM ({_NEW_LINKS}) t",
        ledger_id,
    )
    refresh_statistics("cloud_memberlink", links)
    roles = execute(
        f"INSERT INTO cloud_memberrole (ledger_id, number, organization, role) SELECT %s, t.* FROM ({_NEW_ROLES}) t",
        ledger_id,
    )
    refresh_statistics("cloud_memberrole", roles)


def _removed(column: str) -> str:
    return (
        f"SELECT {column} FROM cloud_member WHERE ledger_id = %s AND number NOT IN (SELECT number FROM incoming_member)"
    )


def _write_members(ledger_id: int) -> None:
    # Two members may swap their logins: those that change first step aside, to what no login can be.
    differs = "cloud_member.ledger_id = %s AND cloud_member.number = i.number AND cloud_member.digest <> i.digest"
    execute(
        f"UPDATE cloud_member SET login = ' ' || i.number FROM incoming_member i "
        f"WHERE {differs} AND cloud_member.login <> i.login",
        ledger_id,
    )
    details = "CAST(i.details AS jsonb)" if connection.vendor == "postgresql" else "i.details"
    columns = {column: f"i.{column}" for column in MEMBERS.columns if column not in {"ordinal", "line"}}
    columns["details"] = details
    columns["roles_digest"] = "i.digest"
    changes = ", ".join(f"{column} = {value}" for column, value in columns.items() if column != "number")
    execute(f"UPDATE cloud_member SET {changes} FROM incoming_member i WHERE {differs}", ledger_id)
    inserted = execute(
        f"""
        INSERT INTO cloud_member (ledger_id, {", ".join(columns)})
        SELECT %s, {", ".join(columns.values())} FROM incoming_member i
        WHERE NOT EXISTS (SELECT 1 FROM cloud_member m WHERE m.ledger_id = %s AND m.number = i.number)
        """,
        ledger_id,
        ledger_id,
    )
    refresh_statistics("cloud_member", inserted)
