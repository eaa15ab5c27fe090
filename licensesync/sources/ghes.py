"""A real GHES as a source: its site-admin report of all accounts, and its license.

Source: GitHub's documentation, "Site admin dashboard" (reports, the 202 answers) and the REST API "Licensing"
(docs/domain.md). The report is a CSV file that GHES makes when it is first asked for.
"""

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec
from django.utils import timezone

from enterprises.outbound import AddressNotAllowed, Answer, Body, Outbound, OutboundError, OutboundKind, origin_of
from enterprises.uploads import MAX_BYTES
from licensesync.models import SourceConfig
from licensesync.seats.importing import EARLIEST
from licensesync.sources.failure import SourceFailure
from licensesync.sources.reading import Consume, Listed, ResultT, WholeLines

REPORT: Final = "/stafftools/reports/all_users.csv"
LICENSE: Final = "/api/v3/enterprise/settings/license"
PATIENCE_SECONDS: Final = 120.0
"""For one report; a longer one is asked for again by the next attempt, and GHES goes on making it meanwhile."""

_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 20.0
_LONGEST_RETRY_AFTER: Final = timedelta(hours=1).total_seconds()
_READ_SECONDS: Final = 30.0
_REPORT_SECONDS: Final = 900.0
_MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_SEATS: Final = 2**31 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,6}")

_CODES: Final = {
    OutboundKind.DNS: "source_dns",
    OutboundKind.REFUSED: "source_refused",
    OutboundKind.TLS: "source_tls",
    OutboundKind.PROXY: "source_proxy",
    OutboundKind.PROXY_AUTH: "source_proxy",
    OutboundKind.TIMEOUT: "source_timeout",
    OutboundKind.TOO_LARGE: "source_too_large",
    OutboundKind.OTHER: "source_unfinished",
}
_STATUSES: Final = {
    HTTPStatus.UNAUTHORIZED: "source_auth",
    HTTPStatus.FORBIDDEN: "source_not_allowed",
    # GHES hides what somebody may not see.
    HTTPStatus.NOT_FOUND: "source_not_allowed",
    HTTPStatus.TOO_MANY_REQUESTS: "source_rate_limited",
}


@dataclass(frozen=True, kw_only=True)
class GhesLicense:
    """What GHES says of its license; ``seats`` None is unlimited, ``expires_on`` None never ends."""

    kind: str
    seats: int | None
    expires_on: date | None


class _Answered(msgspec.Struct, frozen=True):
    """The fields of GHES's answer that are kept."""

    kind: str
    seats: int | str
    expire_at: str | None = None


