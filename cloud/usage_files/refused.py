"""Why a usage file is not taken, or not yet."""

from django.utils.functional import Promise

from cloud.models import Intake
from cloud.refusals import OTHER_FINGERPRINT, Code, UploadCode, file_sentence
from enterprises.models import StagedUpload
from wire.usage import UsageHeader


class UploadRefused(Exception):
    """A usage file is not taken; nothing of it is in the books."""

    def __init__(self, code: Code, *, intake: Intake | None = None) -> None:
        """``intake`` is the upload that somebody may look at instead: the one that was applied already."""
        super().__init__(code.value)
        self.code = code
        self.sentence: str | Promise = file_sentence(code)
        self.intake = intake

    def __str__(self) -> str:
        """Return the sentence."""
        return str(self.sentence)


class OtherFingerprint(UploadRefused):
    """The key that signed the file is not the one whose fingerprint somebody gave."""

    def __init__(self) -> None:
        super().__init__(UploadCode.UNKNOWN_KEY)
        self.sentence = OTHER_FINGERPRINT


class UnknownServer(UploadRefused):
    """The cloud does not know the server: an owner compares the fingerprint of its key, and registers it.

    ``staged`` is the file, which waits for an hour; None where nothing waits.
    """

    def __init__(self, header: UsageHeader, fingerprint: str, staged: StagedUpload | None) -> None:
        super().__init__(UploadCode.UNKNOWN_SERVER)
        self.header = header
        self.fingerprint = fingerprint
        self.staged = staged
