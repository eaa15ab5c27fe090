"""Read what came back over HTTP, trusting nothing: a message of ours, or the failure that it stands for."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from connect.failures import (
    ClockSkew,
    CloudFailure,
    CloudRejected,
    CloudUnavailable,
    InstallationGone,
    NotAuthorized,
    RevisionConflict,
    Unavailable,
)
from enterprises.audit import looks_secret
from enterprises.outbound import Answer
from wire import signing
from wire.messages import (
    ErrorCode,
    Held,
    Installation,
    MessageInvalid,
    MessageT,
    Problem,
    StandingConnection,
    read_message,
)

MAX_RETRY_AFTER: Final = timedelta(hours=1)
MAX_NAME_LENGTH: Final = 200
MAX_RECEIPT_KEYS: Final = 100
MAX_HOSTNAME_LENGTH: Final = 253
MAX_URL_LENGTH: Final = 2000
LARGEST_NUMBER: Final = 2**63 - 1
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)

_JSON = re.compile(r"\Aapplication/(?:json|[\w.+-]+\+json)\s*(?:;|\Z)", re.IGNORECASE)
SLUG = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)


def not_ours() -> CloudUnavailable:
    """Return the failure for whatever cannot have come from the cloud."""
    return CloudUnavailable(Unavailable.NOT_OURS)


def read_answer(response: Answer, kind: type[MessageT]) -> MessageT:
    """Return the message in a successful answer.

    :raises CloudFailure: the answer is an error, or is not the cloud's
    """
    if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        raise failure_of(response)
    if not _is_json(response):
        raise not_ours()
    try:
        return read_message(response.content, kind)
    except MessageInvalid as error:
        raise not_ours() from error


def checked_installation(installation: Installation) -> Installation:
    """Return an installation that can be kept, and whose receipts can be verified.

    :raises CloudUnavailable: it is not one of the cloud's
    """
    account, base, keys = installation.account, installation.held, installation.receipt_keys
    try:
        for key in keys:
            signing.read_public_key(key.x)
        if base is not None:
            uuid.UUID(base.snapshot_id)
    except ValueError as error:
        raise not_ours() from error
    can_be_kept = (
        all(0 < number <= LARGEST_NUMBER for number in (installation.app_id, installation.installation_id))
        and (base is None or 0 <= base.revision <= LARGEST_NUMBER)
        and 0 < len(keys) <= MAX_RECEIPT_KEYS
        and all(KEY_ID.fullmatch(key.kid) for key in keys)
        and SLUG.fullmatch(account.slug)
        and not looks_secret(account.slug)
        and len(account.name) <= MAX_NAME_LENGTH
        and account.name.isprintable()
    )
    if not can_be_kept:
        raise not_ours()
    return installation


def failure_of(response: Answer) -> CloudFailure:
    """Return what an unsuccessful answer means.

    What counts is the code in the body: a network's sign-in page or an API gateway also says 401 or 404, and must never
    pass for the cloud's word that the connection is gone. Only "later" and "too large" are believed from anybody.
    """
    status = response.status_code
    problem = problem_of(response)
    code = problem.code if problem else ""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return CloudUnavailable(Unavailable.RATE_LIMITED, retry_after(response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = Unavailable.BUSY if code == ErrorCode.BUSY else Unavailable.SERVER_ERROR
        return CloudUnavailable(kind, retry_after(response))
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return CloudUnavailable(Unavailable.PROXY)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return CloudRejected(ErrorCode.PAYLOAD_TOO_LARGE)
    if problem is None or status < HTTPStatus.BAD_REQUEST:
        return not_ours()
    return _refusal(problem)


def _refusal(problem: Problem) -> CloudFailure:
    match problem.code:
        case ErrorCode.CLOCK_SKEW:
            return ClockSkew()
        case ErrorCode.INSTALLATION_GONE:
            return InstallationGone()
        case ErrorCode.BAD_CREDENTIALS:
            return NotAuthorized()
        case ErrorCode.REVISION_CONFLICT | ErrorCode.HOSTNAME_CHANGED:
            return RevisionConflict(problem.code, problem.message, held=held_in(problem))
        case "":
            return not_ours()
    return CloudRejected(problem.code, problem.message, held=held_in(problem), existing=_existing_in(problem))


def held_in(problem: Problem) -> Held | None:
    """Return what the cloud says that it holds, None where it says nothing or nothing that can be kept."""
    held = problem.held
    if not isinstance(held, Held):
        return None
    is_sound = (
        is_name(held.hostname)
        and (not held.snapshot_id or _is_uuid(held.snapshot_id))
        and 0 <= held.revision <= LARGEST_NUMBER
        and 0 <= held.accounts <= LARGEST_NUMBER
        and is_moment(held.taken_at)
        and is_moment(held.synced_at)
    )
    return held if is_sound else None


def _existing_in(problem: Problem) -> StandingConnection | None:
    existing = problem.existing
    if not isinstance(existing, StandingConnection):
        return None
    texts = (existing.hostname, existing.account, existing.connected_by)
    is_sound = (
        all(not text or is_name(text) for text in texts)
        and _is_uuid(existing.server_id)
        and 0 <= existing.accounts <= LARGEST_NUMBER
        and is_link(existing.url)
        and is_moment(existing.since)
        and is_moment(existing.synced_at)
    )
    return existing if is_sound else None


def is_moment(at: datetime | None) -> bool:
    """Whether a time can be shown in every zone; where there is none, nothing is shown."""
    return at is None or EARLIEST <= at < LATEST


def is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_HOSTNAME_LENGTH and text.isprintable() and not looks_secret(text)


def is_link(url: str) -> bool:
    try:
        return len(url) <= MAX_URL_LENGTH and urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return False


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def problem_of(response: Answer) -> Problem | None:
    """Return the error message in an answer, None where there is none of our shape."""
    if not _is_json(response):
        return None
    try:
        return read_message(response.content, Problem)
    except MessageInvalid:
        return None


def retry_after(response: Answer) -> float | None:
    """Return the seconds that the cloud asks to wait, at most an hour; None where it does not say."""
    stated = response.headers.get("Retry-After", "").strip()
    if stated.isascii() and stated.isdigit():
        seconds = float(stated[:9])
    else:
        until, now = _http_date(stated), date_of(response)
        if until is None or now is None:
            return None
        seconds = (until - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER.total_seconds())


def date_of(response: Answer) -> datetime | None:
    """Return what time it is on the other side, None where it does not say."""
    return _http_date(response.headers.get("Date", ""))


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_json(response: Answer) -> bool:
    return bool(_JSON.match(response.headers.get("Content-Type", "")))
