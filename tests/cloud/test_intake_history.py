"""Which history a snapshot continues: copies, restored servers and restored clouds are told apart."""

import uuid

import pytest

from cloud import intake, services
from cloud.models import Installation, Ledger
from tests.cloud.books import (
    NOW,
    apply_now,
    commit_whole,
    connect,
    lines_of,
    opening,
    receipt_of,
    refuses_opening,
    send,
    sync,
)
from wire.messages import Base, ErrorCode

MONA = (1, "mona@octo.example")
HUBOT = (2, "hubot@octo.example")


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def test_copied_server_is_stopped(server: Installation) -> None:
    sync(server, [MONA])
    copy = opening(server, lines_of([HUBOT]))
    sync(server, [MONA, HUBOT])

    assert refuses_opening(ErrorCode.REVISION_CONFLICT, server, copy)

    server.refresh_from_db()
    assert server.last_status == Installation.SyncStatus.FAILURE


def test_server_whose_answer_was_lost_goes_on(server: Installation) -> None:
    sync(server, [MONA])
    lost_answer = str(server.snapshot_id)
    opened = opening(server, lines_of([HUBOT]), base=None, unanswered=(str(uuid.uuid4()), lost_answer))

    status = send(server, lines_of([HUBOT]), opened)

    assert receipt_of(status).revision == 2


def test_restored_cloud_goes_on_and_never_falls_back(server: Installation) -> None:
    sync(server, [MONA])
    opened = opening(server, lines_of([HUBOT]), base=Base(revision=7, snapshot_id=str(uuid.uuid4())))

    status = send(server, lines_of([HUBOT]), opened)

    assert receipt_of(status).revision == 8


def test_renamed_server_is_stopped(server: Installation) -> None:
    assert refuses_opening(ErrorCode.HOSTNAME_CHANGED, server, opening(server, [], hostname="other.example"))


def test_snapshot_that_was_overtaken_begins_anew(server: Installation) -> None:
    overtaken = commit_whole(server, lines_of([MONA]))
    sync(server, [HUBOT])

    apply_now(server, overtaken.sync_id)

    problem = intake.status(server, overtaken.sync_id).problem
    assert problem is not None
    assert problem.code == ErrorCode.SUPERSEDED


def test_newer_opening_makes_an_uncommitted_one_give_way(server: Installation) -> None:
    older = opening(server, lines_of([MONA]))
    intake.open_sync(server, older, NOW)

    intake.open_sync(server, opening(server, lines_of([HUBOT])), NOW)

    assert intake.status(server, older.sync_id).state == "expired"


def test_disconnected_server_cannot_open(server: Installation) -> None:
    services.disconnect_installation(installation=server, by=None, at=NOW)

    assert refuses_opening(ErrorCode.INSTALLATION_GONE, server, opening(server, []))


def test_unknown_format_is_refused(server: Installation) -> None:
    assert refuses_opening(ErrorCode.UNSUPPORTED_FORMAT, server, opening(server, [], formats=(99,)))
    server.refresh_from_db()
    assert (server.last_status, server.last_attempt_at) == ("failure", NOW)
    assert server.last_error == "The server and the cloud speak no common format."


@pytest.mark.parametrize(
    "field", [{"accounts": -1}, {"parts": 3}, {"sha256": "short"}, {"sync_id": "no-uuid"}, {"unanswered": ("x",)}]
)
def test_unsound_opening_is_refused(server: Installation, field: dict[str, object]) -> None:
    assert refuses_opening(ErrorCode.INVALID_REQUEST, server, opening(server, lines_of([MONA]), **field))
