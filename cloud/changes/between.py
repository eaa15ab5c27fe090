"""From one number to another: the reasons of all revisions between two points, and the people of each reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec
from django.db.models import Min, Q, Sum

from cloud.changes.words import reason_help, reason_words
from cloud.models import ConsumedLicense, Ledger, PersonChange, Reason, ReasonCount, Revision
from cloud.staging import fetch_rows
from enterprises.secrets import WrongEncryptionKey, decrypt, encrypt

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from cloud.changes.points import Point

# Whom a reason names is kept with the person: with which revision they came, or what changed of them since.
_ON_CHANGES: Final = frozenset(
    {Reason.SUBSCRIPTION_ENDED, Reason.SUBSCRIPTION_BEGAN, *(one for one in Reason if one.value.startswith("stayed_"))}
)

_STILL_LISTED: Final = """
SELECT person.reason, revision.hostname, sum(person.people)
FROM (
    SELECT since_revision AS number, since_reason AS reason, count(*) AS people FROM cloud_consumedlicense
    WHERE ledger_id = %s AND since_revision > %s AND since_revision <= %s GROUP BY since_revision, since_reason
    UNION ALL
    SELECT revision, reason, count(*) FROM cloud_personchange
    WHERE ledger_id = %s AND revision > %s AND revision <= %s GROUP BY revision, reason
) person
JOIN cloud_revision revision ON revision.ledger_id = %s AND revision.number = person.number
WHERE person.reason <> '' GROUP BY person.reason, revision.hostname
"""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A reason, and the server concerned or "": how many people, and how many of them are listed still."""

    reason: Reason
    hostname: str
    people: int
    listed: int

    @property
    def licenses(self) -> int:
        """What it does to the number."""
        return self.people * self.reason.effect

    @property
    def gone(self) -> int:
        """How many of the people are not listed any more, and so are not kept."""
        return max(self.people - self.listed, 0)

    @property
    def words(self) -> str:
        """The reason in a few words."""
        return reason_words(self.reason, self.hostname)

    @property
    def help(self) -> str:
        """What it means, where the words do not say it; else empty."""
        return reason_help(self.reason)


@dataclass(frozen=True, kw_only=True)
class Between:
    """Why the number changed between two points.

    ``end.licenses - start.licenses`` is the sum of ``lines``, plus ``unrecorded_added``, less ``unrecorded_removed``:
    what an older version wrote down without reasons. ``quiet`` are the reasons that change no number.
    ``recorded_since`` is the first change with reasons where any are missing, None where there is none.
    """

    start: Point
    end: Point
    lines: tuple[Line, ...]
    quiet: tuple[Line, ...]
    unrecorded_added: int
    unrecorded_removed: int
    recorded_since: datetime | None

    @property
    def difference(self) -> int:
        """How the number changed."""
        return self.end.licenses - self.start.licenses

    @property
    def is_recorded(self) -> bool:
        """Whether every license has its reason."""
        return not (self.unrecorded_added or self.unrecorded_removed)


def revisions_between(ledger: Ledger, start: Point, end: Point) -> QuerySet[Revision]:
    """The changes of the books after the one point, up to the other; newest first."""
    return ledger.revisions.filter(number__gt=start.number, number__lte=end.number).order_by("-number")


def between(ledger: Ledger, start: Point, end: Point) -> Between:
    """Add up the reasons between two points, in three queries or four; ``start`` is not after ``end``."""
    revisions = revisions_between(ledger, start, end).order_by()
    counts = ReasonCount.objects.filter(revision__in=revisions).values_list("reason", "revision__hostname")
    listed = _still_listed(ledger, start, end)
    lines = [
        Line(reason=Reason(reason), hostname=hostname, people=people, listed=listed.get((reason, hostname), 0))
        for reason, hostname, people in counts.annotate(Sum("people"))
    ]
    lines.sort(key=lambda line: (-line.reason.effect, -line.people, line.words))
    older = revisions.filter(has_reasons=False).aggregate(added=Sum("licenses_added"), removed=Sum("licenses_removed"))
    added, removed = older["added"] or 0, older["removed"] or 0
    # Where not even the revision was written down, only the difference is known.
    rest = end.licenses - start.licenses - sum(line.licenses for line in lines) - added + removed
    found = Between(
        start=start,
        end=end,
        lines=tuple(line for line in lines if line.licenses),
        quiet=tuple(line for line in lines if not line.licenses),
        unrecorded_added=added + max(rest, 0),
        unrecorded_removed=removed - min(rest, 0),
        recorded_since=None,
    )
    if found.is_recorded:
        return found
    first = ledger.revisions.filter(has_reasons=True).aggregate(at=Min("at"))
    return replace(found, recorded_since=first["at"])


@dataclass(frozen=True, kw_only=True)
class Concerned:
    """A person whom a reason concerned and who is listed still, and the revision with which it did."""

    license: ConsumedLicense
    number: int

    @property
    def cursor(self) -> str:
        """The place behind this person in the list of the reason; encrypted, for it tells the label."""
        return encrypt(msgspec.json.encode((self.license.label, self.license.person_key, self.number)).decode())


def people_between(
    ledger: Ledger, start: Point, end: Point, *, reason: Reason, hostname: str, limit: int, behind: str = ""
) -> list[Concerned]:
    """The people of a line who are listed still, by label, from behind a cursor on; at most ``limit``.

    What is no cursor counts as none. Somebody whom it concerned twice stands there twice, the latest change first.
    """
    numbers = revisions_between(ledger, start, end).filter(hostname=hostname).order_by().values("number")
    if reason in _ON_CHANGES:
        changed = PersonChange.objects.filter(ledger=ledger, reason=reason, revision__in=numbers)
        changed = changed.filter(_behind(behind, "license__", "revision"))
        changed = changed.order_by("license__label", "license__person_key", "-revision")
        keys = list(changed.values_list("license", "revision")[:limit])
    else:
        came = ledger.licenses.filter(since_reason=reason, since_revision__in=numbers)
        came = came.filter(_behind(behind, "", "since_revision"))
        found = came.order_by("label", "person_key").values_list("pk", "since_revision")[:limit]
        keys = [(pk, number or 0) for pk, number in found]
    read = ConsumedLicense.objects.select_related("member").in_bulk({pk for pk, _number in keys})
    return [Concerned(license=read[pk], number=number) for pk, number in keys if pk in read]


def _still_listed(ledger: Ledger, start: Point, end: Point) -> dict[tuple[str, str], int]:
    span = (ledger.pk, start.number, end.number)
    return {
        (reason, hostname): int(people)
        for reason, hostname, people in fetch_rows(_STILL_LISTED, *span, *span, ledger.pk)
    }


def _behind(cursor: str, person: str, number: str) -> Q:
    """What follows a cursor by label and key, then the latest change first; everything where it is none."""
    try:
        label, key, last = msgspec.json.decode(decrypt(cursor), type=tuple[str, str, int])
    except (WrongEncryptionKey, msgspec.MsgspecError):
        return Q()
    same_label, same_key = Q(**{f"{person}label": label}), Q(**{f"{person}person_key": key})
    further = Q(**{f"{person}person_key__gt": key}) | (same_key & Q(**{f"{number}__lt": last}))
    return Q(**{f"{person}label__gt": label}) | (same_label & further)
