"""Says the number and its parts as the licensing page does, and writes down how many licenses were bought."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from cloud.consumption import totals
from cloud.forms import SeatsPurchasedForm
from cloud.management.naming import find_account
from cloud.people.breakdown import breakdown
from cloud.services import set_seats_purchased
from enterprises.commands import ReportingCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(ReportingCommand):
    help = "Say how many licenses of a cloud account are purchased, consumed, available and saved, and by whom."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("--purchased", metavar="NUMBER", help="write down that so many licenses were bought")

    def handle(self, *, cloud: str, purchased: str | None, json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        if purchased is not None:
            form = SeatsPurchasedForm({"seats_purchased": purchased})
            if not form.is_valid():
                raise CommandError(f"--purchased: {' '.join(map(str, form.errors['seats_purchased']))}")
            set_seats_purchased(ledger=ledger, by=None, at=timezone.now(), **form.cleaned_data)
        now, people = totals(ledger), breakdown(ledger)
        parts = {
            str(part.deployment): {"enterprise": part.enterprise, "visual_studio": part.visual_studio}
            for part in people.parts
        }
        counted = ", ".join(f"{name} {part['enterprise']}" for name, part in parts.items())
        lines = [
            f"{now.consumed} licenses consumed of {now.purchased} purchased, {now.available} available.",
            f"Counted apart {now.counted_apart}, with license sync {now.consumed}, saved {now.saved}.",
            f"By deployment: {counted}.",
            f"{now.listed} people are listed, {now.listed_not_counted} of them with a Visual Studio subscription.",
        ]
        self.report("\n".join(lines), as_json=json, **asdict(now), by_deployment=parts, ambiguous=people.ambiguous)
