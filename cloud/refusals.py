"""Why a snapshot is refused: a code for programs and a sentence for people."""

import enum
from typing import Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wire.messages import ErrorCode


class UploadCode(enum.StrEnum):
    """Why a usage file is refused, where the wire knows no such refusal; docs/formats.md says what to do about each."""

    EMPTY = "empty"
    NOT_JSON = "not_json"
    OTHER_SHAPE = "other_shape"
    ZIP_FILE = "zip_file"
    GHES_EXPORT = "ghes_export"
    BAD_SIGNATURE = "bad_signature"
    TRUNCATED = "truncated"
    EDITED = "edited"
    OTHER_ACCOUNT = "other_account"
    UNKNOWN_SERVER = "unknown_server"
    UNKNOWN_KEY = "unknown_key"
    OLDER_THAN_HELD = "older_than_held"
    ALREADY_APPLIED = "already_applied"
    ALREADY_HELD = "already_held"
    TOO_MANY_WAITING = "too_many_waiting"
    NOT_READY = "not_ready"
    EXPIRED = "expired"


Code = ErrorCode | UploadCode

_SENTENCES: Final[dict[Code, Promise]] = {
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
_OF_FILES: Final[dict[Code, Promise]] = {
    UploadCode.EMPTY: _("The file is empty. Export the license usage again on the server, then choose that file."),
    UploadCode.NOT_JSON: _("This is not a usage file: it is not JSON. Choose the file that the server exported."),
    UploadCode.OTHER_SHAPE: _(
        "This JSON file is not a usage file; perhaps it is a receipt, which goes back to the server. Choose the file "
        "of Export license usage on the server's License page."
    ),
    UploadCode.ZIP_FILE: _("This is a packed file. Unpack it, then choose the JSON file that is in it."),
    UploadCode.GHES_EXPORT: _(
        "This is the export of a GitHub Enterprise Server itself, which only GitHub can read. Export license usage on "
        "the License page of the licensesync server instead."
    ),
    UploadCode.BAD_SIGNATURE: _(
        "The file is not signed by the key that it names. Export it again on the server; do not apply this one."
    ),
    UploadCode.TRUNCATED: _("The end of the file is missing. Copy the whole file again from the server."),
    UploadCode.EDITED: _(
        "The file was changed after the server signed it, perhaps by an editor or a mail gateway. Copy it again from "
        "the server, as it is."
    ),
    UploadCode.OTHER_ACCOUNT: _(
        "This server reports to another account of this cloud. Upload the file there, or remove the server there first."
    ),
    UploadCode.UNKNOWN_SERVER: _(
        "This server is not known here. Compare the fingerprint of its key with its License page, then register it."
    ),
    UploadCode.UNKNOWN_KEY: _(
        "The file is signed with another key than this server has here. If it was set up anew, remove it here, then "
        "register it again."
    ),
    UploadCode.OLDER_THAN_HELD: _("Newer usage of this server is held already. Export it again on the server."),
    UploadCode.ALREADY_APPLIED: _("This file was applied already. Its receipt can be downloaded again."),
    UploadCode.ALREADY_HELD: _("The very same usage of this server is held already. There is nothing to do."),
    UploadCode.TOO_MANY_WAITING: _("Too many files of this server wait. Apply or discard some of them first."),
    UploadCode.NOT_READY: _("The file is still being read for its preview. Apply it as soon as that is ready."),
    UploadCode.EXPIRED: _("The preview has expired. Upload the file again."),
    ErrorCode.UNSUPPORTED_FORMAT: _("The file is of a newer format. Update this cloud, then upload it again."),
    ErrorCode.PAYLOAD_TOO_LARGE: _("The file is larger than 512 MiB, or holds more than 10,000,000 accounts."),
    ErrorCode.REVISION_CONFLICT: _(
        "The file continues another history than the one held here: the server was restored or copied. Import its "
        "newest receipt on the server, then export again."
    ),
    ErrorCode.HOSTNAME_CHANGED: _(
        "The server is known here under another hostname. If it was renamed, confirm that; if it is a copy, export on "
        "the original."
    ),
    ErrorCode.SHRINK_UNCONFIRMED: _(
        "The file would remove more than a fifth of the server's accounts. Confirm that this is meant."
    ),
    ErrorCode.SUPERSEDED: _(
        "Other usage of this server was applied in the meantime. Upload the file again to see what it changes now."
    ),
    ErrorCode.CLOCK_SKEW: _(
        "The file is from the future. Set the clocks of the server and of this cloud, then export it again."
    ),
    ErrorCode.CONNECTION_EXISTS: _(
        "Another server of this hostname is known here. If it is gone, remove it, then upload the file again."
    ),
    ErrorCode.INSTALLATION_GONE: _(
        "The server was removed here in the meantime. Upload the file again to register it."
    ),
    ErrorCode.SYNC_ID_REUSED: _(
        "Another file with the id of this one was uploaded before. Export the license usage again on the server."
    ),
    ErrorCode.DIGEST_MISMATCH: _("The upload is not whole any more. Upload the file again."),
    ErrorCode.BUSY: _("The file could not be applied, although it was tried several times. Upload it again."),
}
OTHER_FINGERPRINT: Final = _(
    "The key that signed the file has another fingerprint than the one that was given. Read it again on the server; if "
    "it is still another one, do not take the file."
)
_DECIDED_ON_SERVER: Final = (ErrorCode.REVISION_CONFLICT, ErrorCode.HOSTNAME_CHANGED, ErrorCode.SHRINK_UNCONFIRMED)


class IntakeRefused(Exception):
    """A snapshot, or a part of it, is not taken; nothing of it is in the books."""

    def __init__(self, code: Code, message: str | Promise = "") -> None:
        """Without a message the code has its own sentence."""
        self.code: Code = code
        self.message: str | Promise = message or _SENTENCES.get(code) or _OF_FILES[code]
        super().__init__(code.value)


def code_named(text: str) -> Code:
    """Return the code of a usage file's refusal that an intake stores."""
    return UploadCode(text) if text in set(UploadCode) else ErrorCode(text)


def file_sentence(code: str) -> str | Promise:
    """Return what a stored code says of a usage file; it ends with what to do next."""
    return _OF_FILES.get(code_named(code), code) if code in {*UploadCode, *ErrorCode} else code


def sentence(code: str) -> str | Promise:
    """Return the sentence of a stored code, in the language of whoever reads it."""
    return _SENTENCES.get(ErrorCode(code), code) if code in set(ErrorCode) else code


def is_decided_on_server(text: str) -> bool:
    """Whether a sentence, stored in English, is of a refusal that waits for an owner of the server."""
    with translation.override("en"):
        return text in {str(_SENTENCES[code]) for code in _DECIDED_ON_SERVER}
