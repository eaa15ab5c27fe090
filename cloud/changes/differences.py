"""What a count of licenses changes for people: how many come and go, samples of them, and what is kept of it.

Reads the temporary table ``COUNTED`` while ``cloud.consumption`` holds it, before anything is written. Set-based: a
fixed number of statements, however many people are concerned. A server is told about its own accounts only:
docs/wire.md, "The difference".
"""

# ruff: noqa: S608  (Table names and conditions are this project's own; every value is a parameter.)

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from cloud import matching
from cloud.changes import reasons
from cloud.changes.reasons import COUNTED
from cloud.models import Installation, Ledger, ReasonCount, Revision
from cloud.staging import execute, fetch_row, fetch_rows, refresh_statistics
from wire.messages import AccountSample

SAMPLES: Final = 20

# Who comes, who goes, and who stays with more or fewer accounts than before.
_ADDED = "license_id IS NULL AND is_listed"
_REMOVED = "license_id IS NOT NULL AND NOT is_listed"
_MATCHED = "license_id IS NOT NULL AND is_listed AND server_accounts > had_accounts"
_UNMATCHED = "license_id IS NOT NULL AND is_listed AND server_accounts < had_accounts"

_NUMBERS = {
    "added": _ADDED,
    "split": f"{_ADDED} AND has_moved",
    "removed": _REMOVED,
    "merged": f"{_REMOVED} AND has_moved",
    "matched": _MATCHED,
    "unmatched": _UNMATCHED,
    "licenses_added": "is_listed AND is_counted AND NOT coalesce(was_counted, false)",
    "licenses_removed": "was_counted AND NOT (is_listed AND is_counted)",
}


@dataclass(frozen=True, kw_only=True)
class SnapshotChange:
    """What a snapshot changes of the accounts of its server."""

    snapshot_id: UUID
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, kw_only=True)
class PeopleDifference:
    """What a count changes, in people and licenses; ``Revision`` says what each number means."""

    added: int = 0
    split: int = 0
    removed: int = 0
    merged: int = 0
    matched: int = 0
    unmatched: int = 0
    licenses_added: int = 0
    licenses_removed: int = 0
    samples: tuple[AccountSample, ...] = field(default=())
    reasons: Mapping[str, int] = field(default_factory=dict)


NOBODY: Final = PeopleDifference()


def difference_of(sampled: Installation | None) -> PeopleDifference:
    """Read the difference, with samples of a server's own accounts where its snapshot is being applied."""
    filters = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in _NUMBERS.values())
    numbers = dict(zip(_NUMBERS, fetch_row(f"SELECT {filters} FROM {COUNTED}"), strict=True))
    samples = tuple(_samples(sampled, numbers)) if sampled else ()
    return PeopleDifference(**numbers, samples=samples, reasons=reasons.count())


def keep_changes(ledger: Ledger) -> None:
    """Keep what changes with the next revision for those who stay, and forget what was kept of who goes."""
    execute(f"DELETE FROM cloud_personchange WHERE license_id IN (SELECT license_id FROM {COUNTED} WHERE {_REMOVED})")
    kept = execute(
        f"""
        INSERT INTO cloud_personchange (license_id, ledger_id, revision, accounts, reason)
        SELECT license_id, %s, %s, server_accounts - had_accounts, reason
        FROM {COUNTED} WHERE license_id IS NOT NULL AND is_listed AND reason <> ''
        """,
        ledger.pk,
        ledger.revision + 1,
    )
    refresh_statistics("cloud_personchange", kept)


def keep_revision(
    ledger: Ledger,
    at: datetime,
    *,
    cause: Revision.Cause,
    people: PeopleDifference,
    licenses_before: int,
    server: Installation | None,
    snapshot: SnapshotChange | None,
) -> None:
    """Write down what the ledger's revision changed, in numbers."""
    numbers = {name: getattr(people, name) for name in _NUMBERS}
    licenses = {name: numbers.pop(name) for name in ("licenses_added", "licenses_removed")}
    accounts = asdict(snapshot) if snapshot else {}
    snapshot_id = accounts.pop("snapshot_id", None)
    kept = Revision.objects.create(
        ledger=ledger,
        has_reasons=True,
        number=ledger.revision,
        at=at,
        cause=cause,
        installation_id=server.pk if server else None,
        hostname=server.hostname if server else "",
        snapshot_id=snapshot_id,
        licenses_before=licenses_before,
        licenses_after=ledger.consumed,
        **licenses,
        **{f"people_{name}": number for name, number in numbers.items()},
        **{f"accounts_{name}": number for name, number in accounts.items()},
    )
    ReasonCount.objects.bulk_create(
        ReasonCount(revision=kept, reason=reason, people=number) for reason, number in people.reasons.items()
    )


def _samples(server: Installation, numbers: dict[str, int]) -> Iterator[AccountSample]:
    """One account of this server for each of the first people of a kind, by user id."""
    for change, query in (
        ("added", _arrived(_ADDED)),
        ("removed", _departed(_REMOVED)),
        ("matched", _arrived(_MATCHED)),
        ("unmatched", _departed(_UNMATCHED)),
    ):
        if numbers[change]:
            rows = fetch_rows(query, *_parameters(server, change))
            yield from (
                AccountSample(user_id=user_id, primary=primary, change=change, match=rule)
                for user_id, primary, rule in rows
            )


def _parameters(server: Installation, change: str) -> tuple[int, ...]:
    if change in {"added", "matched"}:
        return server.pk, SAMPLES, server.ledger_id, server.pk
    return SAMPLES, server.pk


def _first(condition: str) -> str:
    return f"SELECT person_key FROM {COUNTED} WHERE {condition} ORDER BY person_key LIMIT %s"


def _arrived(condition: str) -> str:
    """The first account that each of these people gets from the snapshot."""
    return f"""
        SELECT user_id, primary_address, rule FROM cloud_serveraccount WHERE installation_id = %s AND user_id IN (
            SELECT min(account.user_id) FROM ({_first(condition)}) chosen
            JOIN cloud_serveraccount account ON account.ledger_id = %s AND account.person_key = chosen.person_key
            WHERE account.installation_id = %s
                AND account.user_id IN (SELECT user_id FROM {matching.INCOMING})
                AND NOT EXISTS (
                    SELECT 1 FROM {matching.OUTDATED} o
                    WHERE o.user_id = account.user_id AND o.person_key = account.person_key
                )
            GROUP BY chosen.person_key
        ) ORDER BY user_id
    """


def _departed(condition: str) -> str:
    """The first account that each of these people loses to the snapshot."""
    return f"""
        SELECT user_id, primary_address, rule FROM {matching.OUTDATED} WHERE user_id IN (
            SELECT min(o.user_id) FROM ({_first(condition)}) chosen
            JOIN {matching.OUTDATED} o ON o.person_key = chosen.person_key
            WHERE NOT EXISTS (
                SELECT 1 FROM cloud_serveraccount account
                WHERE account.installation_id = %s AND account.user_id = o.user_id
                    AND account.person_key = o.person_key
            )
            GROUP BY chosen.person_key
        ) ORDER BY user_id
    """
