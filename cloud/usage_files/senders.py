"""Whose file it is: a sound header, the server that it names, and whether its history goes on from what is held."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Final

from django.db.models import QuerySet

from cloud.history import next_revision
from cloud.intake import MAX_ACCOUNTS
from cloud.manifests import MAX_FEATURES, MAX_FUTURE, MAX_VERSION_LENGTH, is_canonical_uuid, is_hostname
from cloud.models import Installation, Intake, Ledger
from cloud.refusals import IntakeRefused, UploadCode
from cloud.usage_files.refused import UploadRefused
from enterprises import audit
from wire.messages import ErrorCode, OpenSync
from wire.parts import MAX_PART_LINES
from wire.usage import UsageHeader

MAX_UNANSWERED: Final = 500
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Some times of the first years are none in UTC."""
_MAX_TEXT: Final = 10_000
_MAX_NAME: Final = 100
_HEX = re.compile(r"[0-9a-f]{64}")
_PLAIN = re.compile(r"[\x20-\x7e]*")
# PostgreSQL stores no NUL, and a key may be written in lines.
_TEXT = re.compile(r"[\x20-\x7e\n]*")


def check_header(header: UsageHeader, at: datetime) -> None:
    """Look at what no server would write, whoever signed it.

    :raises UploadRefused: a name, an id or a number that can be none, too many accounts, or a time to come
    """
    base = header.base
    ids = [header.server_id, header.snapshot_id, *header.unanswered, *([base.snapshot_id] if base else [])]
    is_sound = (
        len(header.unanswered) <= MAX_UNANSWERED
        and all(map(is_canonical_uuid, ids))
        and header.accounts >= 0
        and (base is None or 0 < base.revision < 2**53)
        and _HEX.fullmatch(header.sha256)
        and (header.accounts > 0 or header.sha256 == hashlib.sha256().hexdigest())
        and _is_sound_server(header)
        and min(_times(header)) >= _EARLIEST
    )
    if not is_sound:
        raise UploadRefused(UploadCode.OTHER_SHAPE)
    if header.accounts > MAX_ACCOUNTS:
        raise UploadRefused(ErrorCode.PAYLOAD_TOO_LARGE)
    if max(header.generated_at, header.taken_at) > at + MAX_FUTURE:
        raise UploadRefused(ErrorCode.CLOCK_SKEW)


def _is_sound_server(header: UsageHeader) -> bool:
    return bool(
        is_hostname(header.host_name)
        and not audit.looks_secret(header.host_name)
        and len(header.version) <= MAX_VERSION_LENGTH
        and _PLAIN.fullmatch(header.version)
        and not audit.looks_secret(header.version)
        and (not header.license or _HEX.fullmatch(header.license))
        and len(header.public_key) <= _MAX_TEXT
        and _TEXT.fullmatch(header.public_key)
        and len(header.features) <= MAX_FEATURES
        and all(len(one.name) <= _MAX_NAME and _PLAIN.fullmatch(one.name) for one in header.features)
    )


def _times(header: UsageHeader) -> list[datetime]:
    since = [feature.enabled_at for feature in header.features if feature.enabled_at is not None]
    return [header.generated_at, header.taken_at, *since]


def sender(ledger: Ledger, header: UsageHeader) -> Installation | None:
    """Return the server of a file, None for one that is to be registered first.

    A row of the same id elsewhere says nothing unless it has the same key: anybody may claim an id.

    :raises UploadRefused: it has another key here, or reports to another account
    """
    found = ledger.installations.filter(server_id=header.server_id).first()
    if found is not None and found.server_key != header.server_key:
        raise UploadRefused(UploadCode.UNKNOWN_KEY)
    if found is not None and found.state in Installation.LIVE:
        return found
    elsewhere = Installation.objects.filter(server_id=header.server_id, server_key=header.server_key)
    if elsewhere.filter(state__in=Installation.LIVE).exclude(ledger=ledger).exists():
        raise UploadRefused(UploadCode.OTHER_ACCOUNT)
    return found


def check_name_is_free(ledger: Ledger, header: UsageHeader) -> None:
    """:raises UploadRefused: another live server of the account has the name"""
    if namesakes(ledger, header).exists():
        raise UploadRefused(ErrorCode.CONNECTION_EXISTS)


def namesakes(ledger: Ledger, header: UsageHeader) -> QuerySet[Installation]:
    """Other servers of the name that report."""
    live = ledger.installations.filter(state__in=Installation.LIVE)
    return live.filter(hostname=header.host_name).exclude(server_id=header.server_id)


def opening_of(header: UsageHeader, *, hostname: str, kind: Intake.Kind, allow_shrink: bool) -> OpenSync:
    """Return the opening that the server would have sent over the wire."""
    return OpenSync(
        sync_id=header.snapshot_id,
        hostname=hostname,
        taken_at=header.taken_at,
        accounts=header.accounts,
        parts=-(-header.accounts // MAX_PART_LINES),
        sha256=header.sha256,
        kind="preview" if kind == Intake.Kind.PREVIEW else "usage",
        base=header.base,
        unanswered=header.unanswered,
        allow_shrink=allow_shrink,
    )


def check_history(installation: Installation, header: UsageHeader, *, allow_rename: bool) -> None:
    """Ask the rule of the wire, and say in the words of a file why it says no.

    :raises UploadRefused: applied or held already, older, another history, or renamed without a word
    """
    if installation.hostname != header.host_name and not allow_rename:
        raise UploadRefused(ErrorCode.HOSTNAME_CHANGED)
    applied = installation.intakes.filter(snapshot_id=header.snapshot_id, kind=Intake.Kind.USAGE)
    if done := applied.filter(state=Intake.State.APPLIED).first():
        raise UploadRefused(UploadCode.ALREADY_APPLIED, intake=done)
    kind = Intake.Kind.USAGE
    opening = opening_of(header, hostname=installation.hostname, kind=kind, allow_shrink=False)
    try:
        next_revision(installation, opening)
    except IntakeRefused as refusal:
        if (installation.sha256, installation.accounts) == (header.sha256, header.accounts):
            raise UploadRefused(UploadCode.ALREADY_HELD) from refusal
        if installation.taken_at is not None and header.taken_at <= installation.taken_at:
            raise UploadRefused(UploadCode.OLDER_THAN_HELD) from refusal
        raise UploadRefused(ErrorCode.REVISION_CONFLICT) from refusal
