"""What each change of the books did to people and licenses, and why: found while counting, kept, read again.

``differences`` and ``reasons`` work under the ledger's lock. ``concerned`` reads what a revision did, ``of_person``
what happened to a person.
"""

from cloud.changes.concerned import KINDS, ChangeCounts, change_counts, people_of_change
from cloud.changes.differences import NOBODY, SAMPLES, PeopleDifference, SnapshotChange
from cloud.changes.of_person import PersonEvent, events_of
from cloud.changes.words import cause_words, reason_help, reason_words

__all__ = [
    "KINDS", "NOBODY", "SAMPLES", "ChangeCounts", "PeopleDifference", "PersonEvent", "SnapshotChange", "cause_words",
    "change_counts", "events_of", "people_of_change", "reason_help", "reason_words",
]  # fmt: skip
