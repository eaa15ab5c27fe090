"""What each server adds to the count, now and by day."""

from datetime import date, timedelta

import pytest

from cloud import consumption
from cloud.models import Installation, InstallationPoint, Ledger
from cloud.services import remove_installation
from cloud.shares import added_licenses
from tests.cloud.books import NOW, connect, import_members, member, sync

TODAY = date(2026, 3, 2)


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def _points(installation: Installation) -> list[tuple[date, int, int]]:
    return list(installation.points.order_by("day").values_list("day", "accounts", "added_licenses"))


def test_server_adds_only_whom_nobody_else_knows(ledger: Ledger, server: Installation) -> None:
    other = connect(ledger, "ghes2.octo.example")
    import_members(
        ledger,
        member(1, "mona", emails=[{"email": "mona@octo.example", "verified": True}]),
        member(
            2,
            "vera",
            member_roles=[],
            visual_studio={"email": "vera@octo.example", "status": "Matched"},
            emails=[{"email": "vera@octo.example", "verified": True}],
        ),
    )

    sync(server, [(1, "mona@octo.example"), (2, "vera@octo.example"), (3, "both@octo.example"), (4, None)])
    sync(other, [(1, "both@octo.example"), (2, "twice@octo.example"), (3, "twice@octo.example")])

    assert added_licenses(ledger) == {server.pk: 1, other.pk: 1}


def test_each_change_writes_the_point_of_every_server(ledger: Ledger, server: Installation) -> None:
    other = connect(ledger, "ghes2.octo.example")
    sync(server, [(1, "ana@octo.example"), (2, "ben@octo.example")])
    sync(other, [(7, "ben@octo.example")])

    consumption.note_day(ledger, NOW + timedelta(days=1))

    assert _points(server) == [(TODAY, 2, 1), (TODAY + timedelta(days=1), 2, 1)]
    assert _points(other) == [(TODAY, 1, 0), (TODAY + timedelta(days=1), 1, 0)]


def test_history_of_a_server_goes_with_the_server(ledger: Ledger, server: Installation) -> None:
    other = connect(ledger, "ghes2.octo.example")
    sync(server, [(1, "ana@octo.example")])
    sync(other, [(1, "ana@octo.example")])

    remove_installation(installation=server, by=None, at=NOW)

    assert set(InstallationPoint.objects.values_list("installation", flat=True)) == {other.pk}
    assert _points(other) == [(TODAY, 1, 1)]
