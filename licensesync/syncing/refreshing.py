"""Fetch the seats anew before they are frozen, where they have a source."""

from typing import Final

from licensesync.models import SeatSource, SyncJob
from licensesync.sources.failure import SourceFailure
from licensesync.sources.refreshing import Refresher, automatic
from licensesync.syncing.exchange import Worker

_ATTEMPTS: Final = 3
"""After so many attempts of a job its sync goes on with the seats that are held."""


def refresh_seats(worker: Worker, job: SyncJob) -> None:
    """Fetch the seats anew, once per job. What does not pass by itself, or not soon, keeps no sync from the seats held.

    :raises SourceFailure: it may be over in a while, or there are no seats to go on with
    """
    server = job.connection.server
    if job.refreshed_at is not None or not automatic(server).exists():
        return
    worker.advance(state=SyncJob.State.PREPARING, refresh_began_at=worker.clock())
    refresher = Refresher(clock=worker.clock, wait=worker.wait, keep=worker.advance)
    code = ""
    try:
        refresher.refresh(server, by=job.requested_by)
    except SourceFailure as failure:
        # Somebody waits for a usage file, and reads on its page of when its seats are.
        is_patient = job.kind != SyncJob.Kind.FILE
        is_worth_waiting = is_patient and failure.is_transient and job.attempts < _ATTEMPTS
        if is_worth_waiting or not SeatSource.objects.filter(server=server).exists():
            raise
        code = failure.code
    worker.advance(refreshed_at=worker.clock(), source_error=code)
    worker.note("went_on_with_old_seats" if code else "refreshed", **({"code": code} if code else {}))
