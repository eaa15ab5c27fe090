"""Why a snapshot is refused: a code for programs and a sentence for people."""

from typing import Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wire.messages import ErrorCode

_SENTENCES: Final[dict[ErrorCode, Promise]] = {
    ErrorCode.INSTALLATION_GONE: _("This server is not connected any more."),
    ErrorCode.REVISION_CONFLICT: _(
        "The cloud holds a newer snapshot than this server knows of: the server was restored or copied."
    ),
    ErrorCode.HOSTNAME_CHANGED: _("The server is connected under another hostname: it was renamed or copied."),
    ErrorCode.SUPERSEDED: _("A newer snapshot of this server was applied in the meantime."),
    ErrorCode.SHRINK_UNCONFIRMED: _("The snapshot would remove more than a fifth of the accounts, unconfirmed."),
    ErrorCode.DIGEST_MISMATCH: _("The received lines are not those that were announced."),
    ErrorCode.PART_INVALID: _("A part holds something else than canonical lines in ascending order."),
    ErrorCode.PAYLOAD_TOO_LARGE: _("The snapshot or a part of it is too large."),
    ErrorCode.SYNC_ID_REUSED: _("Another snapshot was opened under this sync id."),
    ErrorCode.UNKNOWN_SYNC: _("No snapshot was opened under this sync id."),
    ErrorCode.UNSUPPORTED_FORMAT: _("The server and the cloud speak no common format."),
    ErrorCode.INVALID_REQUEST: _("The request cannot be understood."),
    ErrorCode.BUSY: _("The snapshot could not be applied, although it was tried several times."),
}
_DECIDED_ON_SERVER: Final = (ErrorCode.REVISION_CONFLICT, ErrorCode.HOSTNAME_CHANGED, ErrorCode.SHRINK_UNCONFIRMED)


class IntakeRefused(Exception):
    """A snapshot, or a part of it, is not taken; nothing of it is in the books."""

    def __init__(self, code: ErrorCode, message: str | Promise = "") -> None:
        """Without a message the code has its own sentence."""
        self.code = code
        self.message: str | Promise = message or _SENTENCES[code]
        super().__init__(code.value)


def sentence(code: str) -> str | Promise:
    """Return the sentence of a stored code, in the language of whoever reads it."""
    return _SENTENCES.get(ErrorCode(code), code) if code in set(ErrorCode) else code


def is_decided_on_server(text: str) -> bool:
    """Whether a sentence, stored in English, is of a refusal that waits for an owner of the server."""
    with translation.override("en"):
        return text in {str(_SENTENCES[code]) for code in _DECIDED_ON_SERVER}
