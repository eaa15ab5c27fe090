"""Put together what speaks for each pair, and say what would make the two one."""

# ruff: noqa: S608  (Table names are this project's own; every value is a parameter.)

import itertools
import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Final

from cloud.staging import BIGINT, TEXT, Row, fetch_rows
from cloud.suspects.addresses import ROLE_NAMES
from cloud.suspects.comparing import CANDIDATES, MEETING
from cloud.suspects.evidence import Evidence, Held
from cloud.suspects.fixing import Side, fixes_of, licenses_at_stake
from cloud.suspects.identity import identity_of, ordered
from cloud.suspects.scoring import Candidate, score_of

PIECE: Final = 5_000
MOST_EVIDENCE: Final = 5
BEST: Final = 99

PAIRS: Final = "found_pair"
PAIRS_COLUMNS: Final = {
    "identity": TEXT,
    "first_key": TEXT,
    "second_key": TEXT,
    "first_license_id": BIGINT,
    "second_license_id": BIGINT,
    "kind": TEXT,
    "score": BIGINT,
    "evidence": TEXT,
    "fixes": TEXT,
    "licenses_at_stake": BIGINT,
}
PAIRS_KEY: Final = "identity"

_ANOTHER_KIND: Final = 1

_BOUNDARIES = f"""
SELECT low FROM (
    SELECT low, row_number() OVER (ORDER BY low) AS place FROM {CANDIDATES}
) numbered WHERE place %% %s = 1 ORDER BY low
"""

_READ = f"""
SELECT pair.kind, pair.people, meeting.low IS NOT NULL, pair.other_own,
       pair.one_license, pair.one_role, pair.one_address, one_account.installation_id, one_account.user_id,
       one.person_key, one.label, one.is_counted, one.on_cloud, one.server_accounts,
       pair.other_license, pair.other_role, pair.other_address, other_account.installation_id, other_account.user_id,
       other.person_key, other.label, other.is_counted, other.on_cloud, other.server_accounts
FROM {CANDIDATES} pair
JOIN cloud_consumedlicense one ON one.id = pair.one_license
JOIN cloud_consumedlicense other ON other.id = pair.other_license
LEFT JOIN cloud_serveraccount one_account ON one_account.id = pair.one_account
LEFT JOIN cloud_serveraccount other_account ON other_account.id = pair.other_account
LEFT JOIN {MEETING} meeting ON meeting.low = pair.low AND meeting.high = pair.high
WHERE pair.low >= %s AND pair.low < %s
ORDER BY pair.low, pair.high
"""


def boundaries() -> list[tuple[int, int]]:
    """Ranges of license ids that part the candidates into pieces of much the same size."""
    starts = sorted({low for (low,) in fetch_rows(_BOUNDARIES, PIECE)})
    return list(itertools.pairwise([*starts, 2**62]))


def weigh(start: int, end: int, domains: Collection[str]) -> Iterator[Row]:
    """Yield a row of ``PAIRS`` for every pair of a range that is worth somebody's look.

    ``domains`` are those that the account has verified or approved: what names them is proposed first.
    """
    candidates = (_candidate(row) for row in fetch_rows(_READ, start, end))
    for _licenses, some in itertools.groupby(candidates, key=_licenses_of):
        row = _pair(list(some), domains)
        if row is not None:
            yield row


def _licenses_of(candidate: Candidate) -> tuple[int, int]:
    one, other = sorted((candidate.one.license, candidate.other.license))
    return one, other


def _candidate(row: tuple[Any, ...]) -> Candidate:
    kind, people, is_meeting, other_own, *sides = row
    half = len(sides) // 2
    return Candidate(
        kind=kind,
        people=people,
        is_meeting=bool(is_meeting),
        other_own=other_own,
        one=Side(*sides[:half]),
        other=Side(*sides[half:]),
    )


def _pair(candidates: list[Candidate], domains: Collection[str]) -> Row | None:
    """Put together what speaks for one pair: the best of each kind, one of each address."""
    scored = sorted(((score_of(one), _oriented(one)) for one in candidates), key=_best_first)
    scored = [(score, candidate) for score, candidate in scored if score]
    if not scored:
        return None
    best = scored[0][1]
    kinds = {candidate.kind for _score, candidate in scored}
    evidence: dict[tuple[str, str], Evidence] = {}
    for score, candidate in scored:
        key = (candidate.one.address, candidate.other.address)
        evidence.setdefault(
            key, Evidence(kind=candidate.kind, score=score, first=_held(candidate.one), second=_held(candidate.other))
        )
    first, second = best.one.person_key, best.other.person_key
    is_meeting = best.is_meeting
    return (
        identity_of(first, second),
        first,
        second,
        best.one.license,
        best.other.license,
        best.kind,
        min(scored[0][0] + _ANOTHER_KIND * (len(kinds) - 1), BEST),
        json.dumps(list(evidence.values())[:MOST_EVIDENCE]),
        json.dumps(fixes_of([(one.one, one.other) for _score, one in scored], is_meeting=is_meeting, domains=domains)),
        licenses_at_stake(best.one, best.other),
    )


def _oriented(candidate: Candidate) -> Candidate:
    first, _second = ordered(candidate.one.person_key, candidate.other.person_key)
    if candidate.one.person_key == first:
        return candidate
    return replace(candidate, one=candidate.other, other=candidate.one)


def _best_first(scored: tuple[int, Candidate]) -> tuple[int, str, int, int, str, str]:
    score, candidate = scored
    return (
        -score,
        candidate.kind,
        candidate.one.role,
        candidate.other.role,
        candidate.one.address,
        candidate.other.address,
    )


def _held(side: Side) -> Held:
    return Held(
        address=side.address,
        role=ROLE_NAMES[side.role],  # type: ignore[typeddict-item]  # The names are the roles.
        installation=side.installation,
        user_id=side.user_id,
    )
