"""Why a count of licenses changes: for everybody concerned one reason, found in the statement that counts.

What a license depends on changes only by what caused the revision: a sync changes the accounts of its server, an
import the members and their addresses. So the cause, what the person was and what they are now tell the reason.
"""

# ruff: noqa: S608  (Table names and conditions are this project's own; every value is a parameter.)

from typing import Final

from cloud import matching
from cloud.models import Reason, Revision
from cloud.staging import analyze, execute, fetch_row, fetch_rows

COUNTED: Final = "counted_person"

_CAME = "license_id IS NULL AND is_listed"
_WENT = "license_id IS NOT NULL AND NOT is_listed"

# Only what was said stands in the details of a member (``cloud.members.rows.Details``).
_IS_SUSPENDED = "details ->> 'suspended' IS NOT NULL"
_IS_INVITED = """
details ->> 'pending_invites' IS NOT NULL AND details ->> 'member_roles' IS NULL
AND details ->> 'outside_collaborator' IS NULL
"""

_ARRIVAL: Final[dict[str, str]] = {
    Revision.Cause.SYNC: f"CASE WHEN has_moved THEN '{Reason.UNMATCHED_ADDRESS}' ELSE '{Reason.NEW_ACCOUNT}' END",
    Revision.Cause.MEMBERS: f"""
        CASE WHEN NOT on_cloud THEN '{Reason.UNMATCHED_MEMBER}'
             WHEN was_suspended THEN '{Reason.UNSUSPENDED}'
             WHEN {_IS_INVITED} THEN '{Reason.INVITED}'
             ELSE '{Reason.JOINED}' END
    """,
    Revision.Cause.RENAME: f"'{Reason.UNMATCHED_RENAME}'",
}
_DEPARTURE: Final[dict[str, str]] = {
    Revision.Cause.SYNC: f"CASE WHEN has_moved THEN '{Reason.MATCHED_ADDRESS}' ELSE '{Reason.ACCOUNT_GONE}' END",
    Revision.Cause.MEMBERS: f"""
        CASE WHEN NOT was_on_cloud THEN '{Reason.MATCHED_MEMBER}'
             WHEN {_IS_SUSPENDED} THEN '{Reason.SUSPENDED}'
             ELSE '{Reason.LEFT}' END
    """,
    Revision.Cause.RENAME: f"'{Reason.MATCHED_RENAME}'",
    Revision.Cause.REMOVAL: f"'{Reason.SERVER_REMOVED}'",
}

# Who went and who came are one person where an account leads from the one to the other and neither has a license on
# the cloud. Where several lead here or there, each is taken for one: the first of the first.
_READDRESSED = f"""
WITH step AS (
    SELECT moved.from_key, moved.to_key FROM {matching.MOVED} moved
    JOIN {COUNTED} former ON former.person_key = moved.from_key
    JOIN {COUNTED} later ON later.person_key = moved.to_key
    WHERE former.license_id IS NOT NULL AND former.was_counted AND NOT former.was_on_cloud AND NOT former.is_listed
        AND later.license_id IS NULL AND later.is_listed AND later.is_counted AND NOT later.on_cloud
),
pair AS (
    SELECT ahead.from_key, ahead.to_key
    FROM (SELECT from_key, min(to_key) AS to_key FROM step GROUP BY from_key) ahead
    JOIN (SELECT to_key, min(from_key) AS from_key FROM step GROUP BY to_key) back
        ON back.from_key = ahead.from_key AND back.to_key = ahead.to_key
)
UPDATE {COUNTED} SET reason = CASE WHEN is_listed THEN '{Reason.READDRESSED}' ELSE '' END
WHERE person_key IN (SELECT from_key FROM pair UNION SELECT to_key FROM pair)
"""


def of(cause: Revision.Cause) -> str:
    """Return the expression for the reason of a row of ``COUNTED``; empty where nothing changes."""
    arrival = _ARRIVAL.get(cause, f"'{Reason.RECOUNT_ADDED}'")
    departure = _DEPARTURE.get(cause, f"'{Reason.RECOUNT_REMOVED}'")
    return f"""
    CASE WHEN license_id IS NULL AND NOT is_listed THEN ''
         WHEN {_CAME} AND NOT is_counted THEN '{Reason.CAME_SUBSCRIBED}'
         WHEN {_CAME} THEN {arrival}
         WHEN {_WENT} AND NOT was_counted THEN '{Reason.WENT_SUBSCRIBED}'
         WHEN {_WENT} THEN {departure}
         WHEN was_counted AND NOT is_counted THEN '{Reason.SUBSCRIPTION_BEGAN}'
         WHEN is_counted AND NOT was_counted THEN '{Reason.SUBSCRIPTION_ENDED}'
         WHEN on_cloud AND NOT was_on_cloud THEN '{Reason.STAYED_JOINED}'
         WHEN was_on_cloud AND NOT on_cloud THEN '{Reason.STAYED_LEFT}'
         WHEN server_accounts > had_accounts
            THEN CASE WHEN has_moved THEN '{Reason.STAYED_MATCHED}' ELSE '{Reason.STAYED_NEW_ACCOUNT}' END
         WHEN server_accounts < had_accounts
            THEN CASE WHEN has_moved THEN '{Reason.STAYED_UNMATCHED}' ELSE '{Reason.STAYED_ACCOUNT_GONE}' END
         ELSE '' END
    """


def mark_readdressed() -> None:
    """Take those who went and came again under another address for one person each, who changes no number."""
    if fetch_row(f"SELECT EXISTS (SELECT 1 FROM {matching.MOVED})")[0]:
        analyze(matching.MOVED)
        execute(_READDRESSED)


def count() -> dict[str, int]:
    """Count the people of ``COUNTED`` by reason."""
    return dict(fetch_rows(f"SELECT reason, count(*) FROM {COUNTED} WHERE reason <> '' GROUP BY reason"))
