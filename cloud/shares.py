"""What each server adds to the count: the licenses that go with it, and its point of the day."""

# ruff: noqa: S608  (Table names and conditions are this project's own; every value is a parameter.)

from datetime import date
from typing import Final

from cloud.models import Ledger
from cloud.staging import execute, fetch_rows

# The counted people without a license on the cloud whose accounts are all on one server.
_ADDED_LICENSES: Final = """
SELECT installation_id, count(*) AS licenses
FROM (
    SELECT min(account.installation_id) AS installation_id
    FROM cloud_consumedlicense license
    JOIN cloud_serveraccount account
        ON account.ledger_id = license.ledger_id AND account.person_key = license.person_key
    WHERE license.ledger_id = %s AND license.is_counted AND NOT license.on_cloud
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


def added_licenses(ledger: Ledger) -> dict[int, int]:
    """Return how many licenses only this server adds, by primary key of the servers that add any."""
    return dict(fetch_rows(_ADDED_LICENSES, ledger.pk))


def note_day(ledger: Ledger, day: date) -> None:
    """Write what every server of an account has into the history, under the ledger's lock."""
    execute(_NOTE_DAY, day, ledger.pk, ledger.pk)
