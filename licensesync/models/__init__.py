"""A server's license and seats, and the jobs that sync them."""

from licensesync.models.jobs import Schedule, SyncJob, SyncJobEvent, SyncPart
from licensesync.models.seats import DormancyExclusion, License, Seat, SeatSource, SourceConfig

__all__ = [
    "DormancyExclusion",
    "License",
    "Schedule",
    "Seat",
    "SeatSource",
    "SourceConfig",
    "SyncJob",
    "SyncJobEvent",
    "SyncPart",
]
