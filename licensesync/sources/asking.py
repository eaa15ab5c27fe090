"""Refreshes that somebody asks for, or that a watched file does by changing: a row waits for a worker."""

import logging
from datetime import datetime

from django.db.models import Q

from connect.models import Server
from enterprises.models import User
from licensesync.jobs import ClaimLost
from licensesync.models import SeatSource, SourceConfig
from licensesync.sources.failure import SourceFailure
from licensesync.sources.files import has_changed
from licensesync.sources.refreshing import Refresher, automatic

logger = logging.getLogger(__name__)


class NothingToRefresh(Exception):
    """The seats of this server come only by import."""


def ask(*, server: Server, by: User | None, at: datetime, allow_shrink: bool = False) -> SourceConfig:
    """Have a worker refresh the seats; one that is asked for or under way already is not asked for twice.

    :raises NothingToRefresh: no source is set
    """
    source = automatic(server)
    source.filter(_free(at)).update(requested_at=at, requested_by=by, allow_shrink=allow_shrink)
    found = source.defer("token").first()
    if found is None:
        raise NothingToRefresh
    return found


def run_requested(source_id: int, refresher: Refresher | None = None) -> None:
    """Do what is asked for. Ends quietly where it is not asked for any more, or another worker is at it."""
    wanted = SourceConfig.objects.filter(pk=source_id, requested_at__isnull=False)
    source = wanted.select_related("server__enterprise").defer("token").first()
    if source is None:
        return
    try:
        (refresher or Refresher()).refresh(source.server)
    except (SourceFailure, ClaimLost) as reason:
        logger.info("A refresh changed nothing.", extra={"source_id": source_id, "reason": type(reason).__name__})


def waiting(at: datetime) -> list[int]:
    """The sources that a worker should look at: asked for and held by nobody, watched files that changed among them."""
    candidates = SourceConfig.objects.filter(_free(at)).filter(
        Q(requested_at__isnull=False) | Q(kind=SeatSource.Kind.FILE)
    )
    sources = list(candidates.select_related("server__enterprise").defer("token").order_by("pk"))
    for source in sources:
        if source.requested_at is None and has_changed(source.server, source.path, seen=source.seen, at=at):
            SourceConfig.objects.filter(pk=source.pk, claim=source.claim).update(requested_at=at)
            source.requested_at = at
    return [source.pk for source in sources if source.requested_at is not None]


def _free(at: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=at)
