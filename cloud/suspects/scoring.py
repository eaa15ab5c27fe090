"""How often of a hundred times what speaks for a pair is right, and what speaks against it.

The scores are what was measured where the truth is known (docs/domain.md, "Probably the same person").
"""

import re
from dataclasses import dataclass
from typing import Final

from cloud.models import Suspect
from cloud.suspects.fixing import Side
from cloud.suspects.words import DOTLESS, is_machine, is_public, is_role

Kind = Suspect.Kind

_UNVERIFIED: Final = 98
_SECONDARY: Final = 97
_DOTS_THAT_MEAN_NOTHING: Final = 96
_PLUS_TAG: Final = 95
_PRIVATE: Final = 92
_ANOTHER_NAME: Final = 85
_SHARED_BY_MORE: Final = 85
_DOTS: Final = 75
_LOCAL_PART: Final = 80
_A_WORD_ALONE: Final = 60
_MEETING: Final = 10
_SURE: Final = 95

_LONG_WORD: Final = 9
_SHORTEST_PART: Final = 3
_PARTS: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One thing that speaks for a pair: an address of each, and how many people share what they share.

    Where both have one address, it is the first one's own; ``other_own`` is the local part of another address that the
    second one has on that domain. ``is_meeting``: both have an account in one place.
    """

    kind: str
    people: int
    is_meeting: bool
    other_own: str | None
    one: Side
    other: Side


def score_of(candidate: Candidate) -> int:
    """Return the score, 0 to 100; 0 is not worth anybody's look."""
    local, _at, domain = candidate.one.address.rpartition("@")
    others = candidate.other.address.rpartition("@")[0]
    names = [_name(side) for side in (candidate.one, candidate.other) if side.is_named]
    if any(map(is_role, (local, others, *names))) or any(is_machine(one.partition("+")[2]) for one in (local, others)):
        return 0
    if candidate.kind in {Kind.SECONDARY, Kind.UNVERIFIED}:
        score = _score_of_address(candidate, local, domain)
    elif candidate.kind == Kind.PLUS_TAG:
        score = _PLUS_TAG
    elif candidate.kind == Kind.DOTS:
        score = _DOTS_THAT_MEAN_NOTHING if domain in DOTLESS else 0 if is_public(domain) else _DOTS
    else:
        score = _score_of_local_part(local)
    if candidate.is_meeting:
        # Who has two accounts in one place gave the second one another address of theirs: only what is sure says so.
        return score - _MEETING if score >= _SURE else 0
    return score


def _score_of_local_part(local: str) -> int:
    """A number is somebody else's on each domain."""
    if not _PARTS.search(local):
        return 0
    return _A_WORD_ALONE if local.isalpha() and len(local) < _LONG_WORD else _LOCAL_PART


def _score_of_address(candidate: Candidate, local: str, domain: str) -> int:
    """Of who has an address of the company, another one there is hardly theirs, unless it is like it.

    So it is where somebody typed a colleague's address, runs a machine, or reads what a team gets. A private address
    may be a family's.
    """
    score = _UNVERIFIED if candidate.kind == Kind.UNVERIFIED else _SECONDARY
    if candidate.other_own is not None and not is_public(domain):
        if candidate.kind == Kind.UNVERIFIED or not _alike(local, candidate.other_own):
            return 0
        score = _ANOTHER_NAME
    elif is_public(domain):
        score = _PRIVATE if _alike(local, _name(candidate.other)) else _ANOTHER_NAME
    return min(score, _SHARED_BY_MORE) if candidate.people > 2 else score


def _name(side: Side) -> str:
    """A login, or the local part of what somebody is called."""
    return side.label.rpartition("@")[0] or side.label


def _alike(one: str, other: str) -> bool:
    """Whether a part of one name is found in the other: anna.meier and anna.brandt, mlisa and mona.lisa."""
    return _is_in(one, other) or _is_in(other, one)


def _is_in(one: str, other: str) -> bool:
    whole = "".join(_PARTS.findall(other.lower()))
    return any(part in whole for part in _PARTS.findall(one.lower()) if len(part) >= _SHORTEST_PART)
