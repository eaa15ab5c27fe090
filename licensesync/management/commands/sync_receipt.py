"""The receipt of a sync: as it came, readable, and verified again."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from enterprises.commands import ReportingCommand
from licensesync import receipts
from licensesync.commands import find_job, find_server, written
from licensesync.snapshot import last_sent

_WORDS = {True: "holds", False: "is wrong", None: "cannot be checked any more"}


class Command(ReportingCommand):
    """Print or store a receipt, or verify it again."""

    help = "Print the receipt of a sync (a compact JWS), store it in a file, or verify it again; wrong: exit status 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("job", nargs="?", type=int, help="the number of a job; without it the last success")
        parser.add_argument("--verify", action="store_true", help="against the keys, the job and the kept lines")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write it here; a name in .json: readable")

    def handle(self, *, server: str, job: int | None, verify: bool, output: Path | None, **options: Any) -> None:
        """Find it, then do what is asked."""
        found = find_server(server)
        chosen = find_job(found, job) if job is not None else last_sent(found)
        if chosen is None or not chosen.receipt:
            raise CommandError("There is no receipt: the sync did not arrive, or none has run.")
        if output is not None:
            body = receipts.readable(chosen) if output.suffix == ".json" else chosen.receipt.encode()
            written(output, [body])
        proof = receipts.prove(chosen)
        checks = receipts.checks_of(proof)
        line = chosen.receipt if output is None else f"The receipt of job {chosen.pk} is in {output}."
        if verify:
            said = ", ".join(f"{name} {_WORDS[holds]}" for name, holds in checks.items())
            key = f" Key {proof.kid}, {proof.fingerprint}." if proof.kid else ""
            line = f"The receipt of job {chosen.pk}: {said}.{key}"
        if verify and not proof.holds and not options["json"]:
            raise CommandError(line)
        self.report(
            line,
            as_json=options["json"],
            job=chosen.pk,
            holds=proof.holds,
            checks=checks,
            kid=proof.kid,
            key_fingerprint=proof.fingerprint,
            trust=proof.trust,
            result=chosen.result,
            jws=chosen.receipt,
        )
        if verify and not proof.holds:
            raise SystemExit(1)
