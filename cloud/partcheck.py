"""Look at one received part: everything that it alone can tell is checked before it is kept."""

import hashlib

import msgspec

from cloud.refusals import IntakeRefused
from wire.addresses import AddressInvalid, normalize
from wire.lines import LineInvalid, read_lines
from wire.messages import ErrorCode
from wire.parts import MAX_PART_LINES, PartInvalid, PartTooLarge, unpack


class PartFacts(msgspec.Struct, frozen=True):
    """What is remembered of a part beside its bytes."""

    lines: int
    first_user_id: int
    last_user_id: int
    sha256: str


def check_part(body: bytes) -> PartFacts:
    """Return the facts of a sound part.

    :raises IntakeRefused: too large, damaged, not canonical, not ascending, with addresses that can
        be none, or empty. Nothing of a line is ever quoted.
    """
    try:
        data = unpack(body)
    except PartTooLarge as error:
        raise IntakeRefused(ErrorCode.PAYLOAD_TOO_LARGE) from error
    except PartInvalid as error:
        raise IntakeRefused(ErrorCode.PART_INVALID) from error
    if data.count(b"\n") > MAX_PART_LINES:
        raise IntakeRefused(ErrorCode.PAYLOAD_TOO_LARGE)
    user_ids: list[int] = []
    try:
        for _raw, line in read_lines(data):
            if user_ids and line.user_id <= user_ids[-1]:
                raise IntakeRefused(ErrorCode.PART_INVALID)
            for address, _is_primary in line.emails:
                normalize(address)
            user_ids.append(line.user_id)
    except (LineInvalid, AddressInvalid) as error:
        raise IntakeRefused(ErrorCode.PART_INVALID) from error
    if not user_ids:
        raise IntakeRefused(ErrorCode.PART_INVALID)
    return PartFacts(
        lines=len(user_ids),
        first_user_id=user_ids[0],
        last_user_id=user_ids[-1],
        sha256=hashlib.sha256(body).hexdigest(),
    )
