"""Reads the audit log: filtered, page by page from its indexes, and line by line in the field names of GitHub's."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q

from enterprises import audit
from enterprises.models import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from enterprises.models import Enterprise, User

PAGE_SIZE: Final = 50
_EXPORTED_AT_ONCE: Final = 2_000
_CURSOR: Final = re.compile(r"\A(\d{1,17})-(\d{1,18})\Z", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which events: all conditions together. ``action`` without a dot means every action before it, such as
    ``license_sync``; ``until`` is the first moment that is not meant.
    """

    actor: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def said(self) -> dict[str, str]:
        """Those that are set, for the audit row of an export; a secret that somebody looked for is left out."""
        given = {"actor": self.actor, "action": self.action, "since": self.since, "until": self.until}
        texts = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()}
        return {name: text for name, text in texts.items() if text and not audit.looks_secret(text)}


def events(enterprise: Enterprise | None, filters: Filters) -> QuerySet[AuditEvent]:
    """Newest first; without an enterprise those that concern a person only."""
    found = AuditEvent.objects.filter(enterprise=enterprise)
    if filters.actor:
        found = found.filter(actor_name=filters.actor.lower())
    if filters.action:
        exactly = "." in filters.action
        found = found.filter(**{"action" if exactly else "action__startswith": filters.action + "." * (not exactly)})
    if filters.since:
        found = found.filter(at__gte=filters.since)
    if filters.until:
        found = found.filter(at__lt=filters.until)
    return found.order_by("-at", "-id")


def begin_export(
    enterprise: Enterprise | None, filters: Filters, *, by: User | None, at: datetime, ip: str = ""
) -> QuerySet[AuditEvent]:
    """Write that somebody exports these events, and return them without that one."""
    written = audit.record(
        enterprise=enterprise, action="business.audit_log_export", by=by, ip=ip, after=filters.said() or None, at=at
    )
    return events(enterprise, filters).filter(pk__lt=written.pk)


class Cursor(NamedTuple):
    """A place in the log, between two events: what is written later moves nothing."""

    at: datetime
    pk: int

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        return cls(event.at, event.pk)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None for what is no cursor."""
        match = _CURSOR.match(text)
        if match is None:
            return None
        try:
            return cls(_EPOCH + timedelta(microseconds=int(match[1])), int(match[2]))
        except OverflowError:
            return None

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.pk}"


@dataclass(frozen=True)
class Page:
    """Newest first; the cursors lead to the neighbours, and are empty at the ends."""

    events: list[AuditEvent]
    newer: str
    older: str


def page(found: QuerySet[AuditEvent], *, before: str = "", after: str = "") -> Page:
    """The events before a cursor, or the ones after it, or the newest; one query for one row more than is shown."""
    if cursor := Cursor.read(after):
        later = Q(at__gte=cursor.at) & (Q(at__gt=cursor.at) | Q(at=cursor.at, pk__gt=cursor.pk))
        rows = list(found.filter(later).order_by("at", "id")[: PAGE_SIZE + 1])
        shown = rows[:PAGE_SIZE][::-1]
        has_newer, has_older = len(rows) > PAGE_SIZE, True
    else:
        rows = list(older_than(found, before)[: PAGE_SIZE + 1])
        shown = rows[:PAGE_SIZE]
        has_newer, has_older = Cursor.read(before) is not None, len(rows) > PAGE_SIZE
    if not shown:
        return Page([], "", "")
    return Page(
        shown,
        newer=str(Cursor.of(shown[0])) if has_newer else "",
        older=str(Cursor.of(shown[-1])) if has_older else "",
    )


def older_than(found: QuerySet[AuditEvent], cursor: str) -> QuerySet[AuditEvent]:
    """All of them where it is no cursor."""
    edge = Cursor.read(cursor)
    if edge is None:
        return found
    # The first condition follows from the second; it is the one that an index knows.
    return found.filter(Q(at__lte=edge.at) & (Q(at__lt=edge.at) | Q(at=edge.at, pk__lt=edge.pk)))


def ndjson(found: QuerySet[AuditEvent], enterprise: Enterprise | None) -> Iterator[str]:
    """One line for each event, newest first, a few thousand in memory at a time."""
    for event in found.iterator(chunk_size=_EXPORTED_AT_ONCE):
        yield json.dumps(exported(event, enterprise), cls=DjangoJSONEncoder, ensure_ascii=False) + "\n"


def exported(event: AuditEvent, enterprise: Enterprise | None) -> dict[str, Any]:
    """An event under the names that GitHub's export uses, times in milliseconds of UTC; what is unknown is left out.

    ``target``, ``before`` and ``after`` are ours.
    """
    moment = (event.at - _EPOCH) // timedelta(milliseconds=1)
    line = {
        "@timestamp": moment,
        "_document_id": _document_id(event),
        "action": event.action,
        "actor": event.actor_name,
        "actor_id": event.actor_id,
        "actor_ip": event.ip,
        "business": enterprise.slug if enterprise else "",
        "business_id": event.enterprise_id,
        "created_at": moment,
        "target": event.target,
        "before": event.before,
        "after": event.after,
    }
    return {name: value for name, value in line.items() if value not in (None, "")}


def _document_id(event: AuditEvent) -> str:
    """The same in every export, so that whoever collects them tells an event that comes twice."""
    named = f"{event.pk} {event.at.isoformat()} {event.action} {event.actor_name}"
    return urlsafe_b64encode(hashlib.sha256(named.encode()).digest()[:16]).decode().rstrip("=")
