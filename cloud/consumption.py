"""Count licenses: the only writer of people and totals, and the one function that tells the number.

A person is listed who consumes a license on the cloud or owns a server account. Holders of a matched
Visual Studio subscription are listed but not counted (docs/domain.md, "Counting").
"""

# ruff: noqa: S608  (Table names and conditions are this project's own; every value is a parameter.)

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.utils import timezone

from cloud import matching, shares
from cloud.changes import PeopleDifference, SnapshotChange, differences, reasons
from cloud.locks import locked
from cloud.models import Installation, Ledger, Revision
from cloud.staging import BIGINT, BOOLEAN, TEXT, analyze, execute, refresh_statistics, temporary_table
from cloud.suspects import closing, proving

TOUCHED: Final = matching.TOUCHED

_WRITTEN = {
    "member_id": BIGINT,
    "label": TEXT,
    "license_type": TEXT,
    "is_counted": BOOLEAN,
    "on_cloud": BOOLEAN,
    "server_accounts": BIGINT,
    "is_ambiguous": BOOLEAN,
}
_PEOPLE = reasons.COUNTED
_PEOPLE_COLUMNS = {
    "license_id": BIGINT,
    "was_counted": BOOLEAN,
    "was_on_cloud": BOOLEAN,
    "had_accounts": BIGINT,
    "has_moved": BOOLEAN,
    "is_listed": BOOLEAN,
    "person_key": TEXT,
    **_WRITTEN,
    "reason": TEXT,
}

# What every person should be, and the row that they have now: nobody else is looked at again.
_COUNTED_PEOPLE = f"""
SELECT license.id AS license_id, license.is_counted AS was_counted, license.on_cloud AS was_on_cloud,
       license.server_accounts AS had_accounts,
       person.person_key IN (
           SELECT from_key FROM {matching.MOVED} UNION SELECT to_key FROM {matching.MOVED}
       ) AS has_moved,
       person.server_accounts > 0 OR coalesce(member.is_license_consuming, false) AS is_listed,
       person.person_key,
       member.id AS member_id,
       CASE WHEN member.id IS NOT NULL THEN member.login
            WHEN substr(person.person_key, 1, 2) = 'a:' THEN substr(person.person_key, 3)
            ELSE coalesce(person.host_and_id, '') END AS label,
       CASE WHEN member.has_matched_subscription THEN 'visual_studio' ELSE 'enterprise' END AS license_type,
       NOT coalesce(member.has_matched_subscription, false) AS is_counted,
       coalesce(member.is_license_consuming, false) AS on_cloud,
       person.server_accounts, person.is_ambiguous, person.was_suspended, member.details
FROM (
    SELECT touched.person_key, touched.was_suspended,
           CASE WHEN substr(touched.person_key, 1, 2) = 'm:'
                THEN CAST(substr(touched.person_key, 3) AS bigint) END AS number,
           count(account.id) AS server_accounts,
           count(*) FILTER (WHERE account.is_ambiguous) > 0 AS is_ambiguous,
           min(server.hostname || ':' || account.user_id) FILTER (WHERE account.rule = 'none') AS host_and_id
    FROM (SELECT person_key, count(was_suspended) > 0 AS was_suspended FROM {TOUCHED} GROUP BY person_key) touched
    LEFT JOIN cloud_serveraccount account
        ON account.ledger_id = %s AND account.person_key = touched.person_key
    LEFT JOIN cloud_installation server ON server.id = account.installation_id
    GROUP BY touched.person_key, touched.was_suspended
) person
LEFT JOIN cloud_member member ON member.ledger_id = %s AND member.number = person.number
LEFT JOIN cloud_consumedlicense license ON license.ledger_id = %s AND license.person_key = person.person_key
"""

_DELETE_GONE = f"""
DELETE FROM cloud_consumedlicense
WHERE id IN (SELECT license_id FROM {_PEOPLE} WHERE license_id IS NOT NULL AND NOT is_listed)
"""

# Rows are updated in place, so that the address of a person's page stays the same.
_UPDATE_CHANGED = f"""
UPDATE cloud_consumedlicense
SET {", ".join(f"{column} = p.{column}" for column in _WRITTEN)}
FROM {_PEOPLE} p
WHERE cloud_consumedlicense.id = p.license_id AND p.is_listed
    AND (coalesce(cloud_consumedlicense.member_id, 0) <> coalesce(p.member_id, 0)
         OR {" OR ".join(f"cloud_consumedlicense.{name} <> p.{name}" for name in _WRITTEN if name != "member_id")})
"""

_INSERT_NEW = f"""
INSERT INTO cloud_consumedlicense
    (ledger_id, person_key, since_revision, came_by_move, since_reason, {", ".join(_WRITTEN)})
SELECT %s, p.person_key, %s, p.has_moved, p.reason, {", ".join(f"p.{column}" for column in _WRITTEN)}
FROM {_PEOPLE} p WHERE p.license_id IS NULL AND p.is_listed
"""

_SUM_UP = """
UPDATE cloud_ledger SET
    (listed, consumed) = (
        SELECT count(*), count(*) FILTER (WHERE is_counted) FROM cloud_consumedlicense WHERE ledger_id = %s
    ),
    cloud_licenses = (
        SELECT count(*) FROM cloud_member
        WHERE ledger_id = %s AND is_license_consuming AND NOT has_matched_subscription
    ),
    server_seats = (SELECT coalesce(sum(accounts), 0) FROM cloud_installation WHERE ledger_id = %s)
WHERE id = %s
"""

