"""Refresh a server's seats from its source: claimed by one worker at a time, switched whole or not at all.

No transaction is open while GHES is asked or a file is read. What was read counts only if the claim still holds at the
switch, in the same transaction: a source that was changed meanwhile switches nothing.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from connect.models import Server
from enterprises.models import User
from licensesync.jobs import ClaimLost
from licensesync.licenses import keep_license
from licensesync.models import License, SeatSource, SourceConfig
from licensesync.seats.auditing import audit_import
from licensesync.seats.changes import SeatChange, ShrinkNotAllowed
from licensesync.seats.importing import import_file
from licensesync.seats.rows import SeatsInvalid
from licensesync.sources.failure import SourceFailure
from licensesync.sources.files import mark_of, read_file
from licensesync.sources.ghes import Ghes
from licensesync.sources.reading import Listed

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=5)
_RENEW_AFTER: Final = timedelta(seconds=30)


def automatic(server: Server) -> QuerySet[SourceConfig]:
    """The source that seats are fetched from, if they do not come by import alone."""
    return SourceConfig.objects.filter(server=server).exclude(kind=SeatSource.Kind.IMPORT)


@dataclass(frozen=True, kw_only=True)
class Refresher:
    """How a refresh waits and keeps time; ``keep`` is called every half minute, for whoever has a claim of its own."""

    clock: Callable[[], datetime] = timezone.now
    wait: Callable[[float], None] = time.sleep
    keep: Callable[[], None] = lambda: None

    def refresh(self, server: Server, *, by: User | None = None, allow_shrink: bool = False) -> SeatChange | None:
        """Make the seats what the source says; None where a watched file is the one that was read last.

        :raises SourceFailure: nothing was changed, and the reason is kept beside the source
        :raises ClaimLost: nothing was changed: the source is another one by now, or ``keep`` lost its own claim
        """
        config = self._claim(server)
        held = _Held(config=config, began_at=self.clock(), refresher=self)
        # Whoever comes first does what was asked for on the page, a sync too.
        allow_shrink = allow_shrink or config.allow_shrink
        try:
            change = held.refresh(server, by=by or config.requested_by, allow_shrink=allow_shrink)
            held.read_license(server)
        except SourceFailure as failure:
            held.end(error_code=failure.code, error=failure.detail)
            raise
        except ClaimLost:
            held.let_go()
            raise
        except Exception:
            held.end(error_code="source_internal", error="")
            raise
        held.end()
        return change

    def _claim(self, server: Server) -> SourceConfig:
        """Take the source, if nobody else is at it.

        :raises SourceFailure: somebody is, or seats of this server only come by import
        """
        at = self.clock()
        mine = automatic(server)
        free = Q(lease_until=None) | Q(lease_until__lt=at)
        # Together, so that the number is this worker's own.
        with transaction.atomic():
            if not mine.filter(free).update(claim=F("claim") + 1, lease_until=at + LEASE, attempted_at=at):
                raise SourceFailure("source_busy")
            # The token is opened where it is needed: one that cannot be opened is a failure like another.
            return mine.defer("token").get()


@dataclass(kw_only=True)
class _Held:
    """One claimed refresh."""

    config: SourceConfig
    began_at: datetime
    refresher: Refresher
    mark: str = ""
    license_error: str = ""

    def __post_init__(self) -> None:
        self._renewed_at = self.began_at

    def refresh(self, server: Server, *, by: User | None, allow_shrink: bool) -> SeatChange | None:
        def consume(listed: Listed) -> SeatChange:
            return self._import(server, listed, by=by, allow_shrink=allow_shrink)

        try:
            if self.config.kind == SeatSource.Kind.GHES:
                return self._ghes().read_report(consume)
            self.mark = mark_of(server, self.config.path)
            if self._is_read(server):
                return None
            return read_file(server, self.config.path, renew=self.renew, consume=consume)
        except SeatsInvalid as error:
            raise SourceFailure("source_invalid", detail=str(error)) from error
        except ShrinkNotAllowed as error:
            raise SourceFailure("source_shrink", detail=str(error)) from error

    def read_license(self, server: Server) -> None:
        """Write down what GHES says of its license. That it does not say is kept, and makes the seats no worse."""
        if self.config.kind != SeatSource.Kind.GHES:
            return
        self.renew()
        at = self.refresher.clock()
        try:
            said = self._ghes().read_license()
            keep_license(
                server=server,
                kind=said.kind,
                seats=said.seats,
                expires_on=said.expires_on,
                source=License.Source.GHES,
                at=at,
            )
        except SourceFailure as failure:
            self.license_error = failure.code
        except ValidationError:
            self.license_error = "source_not_ours"

    def _ghes(self) -> Ghes:
        refresher = self.refresher
        return Ghes(self.config, renew=self.renew, clock=refresher.clock, wait=refresher.wait)

    def _is_read(self, server: Server) -> bool:
        """Whether the seats that are held are those of the file as it is now."""
        held = SeatSource.objects.filter(server=server, kind=SeatSource.Kind.FILE).exists()
        return held and not self.config.error_code and self.config.seen == self.mark

    def _import(self, server: Server, listed: Listed, *, by: User | None, allow_shrink: bool) -> SeatChange:
        kind = SeatSource.Kind(self.config.kind)

        def after_switch(change: SeatChange) -> None:
            self._write(succeeded_at=self.refresher.clock())
            audit_import(server, change, by=by, at=self.began_at, kind=kind)

        return import_file(
            server=server,
            stream=listed.stream,
            file_format="csv" if kind == SeatSource.Kind.GHES else None,
            at=self.refresher.clock(),
            taken_at=listed.taken_at,
            is_partial=False,
            allow_shrink=allow_shrink,
            kind=kind,
            after_switch=after_switch,
        )

    def renew(self) -> None:
        """Keep the claim, half a minute after the last time.

        :raises ClaimLost: it is somebody else's
        """
        now = self.refresher.clock()
        if now - self._renewed_at >= _RENEW_AFTER:
            self._renewed_at = now
            self._write(lease_until=now + LEASE)
            self.refresher.keep()

    def end(self, *, error_code: str = "", error: str = "") -> None:
        """Let go of the claim and say how it ended; a claim that is lost already says nothing."""
        now = self.refresher.clock()
        seconds = max(0.0, (now - self.began_at).total_seconds())
        changes: dict[str, Any] = {"succeeded_at": now} if not error_code else {}
        self._mine().update(
            lease_until=None,
            requested_at=None,
            requested_by=None,
            allow_shrink=False,
            took_seconds=seconds,
            error_code=error_code,
            error=error,
            license_error=self.license_error,
            seen=self.mark,
            **changes,
        )
        if error_code:
            extra = {"server_id": self.config.server_id, "code": error_code}
            logger.warning("The seats of a server were not refreshed.", extra=extra)

    def let_go(self) -> None:
        """Give the claim back without a word, where it is still held."""
        self._mine().update(lease_until=None)

    def _write(self, **changes: Any) -> None:
        if not self._mine().update(**changes):
            raise ClaimLost

    def _mine(self) -> QuerySet[SourceConfig]:
        return SourceConfig.objects.filter(pk=self.config.pk, claim=self.config.claim)