class Ghes:
    """The line to one GHES, with the credentials of a site administrator; they go to its own address alone."""

    def __init__(
        self,
        config: SourceConfig,
        *,
        renew: Callable[[], None],
        clock: Callable[[], datetime] = timezone.now,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = config.base_url
        self._headers = {"Authorization": _authorization(config.user_name, config.token)}
        self._may_be_local = config.may_be_local
        self._renew = renew
        self._clock = clock
        self._wait = wait

    def read_report(self, consume: Consume[ResultT]) -> ResultT:
        """Wait until GHES has made its report, and hand it to ``consume`` while it comes in.

        :raises SourceFailure: there is no report, or it did not arrive as a whole
        """
        try:
            with self._line(MAX_BYTES, _REPORT_SECONDS) as http:
                return self._report(http, consume)
        except OutboundError as error:
            raise _failure(error) from error

    def _report(self, http: Outbound, consume: Consume[ResultT]) -> ResultT:
        url = f"{self._base}{REPORT}"
        waited, pause, redirects = 0.0, _FIRST_PAUSE, 0
        while True:
            self._renew()
            with http.streaming(url, self._headers) as (answer, body):
                if answer.status_code == HTTPStatus.OK:
                    return consume(self._listed(answer, body))
                if answer.status_code in _REDIRECTS and redirects < _MAX_REDIRECTS:
                    url, redirects = _redirected(url, answer), redirects + 1
                    continue
                if answer.status_code != HTTPStatus.ACCEPTED:
                    raise failure_of(answer)
                seconds = _retry_after(answer) or pause
            waited, pause = waited + seconds, min(2 * pause, _LONGEST_PAUSE)
            if waited > PATIENCE_SECONDS:
                raise SourceFailure("source_not_ready", retry_after=seconds)
            self._wait(seconds)

    def _listed(self, answer: Answer, body: Body) -> Listed:
        if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise SourceFailure("source_not_ours")
        taken_at = _made_at(answer, self._clock())
        return Listed(stream=WholeLines(body, renew=self._renew), taken_at=taken_at)

    def read_license(self) -> GhesLicense:
        """Ask for the license.

        :raises SourceFailure: GHES does not say
        """
        try:
            with self._line(64 * 1024, _READ_SECONDS) as http:
                answer = http.get(f"{self._base}{LICENSE}", headers=self._headers)
        except OutboundError as error:
            raise _failure(error) from error
        if answer.status_code != HTTPStatus.OK:
            raise failure_of(answer)
        return _license_of(answer.content)

    def _line(self, max_bytes: int, deadline: float) -> Outbound:
        return Outbound(
            origin=self._base,
            read_timeout=_READ_SECONDS,
            deadline=deadline,
            max_bytes=max_bytes,
            allow_loopback=self._may_be_local,
        )


def _authorization(user_name: str, token: str) -> str:
    if not user_name:
        return f"Bearer {token}"
    return f"Basic {base64.b64encode(f'{user_name}:{token}'.encode()).decode()}"


def _redirected(url: str, answer: Answer) -> str:
    """Where GHES itself leads on to; a page to sign in means that it does not know us.

    :raises SourceFailure: it leads to a sign-in page, or to somebody else, who gets no credentials
    """
    try:
        target = urljoin(url, answer.headers.get("Location", ""))
        is_same = origin_of(target) == origin_of(url)
    except ValueError as error:
        raise SourceFailure("source_not_ours") from error
    if not is_same:
        raise SourceFailure("source_not_ours")
    if urlsplit(target).path.rstrip("/") in {"/login", "/session", "/sessions"}:
        raise SourceFailure("source_auth")
    return target


def failure_of(answer: Answer) -> SourceFailure:
    """What an answer without a list means."""
    status = answer.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SourceFailure("source_server_error", retry_after=_retry_after(answer))
    known = {int(each): code for each, code in _STATUSES.items()}
    return SourceFailure(known.get(status, "source_not_ours"), retry_after=_retry_after(answer))


def _failure(error: OutboundError) -> SourceFailure:
    if isinstance(error, AddressNotAllowed):
        return SourceFailure("source_address")
    return SourceFailure(_CODES[error.kind], detail=error.reason)


def _retry_after(answer: Answer) -> float:
    """Seconds that GHES asks us to wait, an hour at most; 0 where it does not say."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_RETRY_AFTER) if _DIGITS.fullmatch(text) else 0.0


def _made_at(answer: Answer, now: datetime) -> datetime:
    """When the list was made, as far as GHES says; its clock cannot make a list younger than now."""
    for name in ("Last-Modified", "Date"):
        try:
            moment = parsedate_to_datetime(answer.headers.get(name, ""))
        except (ValueError, OverflowError):
            # Absent, or no date: the next one may be.
            continue
        # A date without a zone is one of UTC.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment >= EARLIEST:
            return min(moment, now)
    return now


def _license_of(content: bytes) -> GhesLicense:
    try:
        said = msgspec.json.decode(content, type=_Answered)
        expires_on = _expiry(said.expire_at)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise SourceFailure("source_not_ours") from error
    is_number = isinstance(said.seats, int) and 0 <= said.seats <= _MOST_SEATS
    if (not is_number and said.seats != "unlimited") or not said.kind.isprintable():
        raise SourceFailure("source_not_ours")
    seats = said.seats if isinstance(said.seats, int) else None
    return GhesLicense(kind=said.kind, seats=seats, expires_on=expires_on)


def _expiry(text: str | None) -> date | None:
    """The last day, as GHES writes it: 2027/11/30 23:59:59 -0600."""
    return date.fromisoformat(text[:10].replace("/", "-")) if text else None
