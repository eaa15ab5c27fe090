"""Eight workers and one source: one of them reads it, and what was read of a source that changed counts for nothing."""

from __future__ import annotations

import pytest

from connect.models import Server
from licensesync.models import SeatSource, SourceConfig
from licensesync.sources.choosing import Choice, choose
from licensesync.sources.failure import SourceFailure
from licensesync.sources.refreshing import Refresher
from tests.factories import NOW
from tests.licensesync.world import Clock, make_server
from tests.support.races import THREADS, race, without_condition

SOURCE = 'UPDATE "licensesync_sourceconfig"'


@pytest.fixture
def server(transactional_db: None) -> Server:
    server = make_server()
    choose(server=server, choice=Choice(kind=SeatSource.Kind.FILE, path="all.csv"), by=None, at=NOW)
    return server


def claim_eight(server: Server) -> list[int]:
    """Return the numbers of the claims that eight workers got at the same moment."""

    def act(_number: int) -> SourceConfig:
        return Refresher(clock=Clock())._claim(server)

    found = race(act, before=SOURCE, refusals=(SourceFailure,))
    return sorted(config.claim for config in found if isinstance(config, SourceConfig))


def test_eight_workers_claim_a_source_and_one_gets_it(server: Server) -> None:
    assert claim_eight(server) == [2]


@pytest.mark.postgres
def test_without_the_condition_all_eight_claim_it(server: Server) -> None:
    with without_condition(SourceConfig):
        assert claim_eight(server) == list(range(2, 2 + THREADS))
