"""What each change of the books did to people and licenses: found while counting, kept with the revision, read again.

``differences`` works under the ledger's lock, ``concerned`` reads what was kept.
"""

from cloud.changes.concerned import KINDS, ChangeCounts, change_counts, people_of_change
from cloud.changes.differences import NOBODY, SAMPLES, PeopleDifference, SnapshotChange

__all__ = [
    "KINDS", "NOBODY", "SAMPLES", "ChangeCounts", "PeopleDifference", "SnapshotChange", "change_counts",
    "people_of_change",
]  # fmt: skip
