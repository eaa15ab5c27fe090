"""Write what a search found, under the ledger's lock: only what differs, and whatever somebody decided stays."""

# ruff: noqa: S608  (Names of tables and columns are this project's own; every value is a parameter.)

from datetime import datetime

from django.db import connection

from cloud.models import Ledger, Suspect
from cloud.staging import Value, execute, fetch_rows, refresh_statistics
from cloud.suspects.closing import end
from cloud.suspects.weighing import PAIRS

_TEXTS = ("first_key", "second_key", "kind")
_NUMBERS = ("first_license_id", "second_license_id", "score", "licenses_at_stake")
_JSON = ("evidence", "fixes")
_PLAIN = (*_TEXTS, *_NUMBERS)

_UPDATE = f"""
UPDATE cloud_suspect SET
    {", ".join(f"{name} = f.{name}" for name in _PLAIN)}, {{json_sets}},
    found_revision = %s, closed_revision = NULL,
    found_at = CASE WHEN state = 'gone' THEN %s ELSE found_at END,
    state_at = CASE WHEN state = 'gone' THEN %s ELSE state_at END,
    assignee_id = CASE WHEN state = 'gone' THEN NULL ELSE assignee_id END,
    assigned_at = CASE WHEN state = 'gone' THEN NULL ELSE assigned_at END,
    returned_revision = CASE WHEN state = 'gone' THEN NULL ELSE returned_revision END,
    state = CASE WHEN state = 'gone' THEN 'open' ELSE state END
FROM {PAIRS} f
WHERE cloud_suspect.ledger_id = %s AND cloud_suspect.identity = f.identity AND NOT (cloud_suspect.state = 'confirmed')
    AND (cloud_suspect.state = 'gone' OR {{json_differs}}
         OR {" OR ".join(f"cloud_suspect.{name} <> f.{name}" for name in _TEXTS)}
         OR {" OR ".join(f"coalesce(cloud_suspect.{name}, 0) <> f.{name}" for name in _NUMBERS)})
"""

_COLUMNS = ("identity", *_PLAIN, *_JSON)
_INSERT = f"""
INSERT INTO cloud_suspect
    (ledger_id, {", ".join(_COLUMNS)}, found_at, found_revision, state, state_at, licenses_freed)
SELECT %s, f.identity, {", ".join(f"f.{name}" for name in _PLAIN)}, {{json_values}}, %s, %s, 'open', %s, 0
FROM {PAIRS} f WHERE NOT EXISTS (
    SELECT 1 FROM cloud_suspect s WHERE s.ledger_id = %s AND s.identity = f.identity AND NOT (s.state = 'confirmed')
)
"""

_MISSING = f"""
SELECT id FROM cloud_suspect
WHERE ledger_id = %s AND state IN ('open', 'waiting', 'dismissed') AND first_key <> ''
    AND NOT EXISTS (SELECT 1 FROM {PAIRS} f WHERE f.identity = cloud_suspect.identity)
"""


def write_pairs(ledger: Ledger, at: datetime) -> tuple[int, int]:
    """Make ``PAIRS`` what is known of the ledger; return how many entries are listed then, and how many were added."""
    moment = connection.ops.adapt_datetimefield_value(at)
    cast = "::jsonb" if connection.vendor == "postgresql" else ""
    before = _count(ledger)
    _forget_what_nothing_speaks_for(ledger, at)
    lost = before - _count(ledger)
    _update(ledger, moment, cast)
    values = ", ".join(f"f.{name}{cast}" for name in _JSON)
    insert = _INSERT.format(json_values=values)
    inserted = execute(insert, ledger.pk, moment, ledger.revision, moment, ledger.pk)
    refresh_statistics("cloud_suspect", inserted)
    listed = _count(ledger)
    return listed, listed - (before - lost)


def _update(ledger: Ledger, moment: Value, cast: str) -> None:
    sets = ", ".join(f"{name} = f.{name}{cast}" for name in _JSON)
    differs = " OR ".join(f"cloud_suspect.{name} <> f.{name}{cast}" for name in _JSON)
    update = _UPDATE.format(json_sets=sets, json_differs=differs)
    execute(update, ledger.revision, moment, moment, ledger.pk)


def _forget_what_nothing_speaks_for(ledger: Ledger, at: datetime) -> None:
    """Entries that were not found again are over; a pair that was dismissed stays so, without its evidence."""
    end(ledger, [pk for (pk,) in fetch_rows(_MISSING, ledger.pk)], at)


def _count(ledger: Ledger) -> int:
    return Suspect.objects.filter(ledger=ledger, state__in=Suspect.LISTED).count()
