"""Receipts of usage files that come in at once, beside each other and beside a sync."""

from __future__ import annotations

import pytest

from connect.models import Connection, FileAccount, Server
from enterprises.models import AuditEvent
from licensesync.importing_receipts import import_receipt
from licensesync.models import SyncJob
from tests.factories import NOW
from tests.licensesync.carried import FarCloud, exported
from tests.licensesync.world import make_server, ndjson, seat
from tests.support.races import THREADS, race, without_lock

CONNECTION = r"connect_connection"


@pytest.fixture
def server(transactional_db: None) -> Server:
    made = make_server()
    seat(made, ndjson(range(1, 4)))
    return made


def import_by_eight(server: Server) -> int:
    """Eight owners import the same receipt; return how many did so."""
    cloud = FarCloud()
    content = cloud.answer(exported(server))

    def take(_number: int) -> bool:
        mine = Server.objects.get(pk=server.pk)
        taken = import_receipt(server=mine, content=content, by=None, at=NOW, fingerprint=cloud.fingerprint)
        return taken.is_new

    return sum(race(take, before=CONNECTION))


def test_receipt_that_comes_eight_times_is_imported_once(server: Server) -> None:
    assert import_by_eight(server) == 1
    assert AuditEvent.objects.filter(action="license.receipt_import").count() == 1
    assert FileAccount.objects.count() == 1


@pytest.mark.postgres
def test_without_the_lock_it_is_imported_eight_times(server: Server) -> None:
    with without_lock(Connection):
        assert import_by_eight(server) == THREADS


def test_highest_revision_of_several_receipts_is_what_the_next_file_builds_on(server: Server) -> None:
    cloud = FarCloud()
    files = [exported(server) for _number in range(8)]
    contents = [cloud.answer(job, revision) for revision, job in enumerate(files, start=1)]

    def take(number: int) -> bool:
        mine = Server.objects.get(pk=server.pk)
        content = contents[number]
        return import_receipt(server=mine, content=content, by=None, at=NOW, fingerprint=cloud.fingerprint).is_new

    news = race(take, before=CONNECTION)

    held = Connection.objects.get(server=server)
    assert all(news)
    assert (held.base_revision, held.base_snapshot_id) == (8, files[-1].sync_id)
    assert SyncJob.objects.filter(state=SyncJob.State.SUCCEEDED).count() == 8
