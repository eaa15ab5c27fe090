"""What can go wrong between a server and its cloud: exceptions that carry the decision, and a sentence for each."""

import enum
import re
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from enterprises.audit import looks_secret
from wire.messages import ErrorCode


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

    is_transient = False

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

    is_transient = True

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
    """The clocks are too far apart, and the answer's date did not help; an administrator sets them."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.CLOCK_SKEW)


class CloudRejected(CloudFailure):
    """The cloud understood and refused: the same request would be refused again.

    ``message`` is the cloud's own, for a developer; it is shortened, and pages show the sentence of the code instead.
    A ``code`` that no cloud would use is `UNKNOWN`: whatever it says can be stored and audited, so that a job ends.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code if _CODE.fullmatch(code) and not looks_secret(code) else UNKNOWN)
        self.message = "".join(each if each.isprintable() else " " for each in message[:MAX_MESSAGE_LENGTH])


class RevisionConflict(CloudRejected):
    """Somebody else continued this server's history, or it has another name: an owner decides."""


@dataclass(frozen=True)
class Explanation:
    """One plain sentence, and one next step."""

    sentence: str | Promise
    next_step: str | Promise


_WAIT = _("Try again in a moment; a sync does so by itself.")
_ASK_NETWORK = _("Ask whoever runs the network of this server, then try again; a sync does so by itself.")
_CONNECT_AGAIN = _("Disable GitHub Connect on this server, then enable it again.")
_SYNC_AGAIN = _("Press Sync now. If it happens again, report it with the time.")
_UPGRADE = _("Bring both sides to versions that fit each other.")

EXPLANATIONS: Final[dict[str, Explanation]] = {
    Unavailable.DNS: Explanation(_("The name of the cloud could not be resolved."), _ASK_NETWORK),
    Unavailable.REFUSED: Explanation(_("The cloud does not accept connections."), _ASK_NETWORK),
    Unavailable.TLS: Explanation(
        _("The certificate of the cloud is not trusted, or no secure connection came about."),
        _("If your network inspects TLS, name its certificate authority in CA_BUNDLE, then try again."),
    ),
    Unavailable.PROXY: Explanation(
        _("The proxy did not connect this server to the cloud."),
        _("Check HTTPS_PROXY, then try again; a sync does so by itself."),
    ),
    Unavailable.PROXY_AUTH: Explanation(
        _("The proxy does not accept the user and password of this server."),
        _("Check user and password in HTTPS_PROXY, restart every process, then try again."),
    ),
    Unavailable.TIMEOUT: Explanation(_("The cloud did not answer in time."), _WAIT),
    Unavailable.TOO_LARGE: Explanation(_("The answer is larger than any of the cloud's."), _ASK_NETWORK),
    Unavailable.OTHER: Explanation(_("The connection to the cloud broke."), _WAIT),
    Unavailable.NOT_OURS: Explanation(
        _("Something answered, but it was not the cloud: a sign-in page of the network, a proxy, or another service."),
        _ASK_NETWORK,
    ),
    Unavailable.RATE_LIMITED: Explanation(_("The cloud asks for fewer requests."), _WAIT),
    Unavailable.BUSY: Explanation(_("The cloud is busy."), _WAIT),
    Unavailable.SERVER_ERROR: Explanation(_("The cloud has a problem of its own."), _WAIT),
    NOT_CONNECTED: Explanation(_("GitHub Connect is not enabled."), _("Enable GitHub Connect.")),
    NOT_AUTHORIZED: Explanation(_("The cloud does not accept the credentials of this server."), _CONNECT_AGAIN),
    NOT_FOUND: Explanation(
        _("The cloud knows no such account, or the token's owner has no role in it."),
        _("Check the account's name and whose token it is."),
    ),
    NOT_OFFERED: Explanation(_("The cloud runs a version that does not offer this yet."), _UPGRADE),
    RECEIPT_INVALID: Explanation(
        _("The receipt is not signed by the cloud that this server is connected to, or is for another sync."),
        _("Check with the cloud's owners whether it was moved or restored, then connect again."),
    ),
    ErrorCode.BAD_CREDENTIALS: Explanation(
        _("The cloud does not accept the credentials of this server."), _CONNECT_AGAIN
    ),
    ErrorCode.CLOCK_SKEW: Explanation(
        _("The clocks of this server and of the cloud are too far apart."),
        _("Set the clocks of both hosts, then try again; a sync does so by itself."),
    ),
    ErrorCode.INSTALLATION_GONE: Explanation(_("The connection was removed on the cloud."), _CONNECT_AGAIN),
    ErrorCode.REVISION_CONFLICT: Explanation(
        _("The cloud holds a newer state of this server than the server remembers: it was restored or copied."),
        _("Find out which copy is the original before anything is synced."),
    ),
    ErrorCode.HOSTNAME_CHANGED: Explanation(
        _("The cloud knows this server under another host name: it was renamed or copied."),
        _("Find out which copy is the original before anything is synced."),
    ),
    ErrorCode.SUPERSEDED: Explanation(_("A newer state of this server arrived in the meantime."), _WAIT),
    ErrorCode.SHRINK_UNCONFIRMED: Explanation(
        _("This sync would remove a large part of the people that the cloud holds of this server."),
        _("Check the seats of this server, then confirm the removal."),
    ),
    ErrorCode.DIGEST_MISMATCH: Explanation(_("The data did not arrive as it was sent."), _SYNC_AGAIN),
    ErrorCode.PART_DIGEST: Explanation(_("A part was changed on its way."), _SYNC_AGAIN),
    ErrorCode.PART_INVALID: Explanation(_("The cloud found a part malformed."), _SYNC_AGAIN),
    ErrorCode.PAYLOAD_TOO_LARGE: Explanation(
        _("A part is larger than the cloud, or a proxy before it, accepts."),
        _("Have the proxy before the cloud accept bodies of 16 MiB, then press Sync now."),
    ),
    ErrorCode.SYNC_ID_REUSED: Explanation(_("The cloud knows this sync with another content."), _SYNC_AGAIN),
    ErrorCode.UNKNOWN_SYNC: Explanation(_("The cloud does not know this sync any more."), _SYNC_AGAIN),
    ErrorCode.UNSUPPORTED_FORMAT: Explanation(_("The server and the cloud share no format."), _UPGRADE),
    ErrorCode.INVALID_REQUEST: Explanation(_("The cloud did not understand the request."), _UPGRADE),
    ErrorCode.CONNECTION_EXISTS: Explanation(
        _("A connection for this server already exists on the cloud."),
        _("Remove it on the cloud's licensing page, under Enterprise Server instances, then connect again."),
    ),
    ErrorCode.CODE_INVALID: Explanation(
        _("The code from the cloud is unknown, has expired, or was used."), _("Enable GitHub Connect again.")
    ),
}

_UNKNOWN: Final = Explanation(_("The cloud refused, for a reason that this version does not know."), _UPGRADE)


def explain(code: str) -> Explanation:
    """Return the sentence and the next step of a kept code; an unknown one has them too."""
    return EXPLANATIONS.get(code, _UNKNOWN)
