"""What each change of the books did to people and licenses, and why: found while counting, kept, read again.

``differences`` and ``reasons`` work under the ledger's lock. ``concerned`` reads what a revision did, ``of_person``
what happened to a person, ``between`` why the number changed from one of the ``points`` of the history to another.
"""

from cloud.changes.between import Between, Concerned, Line, between, people_between, revisions_between
from cloud.changes.concerned import KINDS, ChangeCounts, change_counts, people_of_change
from cloud.changes.differences import NOBODY, SAMPLES, PeopleDifference, SnapshotChange
from cloud.changes.of_person import PersonEvent, events_of
from cloud.changes.points import Point, PointUnknown, point_at, point_now, read_point
from cloud.changes.words import cause_words, reason_help, reason_words

__all__ = [
    "KINDS", "NOBODY", "SAMPLES", "Between", "ChangeCounts", "Concerned", "Line", "PeopleDifference", "PersonEvent",
    "Point", "PointUnknown", "SnapshotChange", "between", "cause_words", "change_counts", "events_of",
    "people_between", "people_of_change", "point_at", "point_now", "read_point", "reason_help", "reason_words",
    "revisions_between",
]  # fmt: skip
