"""The page of a receipt: what the cloud signed, field by field, and what became of verifying it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connect.models import Server
from enterprises import moments
from licensesync.models import SyncJob
from licensesync.pages.server import AboutServer
from licensesync.receipts import PINNED, Check, Proof, prove
from wire.messages import Receipt

_CHECKS: Final[dict[tuple[str, bool | None], Promise]] = {
    ("signature", True): gettext_lazy("A trusted key of the cloud signed it."),
    ("signature", False): gettext_lazy("No key that this server trusts, or trusted when it came, signed it."),
    ("sync", True): gettext_lazy("It is about this server, this sync and the digest that was sent."),
    ("sync", False): gettext_lazy("It is about another server, another sync, or another digest."),
    ("numbers", True): gettext_lazy("The numbers on the page of the sync are the ones that it signs."),
    ("numbers", False): gettext_lazy("The numbers on the page of the sync are not the ones that it signs."),
    ("lines", True): gettext_lazy("The lines that are kept here have the digest that it signs."),
    ("lines", False): gettext_lazy("The lines that are kept here have another digest than the one that it signs."),
    ("lines", None): gettext_lazy(
        "The lines are not kept any more: those of a newer sync took their place, or GitHub Connect was disabled."
    ),
}


@dataclass(frozen=True)
class CheckRow:
    """One thing that was looked at, in words. ``tone`` and ``icon`` are those of a state label."""

    text: str | Promise
    tone: str
    icon: str
    label: str


@dataclass(frozen=True)
class ReceiptPage(AboutServer):
    """A receipt with its proof."""

    server: Server
    job: SyncJob
    proof: Proof
    at: datetime

    @property
    def checks(self) -> list[CheckRow]:
        """What was looked at."""
        return [_row(check) for check in self.proof.checks]

    @property
    def key_rows(self) -> list[dict[str, Any]]:
        """Which key signed it, and why it is trusted."""
        if self.proof.receipt is None:
            return []
        if self.proof.trust == PINNED:
            trust = _("pinned: this server trusts it today")
        else:
            trust = _("it was pinned when the receipt came; the connection of that time was ended since")
        return [
            {"label": _("Key"), "value": self.proof.kid, "help": trust},
            {
                "label": _("Fingerprint of the key"),
                "value": self.proof.fingerprint,
                "help": _("The cloud's audit log names its keys by it."),
            },
        ]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every signed field with its meaning; nothing where nobody whom we trust signed it."""
        return _fields(self.proof.receipt) if self.proof.receipt else []


def _row(check: Check) -> CheckRow:
    text = _CHECKS[check.name, check.holds]
    if check.holds is None:
        return CheckRow(text, "neutral", "dash", _("Cannot be checked"))
    return CheckRow(text, "success", "check", _("Holds")) if check.holds else CheckRow(text, "danger", "x", _("Wrong"))


def _fields(said: Receipt) -> list[dict[str, Any]]:
    return [
        {"label": "account", "value": said.account, "help": _("The cloud account whose licenses were counted.")},
        {"label": "hostname", "value": said.hostname, "help": _("The server's host name at that time.")},
        {"label": "server_id", "value": said.server_id, "help": _("The server's own ID, which survives Disable.")},
        {"label": "sync_id", "value": said.sync_id, "help": _("This sync, on both sides.")},
        {"label": "sha256", "value": said.sha256, "help": _("Digest of all lines, as the cloud computed it.")},
        {"label": "accounts", "value": intcomma(said.accounts), "help": _("Accounts that the cloud holds since.")},
        {"label": "added", "value": intcomma(said.added), "help": _("Accounts that it did not hold before.")},
        {"label": "changed", "value": intcomma(said.changed), "help": _("Accounts whose addresses changed.")},
        {"label": "removed", "value": intcomma(said.removed), "help": _("Accounts that it holds no more.")},
        {
            "label": "licenses_before",
            "value": intcomma(said.licenses_before),
            "help": _("Licenses of the account before this sync."),
        },
        {
            "label": "licenses_after",
            "value": intcomma(said.licenses_after),
            "help": _("Licenses of the account after it, with people counted once."),
        },
        {"label": "revision", "value": intcomma(said.revision), "help": _("Grows by one with each sync that arrives.")},
        {
            "label": "taken_at",
            "value": moments.in_words(said.taken_at),
            "help": _("When the list of accounts was taken."),
        },
        {"label": "applied_at", "value": moments.in_words(said.applied_at), "help": _("When the cloud applied it.")},
    ]


def receipt_page(server: Server, job: SyncJob, at: datetime) -> ReceiptPage:
    """Verify the receipt of a job and lay it out."""
    return ReceiptPage(server, job, prove(job), at)
