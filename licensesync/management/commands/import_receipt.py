"""Takes in the receipt that the cloud gave for a usage file, without a network."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import CommandError
from django.utils import timezone

from connect.receipt_files import read_receipt_stream
from connect.receipt_refusals import ReceiptKeyUnknown, ReceiptOfAnotherAccount, ReceiptOfNoFile, ReceiptRefused
from enterprises.commands import ReportingCommand
from licensesync.commands import find_server
from licensesync.importing_receipts import ImportedReceipt, import_receipt


class Command(ReportingCommand):
    """Verify the file of a receipt and go on from it."""

    help = "Import the receipt that the cloud offered for a usage file; the first time with the fingerprint of its key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("file", type=Path, help="the file that the cloud offered once it had applied a usage file")
        parser.add_argument("--fingerprint", default="", metavar="FP", help="of the cloud's key, as the cloud shows it")
        parser.add_argument(
            "--adopt",
            action="store_true",
            help="go on from a receipt whose usage file this console forgot, since it was restored from a backup",
        )
        parser.add_argument(
            "--account", default="", help="the cloud account that takes the usage files now, if it was another before"
        )

    def handle(self, *, server: str, file: Path, json: bool, **options: Any) -> None:
        """Import it, or say why not and what to do."""
        found = find_server(server)
        try:
            with file.open("rb") as stream:
                content = read_receipt_stream(stream)
            imported = import_receipt(
                server=found,
                content=content,
                by=None,
                at=timezone.now(),
                fingerprint=options["fingerprint"],
                adopt=options["adopt"],
                account=options["account"],
            )
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except ReceiptRefused as refused:
            self._refuse(refused, as_json=json)
        else:
            self._tell(imported, as_json=json)

    def _tell(self, imported: ImportedReceipt, *, as_json: bool) -> None:
        receipt = imported.receipt
        what = f"{receipt.account} accepted revision {receipt.revision} at {receipt.applied_at:%Y-%m-%d %H:%M} UTC"
        line = f"{what}." if imported.is_new else f"{what}; its receipt was imported before, nothing changed."
        if imported.is_new and imported.job is None:
            line = f"{what}, and this server goes on from there. Export the license usage again."
        self.report(
            line,
            as_json=as_json,
            is_new=imported.is_new,
            job=imported.job.pk if imported.job else None,
            receipt=msgspec.to_builtins(receipt),
        )

    def _refuse(self, refused: ReceiptRefused, *, as_json: bool) -> None:
        """:raises CommandError: with the sentence, and the option that goes with it"""
        if as_json:
            told = {"error": refused.code, "message": str(refused)}
            known = {"fingerprint": refused.fingerprint} if isinstance(refused, ReceiptKeyUnknown) else {}
            self.stdout.write(json.dumps(told | known))
            raise SystemExit(1)
        hints: dict[type[ReceiptRefused], str] = {
            ReceiptKeyUnknown: "Give it as --fingerprint then.",
            ReceiptOfNoFile: "That is what --adopt does.",
        }
        if isinstance(refused, ReceiptOfAnotherAccount) and refused.can_change:
            hints[ReceiptOfAnotherAccount] = f"That is what --account {refused.receipt.account} does."
        raise CommandError(f"{refused} {hints.get(type(refused), '')}".strip())