_NOTE_DAY = """
INSERT INTO cloud_usagepoint (ledger_id, day, consumed, peak, counted_apart, purchased)
SELECT id, %s, consumed, consumed, cloud_licenses + server_seats, seats_purchased
FROM cloud_ledger WHERE id = %s
ON CONFLICT (ledger_id, day) DO UPDATE SET
    consumed = excluded.consumed,
    peak = CASE WHEN excluded.consumed > cloud_usagepoint.peak
                THEN excluded.consumed ELSE cloud_usagepoint.peak END,
    counted_apart = excluded.counted_apart,
    purchased = excluded.purchased
"""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The numbers of one cloud account; ``saved`` is what license sync takes off ``counted_apart``."""

    purchased: int
    consumed: int
    available: int
    counted_apart: int
    saved: int
    cloud_licenses: int
    server_seats: int
    listed: int
    revision: int

    @property
    def listed_not_counted(self) -> int:
        """How much longer the list of people is than the total."""
        return self.listed - self.consumed

    @property
    def over(self) -> int:
        """How many licenses more are consumed than were purchased."""
        return max(-self.available, 0)


def totals(ledger: Ledger) -> Totals:
    """Return the numbers as they stand now, whatever ``ledger`` was when it was loaded."""
    return totals_as_read(Ledger.objects.get(pk=ledger.pk))


def totals_as_read(now: Ledger) -> Totals:
    """Return the numbers of books that were read a moment ago."""
    counted_apart = now.cloud_licenses + now.server_seats
    return Totals(
        purchased=now.seats_purchased,
        consumed=now.consumed,
        available=now.seats_purchased - now.consumed,
        counted_apart=counted_apart,
        saved=counted_apart - now.consumed,
        cloud_licenses=now.cloud_licenses,
        server_seats=now.server_seats,
        listed=now.listed,
        revision=now.revision,
    )


def recount(ledger: Ledger, cause: Revision.Cause, *, sampled: Installation | None = None) -> PeopleDifference:
    """Rebuild the people whose keys are in the temporary table ``TOUCHED``, under the ledger's lock.

    Return what that changes, with samples of the accounts of a server whose snapshot is being applied.
    ``close`` writes it down with the revision that follows.
    """
    analyze(TOUCHED)
    with temporary_table(_PEOPLE, _PEOPLE_COLUMNS):
        _count_people(ledger, cause)
        people = differences.difference_of(sampled)
        differences.keep_changes(ledger)
        execute(_DELETE_GONE)
        execute(_UPDATE_CHANGED)
        refresh_statistics("cloud_consumedlicense", execute(_INSERT_NEW, ledger.pk, ledger.revision + 1))
        proving.prove(ledger)
        return people


def _count_people(ledger: Ledger, cause: Revision.Cause) -> None:
    columns = [column for column in _PEOPLE_COLUMNS if column != "reason"]
    execute(
        f"""
        INSERT INTO {_PEOPLE} ({", ".join(columns)}, reason)
        SELECT {", ".join(columns)}, {reasons.of(cause)} FROM ({_COUNTED_PEOPLE}) counted
        """,
        ledger.pk,
        ledger.pk,
        ledger.pk,
    )
    analyze(_PEOPLE)
    reasons.mark_readdressed()


def close(
    ledger: Ledger,
    at: datetime,
    *,
    cause: Revision.Cause,
    people: PeopleDifference,
    server: Installation | None = None,
    snapshot: SnapshotChange | None = None,
) -> None:
    """Write the totals, the day's point and the next revision: the last step of every change."""
    before = ledger.consumed
    execute(_SUM_UP, ledger.pk, ledger.pk, ledger.pk, ledger.pk)
    execute("UPDATE cloud_ledger SET revision = revision + 1 WHERE id = %s", ledger.pk)
    note_day(ledger, at)
    ledger.refresh_from_db()
    differences.keep_revision(
        ledger, at, cause=cause, people=people, licenses_before=before, server=server, snapshot=snapshot
    )
    if people.removed or people.added:
        proving.settle(ledger, at, cause=cause, server=server)
    if people.removed:
        closing.let_go(ledger, at)


def note_day(ledger: Ledger, at: datetime) -> None:
    """Write the count of the day into the history, and what each server has of it."""
    day = at.astimezone(UTC).date()
    execute(_NOTE_DAY, day, ledger.pk)
    shares.note_day(ledger, day)


def recount_all(ledger: Ledger, at: datetime | None = None) -> None:
    """Key every account and rebuild every person; leaves the tables as they are unless they were wrong."""
    with locked(ledger) as held, matching.working_tables():
        for installation in Installation.objects.filter(ledger=held):
            installation.accounts = installation.server_accounts.count()
            installation.save(update_fields=["accounts"])
        matching.rematch_all(held)
        matching.touch_accounts("ledger_id = %s", held.pk)
        touch = f"INSERT INTO {TOUCHED} (person_key)"
        execute(f"{touch} SELECT person_key FROM cloud_consumedlicense WHERE ledger_id = %s", held.pk)
        execute(f"{touch} SELECT 'm:' || number FROM cloud_member WHERE ledger_id = %s", held.pk)
        people = recount(held, Revision.Cause.RECOUNT)
        close(held, at or timezone.now(), cause=Revision.Cause.RECOUNT, people=people)
