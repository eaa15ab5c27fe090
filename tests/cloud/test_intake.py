"""Snapshots on their way in: every step can be repeated, and whatever is refused leaves nothing behind."""

from collections.abc import Callable

import pytest

from cloud import consumption, intake
from cloud.models import Installation, IntakePart, Ledger, ServerAccount
from cloud.refusals import IntakeRefused
from tests.cloud.books import (
    NOW,
    apply_now,
    connect,
    lines_of,
    opening,
    parts_of,
    people,
    receipt_of,
    refuses_opening,
    send,
    sync,
)
from wire.messages import ErrorCode, OpenSync
from wire.parts import MAX_PART_BYTES, pack

MONA = (1, "mona@octo.example")
HUBOT = (2, "hubot@octo.example")
CROWD = [(number, f"person.{number}@octo.example") for number in range(1, 51)]


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def test_snapshot_ends_in_a_signed_receipt(server: Installation) -> None:
    status = sync(server, [MONA, HUBOT])

    receipt = receipt_of(status)
    assert status.state == "applied"
    assert (receipt.accounts, receipt.added, receipt.changed, receipt.removed) == (2, 2, 0, 0)
    assert (receipt.licenses_before, receipt.licenses_after, receipt.revision) == (0, 2, 1)
    assert (receipt.account, receipt.hostname, receipt.server_id) == (
        "octo",
        "ghes1.octo.example",
        str(server.server_id),
    )
    assert server.last_status == Installation.SyncStatus.SUCCESS


def test_snapshot_touches_only_what_differs(server: Installation) -> None:
    sync(server, [MONA, HUBOT, (3, None)])
    before = ServerAccount.objects.get(user_id=1).pk

    receipt = receipt_of(sync(server, [MONA, (2, "other@octo.example"), (4, None)]))

    assert (receipt.added, receipt.changed, receipt.removed, receipt.revision) == (1, 1, 1, 2)
    assert ServerAccount.objects.get(user_id=1).pk == before


def test_ended_intake_keeps_no_bytes(server: Installation) -> None:
    sync(server, [MONA])

    assert not IntakePart.objects.exists()


def test_commit_again_gives_the_same_receipt(server: Installation) -> None:
    first = sync(server, [MONA])

    again = intake.commit(server, first.sync_id, NOW)

    assert again.receipt == first.receipt
    assert again.state == "applied"


def test_unchanged_snapshot_uploads_nothing_and_gets_a_receipt(server: Installation) -> None:
    sync(server, [MONA])
    opened = opening(server, lines_of([MONA]))

    status = intake.open_sync(server, opened, NOW)

    server.refresh_from_db()
    assert (status.state, status.missing) == ("applied", ())
    assert receipt_of(status).revision == server.revision == 2
    assert str(server.snapshot_id) == opened.sync_id


def test_open_again_gives_the_same_answer(server: Installation) -> None:
    opened = opening(server, lines_of([MONA]))

    assert intake.open_sync(server, opened, NOW) == intake.open_sync(server, opened, NOW)


def test_open_with_the_same_id_and_another_body_is_refused(server: Installation) -> None:
    opened = opening(server, lines_of([MONA]))
    intake.open_sync(server, opened, NOW)

    assert refuses_opening(ErrorCode.SYNC_ID_REUSED, server, opening(server, lines_of([HUBOT]), sync_id=opened.sync_id))


def test_part_again_changes_nothing(server: Installation) -> None:
    lines = lines_of([MONA])
    opened = opening(server, lines)
    intake.open_sync(server, opened, NOW)

    for _attempt in range(2):
        status = intake.receive_part(server, opened.sync_id, 1, parts_of(lines)[0], NOW)

    assert status.missing == ()
    assert IntakePart.objects.count() == 1


def test_commit_names_missing_parts(server: Installation) -> None:
    lines = lines_of(CROWD)
    opened = opening(server, lines, parts=5)
    intake.open_sync(server, opened, NOW)
    intake.receive_part(server, opened.sync_id, 2, parts_of(lines, 10)[1], NOW)

    status = intake.commit(server, opened.sync_id, NOW)

    assert (status.state, status.missing) == ("receiving", (1, 3, 4, 5))


def test_foreign_sync_is_unknown(ledger: Ledger, server: Installation) -> None:
    opened = opening(server, lines_of([MONA]))
    intake.open_sync(server, opened, NOW)

    with pytest.raises(IntakeRefused) as refusal:
        intake.receive_part(connect(ledger, "other.example"), opened.sync_id, 1, b"", NOW)

    assert refusal.value.code is ErrorCode.UNKNOWN_SYNC


