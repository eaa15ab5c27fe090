"""What each server adds to the count: the licenses that go with it, its point of the day, and what its removal does."""

# ruff: noqa: S608  (Table names and conditions are this project's own; every value is a parameter.)

from dataclasses import dataclass
from datetime import date
from typing import Final

from cloud.models import Installation, Ledger
from cloud.staging import execute, fetch_row, fetch_rows

# The counted people without a license on the cloud whose accounts are all on one server. They are mostly few, so they
# come first: by CROSS JOIN, since SQLite would begin with all accounts.
_ADDED_LICENSES: Final = """
SELECT installation_id, count(*) AS licenses
FROM (
    SELECT min(account.installation_id) AS installation_id
    FROM cloud_consumedlicense license
    CROSS JOIN cloud_serveraccount account
    WHERE license.ledger_id = %s AND license.is_counted AND NOT license.on_cloud
        AND account.ledger_id = license.ledger_id AND account.person_key = license.person_key
    GROUP BY license.person_key HAVING min(account.installation_id) = max(account.installation_id)
) person
GROUP BY installation_id
"""

_NOTE_DAY: Final = f"""
INSERT INTO cloud_installationpoint (installation_id, day, accounts, added_licenses)
SELECT server.id, %s, server.accounts, coalesce(added.licenses, 0)
FROM cloud_installation server LEFT JOIN ({_ADDED_LICENSES}) added ON added.installation_id = server.id
WHERE server.ledger_id = %s
ON CONFLICT (installation_id, day) DO UPDATE SET
    accounts = excluded.accounts,
    added_licenses = excluded.added_licenses
"""

# Of the people with accounts on a server: who has no other account, and who is known elsewhere.
_REMOVAL: Final = """
SELECT CAST(coalesce(sum(accounts), 0) AS bigint),
       count(*) FILTER (WHERE goes), count(*) FILTER (WHERE goes AND is_counted),
       count(*) FILTER (WHERE on_cloud), count(*) FILTER (WHERE NOT goes AND NOT on_cloud)
FROM (
    SELECT mine.accounts, license.is_counted, license.on_cloud,
           NOT license.on_cloud AND license.server_accounts = mine.accounts AS goes
    FROM (
        SELECT person_key, count(*) AS accounts FROM cloud_serveraccount
        WHERE installation_id = %s GROUP BY person_key
    ) mine
    JOIN cloud_consumedlicense license ON license.ledger_id = %s AND license.person_key = mine.person_key
) person
"""


@dataclass(frozen=True, kw_only=True)
class RemovalEffect:
    """What removing a server does to the count, in people and licenses.

    Of who goes, ``freed`` held a license of the account; the others hold one through a subscription.
    """

    accounts: int
    people_gone: int
    freed: int
    stay_on_cloud: int
    stay_on_servers: int


def removal_effect(installation: Installation) -> RemovalEffect:
    """Look at what removing a server would do now, in one query over its accounts."""
    accounts, gone, freed, on_cloud, on_servers = fetch_row(_REMOVAL, installation.pk, installation.ledger_id)
    return RemovalEffect(
        accounts=accounts, people_gone=gone, freed=freed, stay_on_cloud=on_cloud, stay_on_servers=on_servers
    )


def added_licenses(ledger: Ledger) -> dict[int, int]:
    """Return how many licenses only this server adds, by primary key of the servers that add any."""
    return dict(fetch_rows(_ADDED_LICENSES, ledger.pk))


def note_day(ledger: Ledger, day: date) -> None:
    """Write what every server of an account has into the history, under the ledger's lock."""
    execute(_NOTE_DAY, day, ledger.pk, ledger.pk)
