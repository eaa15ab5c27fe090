"""Stage the parts of a snapshot outside of any lock, and verify that together they are what was announced."""

from collections.abc import Callable, Iterator

import msgspec

from cloud.matching import INCOMING, INCOMING_COLUMNS, INCOMING_KEY
from cloud.models import Intake, IntakePart
from cloud.refusals import IntakeRefused
from cloud.staging import Row, analyze, write_piece
from wire.addresses import normalize
from wire.lines import Line, SnapshotDigest
from wire.messages import ErrorCode, OpenSync
from wire.parts import unpack

# Each line was read strictly when its part came in; here only what is needed of it is looked up.
_decoder = msgspec.json.Decoder(Line)


def stage_parts(intake: Intake, opening: OpenSync, *, still_mine: Callable[[], None]) -> None:
    """Fill the temporary table of arriving accounts, one part in memory at a time.

    :raises IntakeRefused: order, number or digest of the lines is not as announced.
    """
    digest = SnapshotDigest()
    accounts = last_user_id = 0
    for part in _parts(intake):
        still_mine()
        if part.first_user_id <= last_user_id:
            raise IntakeRefused(ErrorCode.PART_INVALID)
        last_user_id = part.last_user_id
        accounts += part.lines
        lines = unpack(bytes(part.body))
        digest.add(lines)
        write_piece(INCOMING, INCOMING_COLUMNS, list(_rows(lines)))
    if accounts != opening.accounts or digest.hexdigest() != opening.sha256:
        raise IntakeRefused(ErrorCode.DIGEST_MISMATCH)
    analyze(INCOMING, index=INCOMING_KEY)


def _parts(intake: Intake) -> Iterator[IntakePart]:
    for number in intake.parts.order_by("number").values_list("number", flat=True):
        yield intake.parts.get(number=number)


def _rows(lines: bytes) -> Iterator[Row]:
    for raw in lines.split(b"\n")[:-1]:
        line = _decoder.decode(raw)
        primary = normalize(line.primary) if line.primary else None
        yield line.user_id, raw.decode(), primary or ""
