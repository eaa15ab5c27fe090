"""What can go wrong between a server and its cloud: exceptions that carry the decision, and a sentence for each."""

import enum
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from enterprises.audit import looks_secret
from wire.messages import ErrorCode, Held, StandingConnection


class Unavailable(enum.StrEnum):
    """Why the cloud gave no usable answer. All of them may be over by themselves."""

    DNS = "dns"
    REFUSED = "refused"
    TLS = "tls"
    PROXY = "proxy"
    PROXY_AUTH = "proxy_auth"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    OTHER = "other"
    NOT_OURS = "not_ours"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    SERVER_ERROR = "server_error"


NOT_AUTHORIZED: Final = "not_authorized"
NOT_CONNECTED: Final = "not_connected"
NOT_FOUND: Final = "not_found"
NOT_OFFERED: Final = "not_offered"
RECEIPT_INVALID: Final = "receipt_invalid"
UNKNOWN: Final = "unknown"

MAX_MESSAGE_LENGTH: Final = 300
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class CloudFailure(Exception):
    """The cloud did not do what it was asked. ``code`` is kept and explained; nothing of the answer is quoted."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return str(self.explanation.sentence)

    @property
    def explanation(self) -> "Explanation":
        """What happened and what to do next."""
        return explain(self.code)


class CloudUnavailable(CloudFailure):
    """Try again later, not before ``retry_after`` seconds if the cloud said so."""

    def __init__(self, kind: Unavailable | str, retry_after: float | None = None) -> None:
        super().__init__(Unavailable(kind))
        self.kind = Unavailable(kind)
        self.retry_after = retry_after


class NotConnected(CloudFailure):
    """There is no connection to speak over; an owner enables GitHub Connect."""

    def __init__(self) -> None:
        super().__init__(NOT_CONNECTED)


class NotAuthorized(CloudFailure):
    """The cloud does not accept our credentials, not even renewed ones; an owner connects again."""

    def __init__(self) -> None:
        super().__init__(NOT_AUTHORIZED)


class InstallationGone(CloudFailure):
    """The connection was removed on the cloud; an owner connects again."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.INSTALLATION_GONE)


class ClockSkew(CloudFailure):
    """The clocks are too far apart, and the answer's date did not help; an administrator sets them.

    ``ahead`` is how far this server's clock is ahead of the cloud's; None where the cloud did not say its time.
    """

    def __init__(self, ahead: timedelta | None = None) -> None:
        super().__init__(ErrorCode.CLOCK_SKEW)
        self.ahead = ahead


class CloudRejected(CloudFailure):
    """The cloud understood and refused: the same request would be refused again.

    ``message`` is the cloud's own, for a developer; it is shortened, and pages show the sentence of the code instead.
    ``held`` and ``existing`` are what the cloud says for whoever has to decide; None where it says nothing.
    A ``code`` that no cloud would use is `UNKNOWN`: whatever it says can be stored and audited, so that a job ends.
    """

    def __init__(
        self, code: str, message: str = "", *, held: Held | None = None, existing: StandingConnection | None = None
    ) -> None:
        super().__init__(code if _CODE.fullmatch(code) and not looks_secret(code) else UNKNOWN)
        self.held = held
        self.existing = existing
        self.message = "".join(each if each.isprintable() else " " for each in message[:MAX_MESSAGE_LENGTH])


class RevisionConflict(CloudRejected):
    """Somebody else continued this server's history, or it has another name: an owner decides."""


class Place(enum.StrEnum):
    """The page of the console where a next step is taken."""

    CONNECTION = "connection"
    LICENSE = "license"
    SEATS = "seats"
    DOCTOR = "doctor"
    DECISION = "decision"


@dataclass(frozen=True)
class Explanation:
    """One plain sentence, one next step and the page where it is taken; ``is_transient``: it may be over by itself."""

    sentence: str | Promise
    next_step: str | Promise
    is_transient: bool = False
    place: Place = Place.LICENSE


def _passing(sentence: Promise, next_step: Promise, place: Place = Place.LICENSE) -> Explanation:
    return Explanation(sentence, next_step, is_transient=True, place=place)


def _lasting(sentence: Promise, next_step: Promise, place: Place = Place.LICENSE) -> Explanation:
    return Explanation(sentence, next_step, place=place)


_WAIT = _("Try again in a moment.")
_ASK_NETWORK = _("Ask whoever runs the network of this server, then try again. The doctor shows how far it gets.")
_CONNECT_AGAIN = _("Disable GitHub Connect on this server, then enable it again.")
_SYNC_AGAIN = _("Press Sync now. If it happens again, report it with the time.")
_UPGRADE = _("Bring both sides to versions that fit each other.")