def _bomb() -> bytes:
    return pack(b"\n" * (MAX_PART_BYTES + 1))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lambda: _bomb(), ErrorCode.PAYLOAD_TOO_LARGE),
        (lambda: pack(b"\n" * 10_001), ErrorCode.PAYLOAD_TOO_LARGE),
        (lambda: b"no zstd", ErrorCode.PART_INVALID),
        (lambda: parts_of(lines_of([MONA]))[0][:-3], ErrorCode.PART_INVALID),
        (lambda: pack(lines_of([MONA])[0]), ErrorCode.PART_INVALID),
        (lambda: pack(b'{"user_id":1,"emails":[],"login":"mona"}\n'), ErrorCode.PART_INVALID),
        (lambda: pack(b'{"user_id": 1, "emails": []}\n'), ErrorCode.PART_INVALID),
        (lambda: parts_of(lines_of([HUBOT]) + lines_of([MONA]))[0], ErrorCode.PART_INVALID),
        (lambda: parts_of(lines_of([MONA]) * 2)[0], ErrorCode.PART_INVALID),
        (lambda: pack(b'{"user_id":1,"emails":[["a\\u0000@x.example",true]]}\n'), ErrorCode.PART_INVALID),
    ],
    ids=[
        "bomb", "too-many-lines", "not-zstd", "truncated", "line-cut-off", "login-travels", "second-spelling",
        "descending", "account-twice", "control-character",
    ],
)  # fmt: skip
def test_bad_part_is_refused_as_it_comes(server: Installation, body: Callable[[], bytes], code: ErrorCode) -> None:
    opened = opening(server, lines_of([MONA, HUBOT]))
    intake.open_sync(server, opened, NOW)

    with pytest.raises(IntakeRefused) as refusal:
        intake.receive_part(server, opened.sync_id, 1, body(), NOW)

    assert refusal.value.code is code
    assert not IntakePart.objects.exists()


def test_part_with_a_number_out_of_range_is_refused(server: Installation) -> None:
    opened = opening(server, lines_of([MONA]))
    intake.open_sync(server, opened, NOW)

    with pytest.raises(IntakeRefused):
        intake.receive_part(server, opened.sync_id, 2, parts_of(lines_of([MONA]))[0], NOW)


def _commit_parts(server: Installation, opened: OpenSync, parts: list[bytes]) -> str:
    intake.open_sync(server, opened, NOW)
    for number, body in enumerate(parts, start=1):
        intake.receive_part(server, opened.sync_id, number, body, NOW)
    intake.commit(server, opened.sync_id, NOW)
    apply_now(server, opened.sync_id)
    status = intake.status(server, opened.sync_id)
    assert status.problem is not None
    return status.problem.code


def test_tampered_lines_change_nothing(server: Installation) -> None:
    sync(server, [MONA])
    before = people(server.ledger)

    code = _commit_parts(
        server, opening(server, lines_of([MONA, HUBOT])), parts_of(lines_of([MONA, (2, "x@x.example")]))
    )

    server.refresh_from_db()
    assert code == ErrorCode.DIGEST_MISMATCH
    assert people(server.ledger) == before
    assert (server.revision, server.last_status) == (1, Installation.SyncStatus.FAILURE)
    assert server.last_error
    assert not IntakePart.objects.exists()


def test_parts_out_of_order_change_nothing(server: Installation) -> None:
    lines = lines_of(CROWD)
    parts = parts_of(lines, 25)

    code = _commit_parts(server, opening(server, lines, parts=2), [parts[1], parts[0]])

    assert code == ErrorCode.PART_INVALID
    assert not ServerAccount.objects.exists()


def test_snapshot_that_removes_everybody_asks_first(server: Installation) -> None:
    sync(server, CROWD)

    status = send(server, [], opening(server, [], allow_shrink=False))

    assert status.problem is not None
    assert status.problem.code == ErrorCode.SHRINK_UNCONFIRMED
    assert consumption.totals(server.ledger).consumed == 50


@pytest.mark.parametrize(("left", "state"), [(29, "refused"), (30, "applied"), (39, "applied")])
def test_shrink_asks_above_a_fifth_and_above_twenty(server: Installation, left: int, state: str) -> None:
    sync(server, CROWD)
    lines = lines_of(CROWD[:left])

    status = send(server, lines, opening(server, lines, allow_shrink=False))

    assert status.state == state


def test_confirmed_shrink_is_applied(server: Installation) -> None:
    sync(server, CROWD)

    assert receipt_of(send(server, [])).removed == 50
    assert consumption.totals(server.ledger).consumed == 0
