"""What else happened to the demo's first server over the weeks, so that its history has more than successes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from config.demo.line import Fault
from connect.models import Connection
from enterprises.models import User
from licensesync.models import SyncJob
from licensesync.services import cancel_sync, request_sync
from wire.messages import ErrorCode

BUSY_WEEK: Final = 2
TOO_LARGE_WEEK: Final = 4
CANCELLED_WEEK: Final = 6
PREVIEW_WEEK: Final = 7

FAULTS: Final[dict[int, Fault]] = {
    BUSY_WEEK: Fault(method="POST", status=HTTPStatus.SERVICE_UNAVAILABLE, code=ErrorCode.BUSY),
    TOO_LARGE_WEEK: Fault(method="PUT", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code=ErrorCode.PAYLOAD_TOO_LARGE),
}
"""By week: what the scheduled sync of that week meets, once."""

Run = Callable[[int, datetime], None]


@dataclass(frozen=True, kw_only=True)
class Incidents:
    """What people and time make of a week, after its scheduled sync. ``run`` does a job at a time."""

    connection: Connection
    by: User
    run: Run

    def happen(self, week: int, at: datetime) -> None:
        """Tell the week's part of the story."""
        if week == BUSY_WEEK:
            self._retry()
        elif week == TOO_LARGE_WEEK:
            self._request(at + timedelta(hours=16), SyncJob.Trigger.PERSON)
        elif week == CANCELLED_WEEK:
            self._cancel(at + timedelta(days=2))
        elif week == PREVIEW_WEEK:
            self._request(at + timedelta(days=3), SyncJob.Trigger.COMMAND, SyncJob.Kind.PREVIEW)

    def _retry(self) -> None:
        waiting = SyncJob.objects.active().filter(connection=self.connection, not_before__isnull=False)
        for job in waiting:
            if job.not_before is not None:
                self.run(job.pk, job.not_before)

    def _request(self, at: datetime, trigger: SyncJob.Trigger, kind: SyncJob.Kind = SyncJob.Kind.USAGE) -> None:
        by = self.by if trigger == SyncJob.Trigger.PERSON else None
        job = request_sync(connection=self.connection, by=by, at=at, trigger=trigger, kind=kind)
        self.run(job.pk, at + timedelta(seconds=1))

    def _cancel(self, at: datetime) -> None:
        job = request_sync(connection=self.connection, by=self.by, at=at)
        cancel_sync(job=job, by=self.by, at=at + timedelta(seconds=24))