EXPLANATIONS: Final[dict[str, Explanation]] = {
    Unavailable.DNS: _passing(_("The name of the cloud could not be resolved."), _ASK_NETWORK, Place.DOCTOR),
    Unavailable.REFUSED: _passing(
        _("The cloud does not accept connections."),
        _(
            "Ask whoever runs the cloud whether it runs, and your network whether a firewall is in the way, "
            "then try again."
        ),
        Place.DOCTOR,
    ),
    Unavailable.TLS: _passing(
        _("The certificate of the cloud is not trusted, or no secure connection came about."),
        _(
            "If your network inspects TLS, name its certificate authority in CA_BUNDLE and restart every process, "
            "then try again."
        ),
        Place.DOCTOR,
    ),
    Unavailable.PROXY: _passing(
        _("The proxy did not connect this server to the cloud."),
        _(
            "Have the proxy let this server through to the cloud, or set HTTPS_PROXY to another one and restart every "
            "process, then try again."
        ),
        Place.DOCTOR,
    ),
    Unavailable.PROXY_AUTH: _passing(
        _("The proxy does not accept the user and password of this server."),
        _("Check user and password in HTTPS_PROXY, restart every process, then try again."),
        Place.DOCTOR,
    ),
    Unavailable.TIMEOUT: _passing(_("The cloud did not answer in time."), _WAIT, Place.DOCTOR),
    Unavailable.TOO_LARGE: _passing(_("The answer is larger than any of the cloud's."), _ASK_NETWORK, Place.DOCTOR),
    Unavailable.OTHER: _passing(_("The connection to the cloud broke."), _WAIT, Place.DOCTOR),
    Unavailable.NOT_OURS: _passing(
        _("Something answered, but it was not the cloud: a sign-in page of the network, a proxy, or another service."),
        _ASK_NETWORK,
        Place.DOCTOR,
    ),
    Unavailable.RATE_LIMITED: _passing(_("The cloud asks for fewer requests."), _WAIT),
    Unavailable.BUSY: _passing(_("The cloud is busy."), _WAIT),
    Unavailable.SERVER_ERROR: _passing(_("The cloud has a problem of its own."), _WAIT),
    NOT_CONNECTED: _lasting(_("GitHub Connect is not enabled."), _("Enable GitHub Connect."), Place.CONNECTION),
    NOT_AUTHORIZED: _lasting(
        _("The cloud does not accept the credentials of this server."), _CONNECT_AGAIN, Place.DECISION
    ),
    NOT_FOUND: _lasting(
        _("The cloud knows no such account, or the token's owner has no role in it."),
        _("Check the account's name and whose token it is."),
        Place.CONNECTION,
    ),
    NOT_OFFERED: _lasting(_("The cloud runs a version that does not offer this yet."), _UPGRADE),
    RECEIPT_INVALID: _lasting(
        _("The receipt is not signed by the cloud that this server is connected to, or is for another sync."),
        _("Check with the cloud's owners whether it was moved or restored, then connect again."),
        Place.CONNECTION,
    ),
    ErrorCode.BAD_CREDENTIALS: _lasting(
        _("The cloud does not accept the credentials of this server."), _CONNECT_AGAIN, Place.DECISION
    ),
    ErrorCode.CLOCK_SKEW: _passing(
        _("The clocks of this server and of the cloud are too far apart."),
        _("Set the clocks of both hosts, then try again."),
        Place.DOCTOR,
    ),
    ErrorCode.INSTALLATION_GONE: _lasting(
        _("The connection was removed on the cloud."), _CONNECT_AGAIN, Place.CONNECTION
    ),
    ErrorCode.REVISION_CONFLICT: _lasting(
        _("The cloud holds a newer state of this server than the server remembers: it was restored or copied."),
        _("Find out which copy is the original before anything is synced."),
        Place.DECISION,
    ),
    ErrorCode.HOSTNAME_CHANGED: _lasting(
        _("The cloud knows this server under another host name: it was renamed or copied."),
        _("Find out which copy is the original before anything is synced."),
        Place.DECISION,
    ),
    ErrorCode.SUPERSEDED: _passing(_("A newer state of this server arrived in the meantime."), _WAIT),
    ErrorCode.SHRINK_UNCONFIRMED: _lasting(
        _("This sync would remove a large part of the people that the cloud holds of this server."),
        _("Check the seats of this server, then confirm the removal."),
        Place.DECISION,
    ),
    ErrorCode.DIGEST_MISMATCH: _lasting(_("The data did not arrive as it was sent."), _SYNC_AGAIN),
    ErrorCode.PART_DIGEST: _passing(_("A part was changed on its way."), _WAIT),
    ErrorCode.PART_INVALID: _lasting(_("The cloud found a part malformed."), _SYNC_AGAIN),
    ErrorCode.PAYLOAD_TOO_LARGE: _lasting(
        _("A part is larger than the cloud, or a proxy before it, accepts."),
        _("Have the proxy before the cloud accept bodies of 16 MiB, then press Sync now."),
    ),
    ErrorCode.SYNC_ID_REUSED: _passing(_("The cloud knows this sync with another content."), _WAIT),
    ErrorCode.UNKNOWN_SYNC: _passing(_("The cloud does not know this sync any more."), _WAIT),
    ErrorCode.UNSUPPORTED_FORMAT: _lasting(_("The server and the cloud share no format."), _UPGRADE),
    ErrorCode.INVALID_REQUEST: _lasting(_("The cloud did not understand the request."), _UPGRADE),
    ErrorCode.CONNECTION_EXISTS: _lasting(
        _("A connection for this server already exists on the cloud."),
        _("Remove it on the cloud's licensing page, under Enterprise Server instances, then connect again."),
        Place.CONNECTION,
    ),
    ErrorCode.CODE_INVALID: _lasting(
        _("The code from the cloud is unknown, has expired, or was used."),
        _("Enable GitHub Connect again."),
        Place.CONNECTION,
    ),
    UNKNOWN: _lasting(_("The cloud refused, for a reason that this version does not know."), _UPGRADE),
}
"""What a kept code means: the part of the table that a setup, too, may need; `licensesync.failures` has the rest."""


def explain(code: str) -> Explanation:
    """Return what is known of a kept code; an unknown one is explained too."""
    return EXPLANATIONS.get(code, EXPLANATIONS[UNKNOWN])
