"""Snapshots that are still coming in: how long one may take, and how one ends before it is whole.

Its bytes go with it. docs/wire.md, "A sync".
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from cloud.models import Intake, IntakePart

LIFETIME: Final = {Intake.Kind.USAGE: timedelta(days=7), Intake.Kind.PREVIEW: timedelta(hours=1)}
SILENCE: Final = timedelta(days=1)
"""A server that comes back later than this sends everything again, which does no harm."""


def expires_at(kind: str, opened_at: datetime, heard_at: datetime) -> datetime:
    """Return when a snapshot ends unless it is heard of again: a day later, and within its lifetime."""
    return min(opened_at + LIFETIME[Intake.Kind(kind)], heard_at + SILENCE)


def end(intakes: QuerySet[Intake], at: datetime) -> bool:
    """End those that are still coming in, inside of the caller's transaction; say whether there were any."""
    receiving = intakes.filter(state=Intake.State.RECEIVING)
    # Held before anything is deleted: a part that is coming in at this moment is either seen or refused.
    held = list(receiving.select_for_update(no_key=True).values_list("pk", flat=True))
    IntakePart.objects.filter(intake__in=held).delete()
    return bool(Intake.objects.filter(pk__in=held).update(state=Intake.State.EXPIRED, finished_at=at))
