"""What control messages may hold beyond their shape: nothing that a column could not store or a count not mean."""

import re
from datetime import UTC, datetime
from typing import Final

from cloud.api.errors import Refused
from cloud.manifests import MAX_FEATURES, MAX_VERSION_LENGTH, is_canonical_uuid, is_hostname
from cloud.models import Installation
from enterprises.audit import looks_secret
from wire.messages import Base, ConnectionRecord, ErrorCode, OpenSync
from wire.parts import MAX_PART_LINES

MAX_ACCOUNTS: Final = 2**31 - 1
MAX_REVISION: Final = 2**53 - 1
MAX_UNANSWERED: Final = 1000
MAX_TEXT: Final = 10_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[1-9][0-9]{0,8}")
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def _require(is_fulfilled: bool, field: str) -> None:
    if not is_fulfilled:
        raise Refused(ErrorCode.INVALID_REQUEST, f"Validation Failed: {field} is missing or out of range.")


def _is_time(moment: datetime) -> bool:
    return moment.tzinfo is not None and _EARLIEST <= moment <= _LATEST


def check_opening(opening: OpenSync) -> None:
    """:raises Refused: a value that no snapshot can have"""
    _require(is_canonical_uuid(opening.sync_id), "sync_id")
    _require(is_hostname(opening.hostname), "hostname")
    _require(_is_time(opening.taken_at), "taken_at")
    _require(0 <= opening.accounts <= MAX_ACCOUNTS, "accounts")
    _require(-(-opening.accounts // MAX_PART_LINES) <= opening.parts <= opening.accounts, "parts")
    _require(bool(_SHA256.fullmatch(opening.sha256)), "sha256")
    _require(0 < len(opening.formats) <= MAX_FEATURES, "formats")
    _require(opening.base is None or _is_base(opening.base), "base")
    _require(
        len(opening.unanswered) <= MAX_UNANSWERED and all(map(is_canonical_uuid, opening.unanswered)), "unanswered"
    )


def _is_base(base: Base) -> bool:
    return 0 <= base.revision <= MAX_REVISION and is_canonical_uuid(base.snapshot_id)


def check_record(record: ConnectionRecord, installation: Installation) -> None:
    """:raises Refused: of another server, or with values that cannot be meant"""
    _require(record.server_id == str(installation.server_id), "server_id")
    _require(is_hostname(record.hostname), "hostname")
    _require(len(record.version) <= MAX_VERSION_LENGTH, "version")
    texts = (record.license_public_key, record.license_hash, record.customer_name)
    _require(all(len(text) <= MAX_TEXT for text in texts), "license")
    _require(len(record.features) <= MAX_FEATURES, "features")
    _require(all(feature.enabled_at is None or _is_time(feature.enabled_at) for feature in record.features), "features")
    counts = (record.dormancy_threshold_days, record.dormant_users, record.license_consuming_seats)
    _require(all(0 <= count <= MAX_ACCOUNTS for count in counts), "counts")


def check_hostname(hostname: str) -> None:
    """:raises Refused: no host name, or one that holds a secret"""
    _require(is_hostname(hostname) and not looks_secret(hostname), "hostname")


def check_sync_id(sync_id: str) -> None:
    """:raises Refused: unknown_sync, for no sync has such an id"""
    if not is_canonical_uuid(sync_id):
        raise Refused(ErrorCode.UNKNOWN_SYNC, "There is no such sync.")


def part_number(number: str) -> int:
    """The number of a part, from 1.

    :raises Refused: it is none
    """
    if not _PART.fullmatch(number):
        raise Refused(ErrorCode.PART_INVALID, "Parts are numbered from 1.")
    return int(number)
