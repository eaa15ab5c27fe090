"""What the cloud keeps goes with the beat when its time is over, and not a minute before."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cloud import intake
from cloud.beat import tick
from cloud.models import (
    AppToken,
    ConnectCode,
    ConsumedLicense,
    Installation,
    Intake,
    IntakePart,
    Ledger,
    Member,
    MemberAddress,
    MemberLink,
    ReceiptSigner,
    ServerAccount,
    UsagePoint,
)
from cloud.services import disconnect_installation, remove_installation
from enterprises.models import User
from tests.cloud.books import NOW, connect, import_members, lines_of, member, opening, parts_of, sync

A_MINUTE = timedelta(minutes=1)
MONA = (1, "mona@octo.example")


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def beat(at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        tick.apply(throw=True)


def receive(server: Installation, at: datetime, kind: str = "usage") -> Intake:
    """A snapshot with one part, which nobody commits."""
    lines = lines_of([MONA])
    opened = opening(server, lines, kind=kind)
    intake.open_sync(server, opened, at)
    intake.receive_part(server, opened.sync_id, 1, parts_of(lines)[0], at)
    return Intake.objects.get(snapshot_id=opened.sync_id)


@pytest.mark.parametrize(("kind", "kept_for"), [("usage", timedelta(days=1)), ("preview", timedelta(hours=1))])
def test_bytes_that_were_never_committed_go(
    kind: str, kept_for: timedelta, server: Installation, ledger: Ledger
) -> None:
    older = receive(server, NOW, kind)
    younger = receive(connect(ledger, "ghes2.octo.example"), NOW + A_MINUTE, kind)

    beat(NOW + kept_for)

    assert [part.intake for part in IntakePart.objects.all()] == [younger]
    older.refresh_from_db()
    assert older.state == Intake.State.EXPIRED


def test_bytes_that_an_interrupted_tick_left_go_with_the_next(server: Installation) -> None:
    left = receive(server, NOW)
    Intake.objects.filter(pk=left.pk).update(state=Intake.State.EXPIRED, finished_at=NOW)

    beat(NOW)

    assert not IntakePart.objects.exists()


def test_tokens_and_codes_go_when_they_expire(server: Installation, owner: User) -> None:
    for name, until in (("over", NOW), ("good", NOW + A_MINUTE)):
        AppToken.objects.create(installation=server, digest=name, expires_at=until)
        ConnectCode.objects.create(ledger=server.ledger, digest=name, manifest="", created_by=owner, expires_at=until)

    beat(NOW)

    assert [row.digest for row in AppToken.objects.all()] == ["good"]
    assert [row.digest for row in ConnectCode.objects.all()] == ["good"]


def test_ended_snapshots_and_receipts_go_after_30_days_but_the_latest(server: Installation, ledger: Ledger) -> None:
    sync(server, [MONA])
    sync(server, [MONA, (2, None)])
    other = connect(ledger, "ghes2.octo.example")
    ended = {"opening": {}, "opening_digest": "", "opened_at_revision": 0, "state": Intake.State.REFUSED}
    for at in (NOW, NOW + A_MINUTE):
        Intake.objects.create(
            installation=other,
            snapshot_id=uuid.uuid4(),
            kind="preview",
            opened_at=at,
            expires_at=at,
            finished_at=at,
            **ended,
        )

    beat(NOW + timedelta(days=30))

    assert [row.snapshot_id for row in server.intakes.all()] == [server.snapshot_id]
    assert server.intakes.get().receipt
    assert [row.finished_at for row in other.intakes.all()] == [NOW + A_MINUTE]


def test_history_goes_after_five_years(ledger: Ledger) -> None:
    UsagePoint.objects.all().delete()
    counts = {"consumed": 1, "peak": 1, "counted_apart": 1, "purchased": 1}
    for day in range(2):
        UsagePoint.objects.create(ledger=ledger, day=(NOW + timedelta(days=day)).date(), **counts)

    beat(NOW + timedelta(days=5 * 366 + 1))

    assert [point.day for point in UsagePoint.objects.all()] == [(NOW + timedelta(days=1)).date()]


def test_history_of_servers_goes_after_five_years(server: Installation) -> None:
    for day in range(2):
        server.points.create(day=(NOW + timedelta(days=day)).date(), accounts=1, added_licenses=1)

    beat(NOW + timedelta(days=5 * 366 + 1))

    assert [point.day for point in server.points.all()] == [(NOW + timedelta(days=1)).date()]


def test_people_of_a_disconnected_server_stay_until_an_owner_removes_it(server: Installation) -> None:
    sync(server, [MONA])
    disconnect_installation(installation=server, by=None, at=NOW)

    beat(NOW + timedelta(days=4_000))
    assert (ServerAccount.objects.count(), ConsumedLicense.objects.count()) == (1, 1)
    remove_installation(installation=server, by=None, at=NOW)

    assert not ServerAccount.objects.exists()
    assert not ConsumedLicense.objects.exists()
    assert not Intake.objects.exists()


def test_people_go_with_the_snapshot_that_lacks_them(server: Installation) -> None:
    sync(server, [MONA, (2, "hubot@octo.example")])
    sync(server, [MONA])

    assert [account.user_id for account in ServerAccount.objects.all()] == [1]
    assert [person.label for person in ConsumedLicense.objects.all()] == ["mona@octo.example"]


def test_members_go_with_the_import_that_lacks_them(ledger: Ledger) -> None:
    mona, hubot = (
        member(number, login, emails=[{"email": f"{login}@octo.example", "verified": True}])
        for number, login in ((1, "mona"), (2, "hubot"))
    )
    import_members(ledger, mona, hubot)
    MemberLink.objects.create(ledger=ledger, number=2, hostname="ghes1.octo.example", user_id=7)

    import_members(ledger, mona)

    assert [row.login for row in Member.objects.all()] == ["mona"]
    assert {row.number for row in MemberAddress.objects.all()} == {1}
    assert not MemberLink.objects.exists()


def test_keys_of_receipts_stay(ledger: Ledger) -> None:
    beat(NOW + timedelta(days=4_000))

    assert ReceiptSigner.objects.count() == 1


def test_statements_do_not_grow_with_the_snapshots(server: Installation) -> None:
    counts: list[tuple[int, int]] = []
    # Its owners are told nothing, which would take a statement more in one of the rounds.
    Installation.objects.filter(pk=server.pk).update(last_sync_at=NOW + timedelta(days=99))
    for rows in (1, 90):
        Intake.objects.bulk_create(
            Intake(
                installation=server,
                snapshot_id=uuid.uuid4(),
                kind="usage",
                opening={},
                opening_digest="",
                opened_at_revision=0,
                opened_at=NOW,
                expires_at=NOW,
            )
            for _row in range(rows)
        )
        with CaptureQueriesContext(connection) as seen:
            beat(NOW + len(counts) * timedelta(hours=1))
        assert {row.state for row in Intake.objects.all()} == {Intake.State.EXPIRED}
        with CaptureQueriesContext(connection) as again:
            beat(NOW + timedelta(days=31, hours=len(counts)))
        assert not Intake.objects.exists()
        counts.append((len(seen), len(again)))

    assert counts[0] == counts[1]


def test_no_more_than_a_piece_is_held_at_once(server: Installation) -> None:
    """Seventeen parts of up to 16 MiB each are two transactions."""
    left = receive(server, NOW)
    facts = {"lines": 1, "first_user_id": 1, "last_user_id": 1, "sha256": "", "body": b"x"}
    IntakePart.objects.bulk_create(IntakePart(intake=left, number=number, **facts) for number in range(2, 18))

    with CaptureQueriesContext(connection) as seen:
        beat(NOW + timedelta(days=8))

    deleted = [
        query["sql"] for query in seen.captured_queries if query["sql"].startswith('DELETE FROM "cloud_intakepart"')
    ]
    assert len(deleted) == 2
    assert all("LIMIT 16" in sql for sql in deleted)
    assert not IntakePart.objects.exists()
