"""The control messages between a server and a cloud account, declared once for both ends.

Unknown fields are ignored, so that either end may be newer. Times are RFC 3339 in UTC. Keys travel
as text: Ed25519 public keys as 43 characters of base64url, RSA public keys as PEM.
"""

import enum
from datetime import datetime
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: one without could not be compared with ours."""

MessageT = TypeVar("MessageT", bound=msgspec.Struct)

FORMAT = 1
"""The newest format of lines and messages that this code speaks."""

FORMATS = (1,)


class ErrorCode(enum.StrEnum):
    """Why a request was refused; the table in docs/wire.md says what to do about each."""

    BAD_CREDENTIALS = "bad_credentials"
    CLOCK_SKEW = "clock_skew"
    INSTALLATION_GONE = "installation_gone"
    REVISION_CONFLICT = "revision_conflict"
    HOSTNAME_CHANGED = "hostname_changed"
    SUPERSEDED = "superseded"
    SHRINK_UNCONFIRMED = "shrink_unconfirmed"
    DIGEST_MISMATCH = "digest_mismatch"
    PART_DIGEST = "part_digest"
    PART_INVALID = "part_invalid"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    SYNC_ID_REUSED = "sync_id_reused"
    UNKNOWN_SYNC = "unknown_sync"
    UNSUPPORTED_FORMAT = "unsupported_format"
    INVALID_REQUEST = "invalid_request"
    CONNECTION_EXISTS = "connection_exists"
    CODE_INVALID = "code_invalid"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"


class MessageInvalid(ValueError):
    """Received bytes are not the message that they should be; quotes nothing of them."""


def read_message(body: bytes, kind: type[MessageT]) -> MessageT:
    """Return the control message in ``body``.

    :raises MessageInvalid: no JSON, another shape, or nested without end.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MessageInvalid(f"not a {kind.__name__}") from error


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What the cloud holds of a server, for a person who decides how to go on; ``snapshot_id`` is empty before the
    first sync. About the server itself, nothing about people.
    """

    hostname: str
    revision: int
    accounts: int
    snapshot_id: str = ""
    taken_at: Instant | None = None
    synced_at: Instant | None = None


class StandingConnection(msgspec.Struct, frozen=True, kw_only=True):
    """The connection on the cloud that keeps a server out, and the page on which an owner removes it."""

    hostname: str
    server_id: str
    account: str
    url: str
    accounts: int
    since: Instant
    connected_by: str = ""
    synced_at: Instant | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error answer, in GitHub's shape plus our code; ``held`` and ``existing`` come where a person must decide."""

    message: str
    code: str = ""
    documentation_url: str = ""
    status: str = ""
    held: Held | msgspec.UnsetType | None = msgspec.UNSET
    existing: StandingConnection | msgspec.UnsetType | None = msgspec.UNSET


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A feature of the connection and since when it is on (None: off)."""

    name: str
    enabled_at: Instant | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of itself when it asks to be connected; signed by its identity key."""

    server_id: str
    hostname: str
    version: str
    http_only: bool
    callback: str
    audience: str
    app_key: str
    server_key: str
    issued_at: Instant
    formats: tuple[int, ...] = FORMATS
    features: tuple[Feature, ...] = ()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A cloud account: an enterprise or an organization."""

    slug: str
    name: str
    kind: Literal["enterprise", "organization"]


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a server's history on the cloud: the revision and the snapshot it left."""

    revision: int
    snapshot_id: str


class ReceiptKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key with which the cloud signs receipts."""

    kid: str
    x: str


class EndorsedKey(ReceiptKey, frozen=True, kw_only=True):
    """A receipt key with the word of the one before it: a compact JWS of that key over kid and x."""

    endorsement: str


class AcceptedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt key that a server pinned, and under which its receipts may come from now on."""

    kid: str


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a conversion: the App on the cloud, and what it holds of this server."""

    app_id: int
    installation_id: int
    account: Account
    receipt_keys: tuple[ReceiptKey, ...]
    held: Base | None = None


class AccessToken(msgspec.Struct, frozen=True, kw_only=True):
    """An installation token, valid for one hour."""

    token: str
    expires_at: Instant
    permissions: dict[str, str] = {}


class NextAppKey(msgspec.Struct, frozen=True, kw_only=True):
    """The public key that shall follow an App's, and a JWT of its private key: whoever asks holds both."""

    app_key: str
    proof: str


class NewHostname(msgspec.Struct, frozen=True, kw_only=True):
    """A server was renamed: the name under which the cloud knows it, and its name now."""

    former: str
    hostname: str


class ConnectionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The weekly connection record: about the server and its license, never about people."""

    server_id: str
    hostname: str
    http_only: bool
    version: str
    license_public_key: str
    license_hash: str
    customer_name: str
    features: tuple[Feature, ...]
    dormancy_threshold_days: int
    dormant_users: int
    license_consuming_seats: int


class OpenSync(msgspec.Struct, frozen=True, kw_only=True):
    """The opening of a sync or a preview: everything about the snapshot but its lines."""

    sync_id: str
    hostname: str
    taken_at: Instant
    accounts: int
    parts: int
    sha256: str
    kind: Literal["usage", "preview"] = "usage"
    formats: tuple[int, ...] = FORMATS
    base: Base | None = None
    unanswered: tuple[str, ...] = ()
    allow_shrink: bool = False


class AccountSample(msgspec.Struct, frozen=True, kw_only=True):
    """One of the server's own accounts behind a difference: id and primary address as this server sent them.

    ``change`` is added, removed, matched or unmatched, ``match`` the rule that gave the account its person (linked,
    identity, verified, address, none). Either may have values that an older end does not know.
    """

    user_id: int
    primary: str = ""
    change: str
    match: str = ""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot changes: accounts of this server, and people and licenses of the cloud account.

    ``people_matched`` were there already and have more server accounts now, ``people_unmatched`` are still there and
    have fewer. None: the cloud is older and does not say.
    """

    accounts: int
    added: int
    changed: int
    removed: int
    licenses_before: int
    licenses_after: int
    revision: int
    people_added: int | None = None
    people_removed: int | None = None
    people_matched: int | None = None
    people_unmatched: int | None = None
    licenses_added: int | None = None
    licenses_removed: int | None = None
    samples: tuple[AccountSample, ...] = ()


class SyncStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sync stands on the cloud.

    ``missing`` names the parts (1-based) still to be sent; ``receipt`` is a compact JWS once it is
    applied; ``preview`` is the difference that it made, or that a preview would make, as of ``revision``.
    ``receipt_keys`` come with a receipt, the oldest first: all but the first key, each with the word of
    the one before it.
    """

    sync_id: str
    state: Literal["receiving", "applying", "applied", "refused", "expired"]
    format: int = FORMAT
    missing: tuple[int, ...] = ()
    receipt: str = ""
    receipt_keys: tuple[EndorsedKey, ...] = ()
    preview: Difference | None = None
    problem: Problem | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of the cloud's signed receipt for an applied snapshot."""

    sync_id: str
    server_id: str
    hostname: str
    account: str
    sha256: str
    accounts: int
    added: int
    changed: int
    removed: int
    licenses_before: int
    licenses_after: int
    revision: int
    taken_at: Instant
    applied_at: Instant
    format: int = FORMAT
