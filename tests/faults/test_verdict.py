"""The verdict turns red on everything that a fault must not leave behind."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.verdict import Expected, Marks, Seen, complaints

JOB = {
    "id": 2,
    "state": "succeeded",
    "error_code": "",
    "receipt": "receipt",
    "sha256": "digest",
    "sync_id": "snapshot",
    "lease_until": None,
}
INTAKE = {"id": 5, "state": "applied", "receipt": "receipt", "snapshot_id": "snapshot"}
INSTALLATION = {"revision": 8, "snapshot_id": "snapshot", "sha256": "digest", "last_status": "success"}
GOOD = Seen(
    jobs=[JOB],
    active_jobs=0,
    parts={2},
    connection={"base_revision": 8, "base_snapshot_id": "snapshot"},
    intakes=[INTAKE],
    open_intakes=0,
    intake_parts=0,
    installation=INSTALLATION,
    consumed=40,
    owners={"ghes1.octo.example:1": "m:1"},
    audited=1,
)
MARKS = Marks(job=1, intake=4, revision=7)
EXPECTED = Expected(count=40, owners={"ghes1.octo.example:1": "m:1"})
FAILED = JOB | {"state": "failed", "error_code": "shrink", "receipt": ""}
KEPT = replace(
    GOOD,
    jobs=[FAILED],
    intakes=[],
    parts={1},
    installation=INSTALLATION | {"revision": 7, "last_status": "failure"},
    audited=0,
)

DOCTORED: dict[str, dict[str, Any]] = {
    "no job": {"jobs": []},
    "two jobs": {"jobs": [JOB, JOB | {"id": 3}]},
    "failed": {"jobs": [FAILED]},
    "running": {"jobs": [JOB | {"state": "applying"}]},
    "active": {"active_jobs": 1},
    "leased": {"jobs": [JOB | {"lease_until": "2026-03-02"}]},
    "older parts": {"parts": {1, 2}},
    "other receipt": {"jobs": [JOB | {"receipt": "other"}]},
    "no receipt": {"jobs": [JOB | {"receipt": ""}], "intakes": [INTAKE | {"receipt": ""}]},
    "other snapshot": {"jobs": [JOB | {"sync_id": "other"}]},
    "other lines": {"installation": INSTALLATION | {"sha256": "other"}},
    "base behind": {"connection": {"base_revision": 7, "base_snapshot_id": "before"}},
    "not applied": {"intakes": []},
    "applied twice": {"intakes": [INTAKE, INTAKE | {"id": 6}]},
    "intake unfinished": {"open_intakes": 1},
    "parts with the cloud": {"intake_parts": 3},
    "pending": {"installation": INSTALLATION | {"last_status": "pending"}},
    "called failed": {"installation": INSTALLATION | {"last_status": "failure"}},
    "two revisions": {"installation": INSTALLATION | {"revision": 9}},
    "other count": {"consumed": 41},
    "other owner": {"owners": {"ghes1.octo.example:1": "m:2"}},
    "audited twice": {"audited": 2},
}
DOCTORED_FAILURE: dict[str, dict[str, Any]] = {
    "another failure": {"jobs": [FAILED | {"error_code": "other"}]},
    "succeeded": {"jobs": [JOB]},
    "applied": {"intakes": [INTAKE]},
    "another revision": {"installation": INSTALLATION},
    "parts with the cloud": {"intake_parts": 3},
}


def test_one_result_is_green() -> None:
    assert complaints(GOOD, MARKS, EXPECTED) == []
    assert complaints(KEPT, MARKS, replace(EXPECTED, ends="shrink")) == []


@pytest.mark.parametrize("name", DOCTORED)
def test_everything_else_is_red(name: str) -> None:
    assert complaints(replace(GOOD, **DOCTORED[name]), MARKS, EXPECTED)


@pytest.mark.parametrize("name", DOCTORED_FAILURE)
def test_a_failure_is_the_named_one_and_changes_nothing(name: str) -> None:
    assert complaints(replace(KEPT, **DOCTORED_FAILURE[name]), MARKS, replace(EXPECTED, ends="shrink"))
