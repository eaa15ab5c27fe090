"""Statements say what the books say, once a month and as of now, and are signed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
import time_machine

from cloud import signer, statements
from cloud.beat import tick
from cloud.models import Installation, Ledger, Statement, UsagePoint
from cloud.services import set_seats_purchased
from enterprises.models import AuditEvent
from tests.cloud.books import NOW, connect, import_members, member, sync
from wire import signing
from wire.statements import StatedEnd, StatementFile
from wire.statements import Statement as Signed

MARCH = date(2026, 3, 1)
APRIL_BEGINS = datetime(2026, 4, 1, 0, 0, 30, tzinfo=UTC)


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    """Octo with two members, and a server with one of them and somebody else."""
    import_members(ledger, member(1, "mona", emails=[{"email": "m@octo.example", "verified": True}]), member(2, "hub"))
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [(7, "m@octo.example"), (8, "new@octo.example")])
    ledger.refresh_from_db()
    return server


def beat(at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        tick.apply(throw=True)


def now_of(ledger: Ledger, at: datetime = NOW) -> Signed:
    return statements.read_statement(statements.make_now(ledger=ledger, by=None, at=at))


def test_statement_says_the_numbers_of_the_page(server: Installation, ledger: Ledger) -> None:
    said = now_of(ledger)

    assert (said.purchased, said.consumed, said.available, said.listed) == (100, 3, 97, 3)
    assert (said.cloud_licenses, said.server_accounts, said.counted_apart, said.saved) == (2, 2, 4, 1)
    assert (said.members, said.members_imported_at, said.revision) == (2, NOW, ledger.revision)
    assert [(day.day, day.consumed, day.peak) for day in said.days] == [(NOW.date(), 3, 3)]


def test_statement_holds_the_receipt_of_each_server(server: Installation, ledger: Ledger) -> None:
    connect(ledger, "ghes2.octo.example")

    held, never = now_of(ledger).servers

    assert (held.hostname, held.accounts, held.sha256, held.added_licenses) == (server.hostname, 2, server.sha256, 1)
    assert held.receipt == server.intakes.get().receipt
    assert (never.revision, never.snapshot_id, never.receipt) == (0, "", "")


def test_statement_names_nobody(server: Installation, ledger: Ledger) -> None:
    made = statements.make_now(ledger=ledger, by=None, at=NOW)

    assert not any(word in made.body for word in ("mona", "new@", "m@octo", '"hub"'))


def test_file_holds_what_is_signed_by_the_newest_key(server: Installation, ledger: Ledger) -> None:
    signer.rotate(NOW)
    made = statements.make_now(ledger=ledger, by=None, at=NOW)
    file = statements.json_file(made)
    signer.rotate(NOW + timedelta(days=1))

    read = msgspec.json.decode(file, type=StatementFile)
    key = signing.read_public_key(read.keys[-1].x)
    signed = signing.verify(read.jws, Signed, typ=signing.STATEMENT, key=key)

    assert statements.json_file(made) == file
    assert signed == msgspec.json.decode(read.statement, type=Signed)
    assert [bool(each.endorsement) for each in read.keys] == [False, True]


def test_month_is_stated_in_the_first_minute_of_the_next(server: Installation, ledger: Ledger) -> None:
    beat(APRIL_BEGINS)
    beat(APRIL_BEGINS + timedelta(minutes=1))

    said = statements.read_statement(Statement.objects.get())

    assert (said.kind, said.month, said.first_day, said.last_day) == ("month", "2026-03", MARCH, date(2026, 3, 31))
    assert said.made_at == APRIL_BEGINS
    assert AuditEvent.objects.filter(action="statement.create", after__month="2026-03").count() == 1


def test_month_is_caught_up_when_the_beat_was_away(server: Installation, ledger: Ledger) -> None:
    beat(APRIL_BEGINS + timedelta(days=29))

    assert Statement.objects.get().month == MARCH


def test_account_that_was_not_there_has_no_month(server: Installation, ledger: Ledger) -> None:
    beat(NOW)

    assert not Statement.objects.exists()


def test_month_that_was_not_over_last_is_not_made_up(server: Installation, ledger: Ledger) -> None:
    with pytest.raises(statements.MonthNotStated):
        statements.make_month(ledger=ledger, month=MARCH, at=NOW)
    with pytest.raises(statements.MonthNotStated):
        statements.make_month(ledger=ledger, month=MARCH, at=APRIL_BEGINS + timedelta(days=40))


def test_month_is_made_once(server: Installation, ledger: Ledger) -> None:
    first = statements.make_month(ledger=ledger, month=MARCH, at=APRIL_BEGINS)

    assert statements.make_month(ledger=ledger, month=MARCH, at=APRIL_BEGINS + timedelta(days=99)) == first


def test_statements_as_of_now_are_few_an_hour(ledger: Ledger) -> None:
    for _ in range(statements.MOST_AN_HOUR):
        statements.make_now(ledger=ledger, by=None, at=NOW)

    with pytest.raises(statements.TooManyStatements):
        statements.make_now(ledger=ledger, by=None, at=NOW + timedelta(minutes=59))
    assert statements.make_now(ledger=ledger, by=None, at=NOW + timedelta(minutes=60))


def test_statements_go_after_five_years(ledger: Ledger) -> None:
    statements.make_now(ledger=ledger, by=None, at=NOW)

    beat(NOW + timedelta(days=5 * 366))
    assert Statement.objects.filter(month=None).count() == 1
    beat(NOW + timedelta(days=5 * 366, hours=1))

    assert not Statement.objects.filter(month=None).exists()


def test_month_that_is_stated_late_says_how_it_ended(server: Installation, ledger: Ledger) -> None:
    late = APRIL_BEGINS + timedelta(days=24)
    with time_machine.travel(late, tick=False):
        set_seats_purchased(ledger=ledger, seats_purchased=500, by=None, at=late)

    made = statements.make_month(ledger=ledger, month=MARCH, at=late)

    said = statements.read_statement(made)
    assert said.month_end == StatedEnd(
        counted_on=NOW.date(), purchased=100, consumed=3, available=97, counted_apart=4, saved=1, peak=3
    )
    assert (said.purchased, statements.read_headline(made).purchased) == (500, 100)


def test_month_without_a_count_ends_as_it_began(server: Installation, ledger: Ledger) -> None:
    made = statements.make_month(ledger=ledger, month=date(2026, 5, 1), at=datetime(2026, 6, 1, tzinfo=UTC))

    said = statements.read_statement(made)

    assert (said.days, said.before and said.before.day) == ((), NOW.date())
    assert said.month_end
    assert (said.month_end.counted_on, said.month_end.consumed, said.month_end.peak) == (NOW.date(), 3, 3)


def test_peak_of_a_month_is_also_the_count_with_which_it_began(server: Installation, ledger: Ledger) -> None:
    UsagePoint.objects.create(ledger=ledger, day=date(2026, 4, 20), consumed=1, peak=2, counted_apart=1, purchased=100)

    made = statements.make_month(ledger=ledger, month=date(2026, 4, 1), at=datetime(2026, 5, 1, tzinfo=UTC))

    end = statements.read_statement(made).month_end
    assert end
    assert (end.consumed, end.peak) == (1, 3)
