"""Importing seats: all or nothing, only differences, and guarded against vanishing."""

import io
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from connect.models import Server
from enterprises.models import AuditEvent
from licensesync import services
from licensesync.models import Seat, SeatSource
from licensesync.seats.rows import SeatsInvalid
from tests.factories import NOW
from tests.licensesync.world import account, make_server, ndjson, seat

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Server:
    return make_server()


def held(server: Server) -> list[tuple[int, str]]:
    return list(Seat.objects.filter(server=server).order_by("user_id").values_list("user_id", "login"))


def test_complete_file_adds_changes_and_removes(server: Server) -> None:
    seat(server, ndjson([1, 2, 3]))

    change = seat(server, ndjson([2]) + ndjson([3], login="new") + ndjson([4]))

    assert (change.added, change.changed, change.removed) == (1, 1, 1)
    assert held(server) == [(2, "login2"), (3, "new"), (4, "login4")]


def test_partial_file_removes_nobody(server: Server) -> None:
    seat(server, ndjson([1, 2, 3]))

    change = seat(server, ndjson([3], suspended=True) + ndjson([4]), partial=True)

    assert (change.accounts, change.license_consuming, change.removed) == (4, 3, 0)
    assert [user_id for user_id, _login in held(server)] == [1, 2, 3, 4]


def test_every_kept_column_that_differs_counts_as_a_change(server: Server) -> None:
    seat(server, ndjson([1]))

    active = {"dormant": True, "last_active": "2024-01-02T03:04:05.5Z"}
    versions: list[dict[str, object]] = [{"dormant": True}, {"dormant": True}, {**active}, {**active}, {"emails": []}]

    changes = [seat(server, ndjson([1], **fields)).changed for fields in versions]

    assert changes == [1, 0, 1, 0, 1]


def test_bad_line_leaves_everything_as_it_was(server: Server) -> None:
    seat(server, ndjson([1, 2]))
    before = SeatSource.objects.get()

    with pytest.raises(SeatsInvalid) as refused:
        seat(server, ndjson([2, 3]) + b"{}\n")

    assert refused.value.line == 3
    assert held(server) == [(1, "login1"), (2, "login2")]
    assert SeatSource.objects.get().imported_at == before.imported_at


def test_id_that_stands_twice_names_both_lines(server: Server) -> None:
    with pytest.raises(SeatsInvalid, match="Line 3: the id 1 stands on line 1 already"):
        seat(server, ndjson([1, 2, 1]))

    assert held(server) == []


def test_shrink_over_both_limits_needs_permission(server: Server) -> None:
    seat(server, ndjson(range(1, 101)))

    with pytest.raises(services.ShrinkNotAllowed) as refused:
        seat(server, ndjson(range(1, 80)))

    assert (refused.value.removed, refused.value.held) == (21, 100)
    assert seat(server, ndjson(range(1, 80)), allow_shrink=True).removed == 21


@pytest.mark.parametrize(("before", "after"), [(100, 80), (200, 160), (20, 1)])
def test_shrink_at_a_limit_is_let_through(server: Server, before: int, after: int) -> None:
    seat(server, ndjson(range(1, before + 1)))

    assert seat(server, ndjson(range(1, after + 1))).removed == before - after


def test_header_alone_never_removes_everybody(server: Server) -> None:
    seat(server, ndjson([1, 2]))

    with pytest.raises(services.ShrinkNotAllowed):
        seat(server, b"id,login,email\n")

    assert len(held(server)) == 2


def test_header_alone_as_a_first_file_is_refused(server: Server) -> None:
    with pytest.raises(SeatsInvalid, match="lists no account"):
        seat(server, b"id,login,email\n")


def test_preview_says_what_the_import_will_do_and_changes_nothing(server: Server) -> None:
    seat(server, ndjson([1, 2, 3]))
    data = ndjson([2]) + ndjson([3], suspended=True) + ndjson([4])

    preview = services.preview_seats(server=server, stream=io.BytesIO(data))
    unchanged = held(server)

    assert unchanged == [(1, "login1"), (2, "login2"), (3, "login3")]
    assert preview == seat(server, data)
    assert [(sample.user_id, sample.login) for sample in preview.removed_samples] == [(1, "login1")]
    assert (preview.license_consuming_before, preview.license_consuming) == (3, 2)


def test_preview_of_a_shrink_asks_for_confirmation(server: Server) -> None:
    seat(server, ndjson(range(1, 101)))

    preview = services.preview_seats(server=server, stream=io.BytesIO(ndjson(range(1, 50))))

    assert preview.needs_confirmation
    assert len(preview.removed_samples) == 10


def test_import_of_one_server_leaves_the_other_alone(server: Server) -> None:
    other = make_server(hostname="ghes2.octo.example")
    seat(other, ndjson([1, 2]))

    seat(server, ndjson([2, 3]))

    assert held(other) == [(1, "login1"), (2, "login2")]


def test_source_counts_accounts_and_remembers_times(server: Server) -> None:
    taken_at = NOW - timedelta(days=2)
    data = account(1) + b"\n" + account(2, dormant=True) + b"\n" + account(3, suspended=True) + b"\n"

    services.import_seats(server=server, stream=io.BytesIO(data), by=None, at=NOW, taken_at=taken_at)

    source = SeatSource.objects.get(server=server)
    assert (source.accounts, source.license_consuming, source.dormant, source.suspended) == (3, 2, 1, 1)
    assert (source.taken_at, source.imported_at) == (taken_at, NOW)


def test_partial_file_does_not_make_the_list_younger(server: Server) -> None:
    seat(server, ndjson([1]))
    later = NOW + timedelta(days=3)

    services.import_seats(server=server, stream=io.BytesIO(ndjson([2])), by=None, at=later, partial=True)

    source = SeatSource.objects.get(server=server)
    assert (source.taken_at, source.imported_at) == (NOW, later)


def test_list_that_no_cloud_would_take_is_refused(server: Server) -> None:
    with pytest.raises(SeatsInvalid, match="2000"):
        services.import_seats(
            server=server, stream=io.BytesIO(ndjson([1])), by=None, at=NOW, taken_at=NOW.replace(year=202)
        )


def test_list_from_the_future_is_refused(server: Server) -> None:
    with pytest.raises(SeatsInvalid, match="future"):
        services.import_seats(
            server=server, stream=io.BytesIO(ndjson([1])), by=None, at=NOW, taken_at=NOW + timedelta(hours=1)
        )


def test_import_is_audited_in_counts_only(server: Server) -> None:
    seat(server, ndjson([1, 2]))

    event = AuditEvent.objects.get(action="seats.import")
    assert event.after is not None
    assert (event.target, event.after["added"]) == ("ghes1.octo.example", 2)
    assert "octo.example" not in str(event.after)


def test_number_of_statements_does_not_grow_with_the_accounts(server: Server) -> None:
    with CaptureQueriesContext(connection) as few:
        seat(server, ndjson(range(1, 11)))
    with CaptureQueriesContext(connection) as many:
        seat(server, ndjson(range(1, 2_001)))

    assert len(many) <= len(few) + 2


def test_no_staging_table_is_left_behind(server: Server) -> None:
    with pytest.raises(SeatsInvalid):
        seat(server, b"{}\n")

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM seat_staging")
