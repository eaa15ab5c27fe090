"""Why the file of a receipt is not taken: a class, a code and one sentence with the next step for each."""

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from wire.messages import Receipt


class ReceiptRefused(Exception):
    """The receipt changes nothing. ``code`` is for scripts, the text for people."""

    code: ClassVar[str]
    sentence: ClassVar[Promise]

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return str(self.sentence)


class ReceiptTooLarge(ReceiptRefused):
    """No receipt has a mebibyte."""

    code = "receipt_too_large"
    sentence = _(
        "This file is larger than any receipt, which has at most 1 MiB. "
        "Choose the small file that the cloud offered after it applied the usage file."
    )


class ReceiptNotJson(ReceiptRefused):
    """Something else, or a part of one."""

    code = "receipt_not_json"
    sentence = _(
        "This file is no receipt, or only a part of one: it is not whole JSON. "
        "Download the receipt from the cloud again, and carry it here unchanged."
    )


class ReceiptOtherShape(ReceiptRefused):
    """JSON, such as a usage file."""

    code = "receipt_other_shape"
    sentence = _(
        "This file is JSON, but no receipt; perhaps it is the usage file itself. "
        "Choose the small file that the cloud offered after it applied the usage file."
    )


class ReceiptNewerFormat(ReceiptRefused):
    """Of a cloud that is ahead of this console."""

    code = "receipt_newer_format"
    sentence = _("This receipt has a format that this console does not know. Update the console, then import it again.")


class ReceiptSignatureWrong(ReceiptRefused):
    """No key that we trust signed it, nor the one that it names itself."""

    code = "receipt_bad_signature"
    sentence = _(
        "The signature of this receipt is wrong: it was edited or cut on its way. "
        "Download it from the cloud again, and carry it here unchanged."
    )


class ReceiptEdited(ReceiptRefused):
    """What people read in it is not what the signature says."""

    code = "receipt_edited"
    sentence = _(
        "What stands in this receipt is not what was signed: it was edited on its way. "
        "Download it from the cloud again, and carry it here unchanged."
    )


class ReceiptOfAnotherServer(ReceiptRefused):
    """It belongs on another console."""

    code = "receipt_other_server"

    def __init__(self, hostname: str) -> None:
        super().__init__(hostname)
        self.hostname = hostname

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        text = gettext("This receipt is for another server, %(hostname)s. Import it there.")
        return text % {"hostname": self.hostname}


class ReceiptOfAnotherAccount(ReceiptRefused):
    """Two accounts would count the same people. A server that no line leads to may change over: an owner says so."""

    code = "receipt_other_account"

    def __init__(self, receipt: Receipt, known: str, *, can_change: bool) -> None:
        super().__init__(receipt.account, known)
        self.receipt = receipt
        self.known = known
        self.can_change = can_change

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        text = gettext(
            "This receipt is of the cloud account %(account)s, but this server reports to %(known)s. "
            "Hand the usage file to %(known)s, and bring back its receipt."
        )
        if self.can_change:
            change = gettext(
                "If it reports to %(account)s from now on, remove it at %(known)s, so that nobody counts twice, and "
                "confirm the change here."
            )
            text = f"{text} {change}"
        return text % {"account": self.receipt.account, "known": self.known}


class ReceiptKeyNotTrusted(ReceiptRefused):
    """Signed by a key for which no pinned one vouches, while the line would bring the right one."""

    code = "receipt_key_not_trusted"

    def __init__(self, fingerprint: str) -> None:
        super().__init__(fingerprint)
        self.fingerprint = fingerprint

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        text = gettext(
            "This receipt was signed by a key that this server does not trust: %(fingerprint)s. It is connected: sync "
            "once over GitHub Connect, which brings the cloud's keys, and import the receipt again."
        )
        return text % {"fingerprint": self.fingerprint}


class ReceiptKeyUnknown(ReceiptRefused):
    """An owner has to compare the fingerprint first. ``is_change``: another key was pinned before.

    ``name`` is how the account calls itself, which nobody signed: whoever compares the fingerprint looks at it, too.
    """

    code = "receipt_key_unknown"

    def __init__(self, fingerprint: str, receipt: Receipt, *, name: str = "", is_change: bool = False) -> None:
        super().__init__(fingerprint)
        self.fingerprint = fingerprint
        self.receipt = receipt
        self.name = name
        self.is_change = is_change

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        if self.is_change:
            text = gettext(
                "This receipt was signed by another key than the receipts of %(account)s before: %(fingerprint)s. Ask "
                "an owner of that account why, and confirm it only if the cloud shows this very fingerprint."
            )
        else:
            text = gettext(
                "This is the first receipt of %(account)s for this server, signed by the key %(fingerprint)s. "
                "Confirm it if the cloud shows this very fingerprint."
            )
        return text % {"account": self.receipt.account, "fingerprint": self.fingerprint}


class ReceiptFingerprintDiffers(ReceiptRefused):
    """Somebody compared, and it is another one."""

    code = "receipt_fingerprint_differs"

    def __init__(self, fingerprint: str) -> None:
        super().__init__(fingerprint)
        self.fingerprint = fingerprint

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        text = gettext(
            "The key of this receipt is not the one that was compared; its fingerprint is %(fingerprint)s. "
            "Do not trust it: ask an owner of the cloud account for the receipt and the fingerprint again."
        )
        return text % {"fingerprint": self.fingerprint}


class ReceiptOfNoFile(ReceiptRefused):
    """This console exported no such file, or forgot it with a restored database."""

    code = "receipt_unknown_file"
    sentence = _(
        "This console knows of no usage file that this receipt is for. Was it restored from a backup since the export? "
        "Then have it go on from this receipt; otherwise import the receipt of a file that it exported."
    )

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.sync_id)
        self.receipt = receipt


class ReceiptOlder(ReceiptRefused):
    """It would take this server back."""

    code = "receipt_older"

    def __init__(self, revision: int, known: int) -> None:
        super().__init__(revision, known)
        self.revision = revision
        self.known = known

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        text = gettext(
            "This receipt is of revision %(revision)d, and this server knows of revision %(known)d already. "
            "Nothing is to be done; export a new usage file when it is due."
        )
        return text % {"revision": self.revision, "known": self.known}


class ReceiptOfOtherLines(ReceiptRefused):
    """The digest or the number of accounts is not what was exported."""

    code = "receipt_digest_differs"
    sentence = _(
        "The cloud applied other lines than this console exported under that number. "
        "Export a new usage file, hand it over, and ask an owner of the cloud account what was applied."
    )
