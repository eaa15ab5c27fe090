"""What must be so after every fault: one result, the number of the rules, nothing running, nothing left behind."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Marks:
    """Where a row of the table began: the last job and intake, and the cloud's revision."""

    job: int
    intake: int
    revision: int


@dataclass(frozen=True)
class Seen:
    """What both sides hold after a fault. Jobs and intakes are those since it began; ``owners`` by host:id."""

    jobs: Rows
    active_jobs: int
    parts: set[int]
    connection: dict[str, Any]
    intakes: Rows
    open_intakes: int
    intake_parts: int
    installation: dict[str, Any]
    consumed: int
    owners: dict[str, str]
    audited: int


@dataclass(frozen=True)
class Expected:
    """How a row must end: ``succeeded``, or with the code of a failure after which the cloud holds what it held."""

    ends: str = "succeeded"
    count: int = 0
    owners: dict[str, str] = field(default_factory=dict)


def complaints(seen: Seen, marks: Marks, expected: Expected) -> list[str]:
    """Return what is not as it must be; nothing is a green row."""
    return [sentence for is_wrong, sentence in _checks(seen, marks, expected) if is_wrong]


def _checks(seen: Seen, marks: Marks, expected: Expected) -> list[tuple[bool, str]]:
    is_success = expected.ends == "succeeded"
    states = Counter(job["state"] for job in seen.jobs)
    applied = [each for each in seen.intakes if each["state"] == "applied"]
    results = Counter(job["state"] if job["state"] == "succeeded" else job["error_code"] for job in seen.jobs)
    succeeded = [job for job in seen.jobs if job["state"] == "succeeded"]
    checks = [
        (results != {expected.ends: 1}, f"jobs ended {dict(results)}"),
        (bool(seen.active_jobs), f"{seen.active_jobs} jobs are under way, {dict(states)}"),
        (any(job["lease_until"] for job in seen.jobs), "a job is still leased"),
        (bool(seen.open_intakes), f"{seen.open_intakes} intakes are unfinished"),
        (bool(seen.intake_parts), f"{seen.intake_parts} parts lie with the cloud"),
        (seen.installation["last_status"] == "pending", "the cloud calls the sync pending"),
        (len(applied) != is_success, f"{len(applied)} intakes were applied"),
        (seen.installation["revision"] - marks.revision != is_success, f"revision {seen.installation['revision']}"),
        (seen.consumed != expected.count, f"{seen.consumed} licenses and not {expected.count}"),
        (seen.owners != expected.owners, "accounts belong to others than the rules say"),
        (seen.audited != is_success, f"{seen.audited} successes in the audit log"),
    ]
    return checks + (_checks_of_success(seen, succeeded, applied) if is_success and succeeded and applied else [])


def _checks_of_success(seen: Seen, succeeded: Rows, applied: Rows) -> list[tuple[bool, str]]:
    job, intake = succeeded[-1], applied[-1]
    held = (seen.installation["revision"], seen.installation["snapshot_id"])
    base = (seen.connection["base_revision"], seen.connection["base_snapshot_id"])
    return [
        (seen.parts != {job["id"]}, f"parts of the jobs {sorted(seen.parts)} lie with the server"),
        (not job["receipt"] or job["receipt"] != intake["receipt"], "the receipts differ"),
        (job["sync_id"] != intake["snapshot_id"], "the job and what was applied are not the same snapshot"),
        (job["sha256"] != seen.installation["sha256"], "the cloud holds other lines than were sent"),
        (base != held, f"the server builds on {base}, the cloud holds {held}"),
        (seen.installation["last_status"] != "success", f"the cloud calls it {seen.installation['last_status']}"),
    ]
