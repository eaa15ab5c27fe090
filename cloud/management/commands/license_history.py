"""The history of a cloud account, or of one of its servers: the days of the licensing page and of its CSV file."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.utils import timezone

from cloud.management.naming import find_account
from cloud.reports.history import (
    DEFAULT_SPAN,
    SPANS,
    HistoryDay,
    ServerDay,
    forecast,
    history,
    history_csv,
    server_history,
)
from enterprises.commands import ReportingCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence


class Command(ReportingCommand):
    help = "List the licenses of a cloud account by day, the newest first, or what one of its servers had."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("--range", choices=SPANS, default=DEFAULT_SPAN, help="how many days (default: 90)")
        parser.add_argument(
            "--server", metavar="SERVER_ID", help="the days of this server; server_instances lists them"
        )
        parser.add_argument("--csv", action="store_true", help="as the page's CSV file, the oldest first")

    def handle(self, *, cloud: str, server: str | None, csv: bool, json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        today = timezone.now().astimezone(UTC).date()
        if server is not None:
            installation = next((one for one in ledger.installations.all() if str(one.server_id) == server), None)
            if installation is None:
                raise CommandError(f"{cloud} has no server with the id {server!r}; server_instances lists them.")
            days = server_history(installation, span=options["range"], today=today)
            self._tell(days, ServerDay, as_csv=csv, as_json=json, hostname=installation.hostname)
            return
        counted = history(ledger, span=options["range"], today=today)
        seen = forecast(counted)
        used_up_on = seen.used_up_on.isoformat() if seen else None
        self._tell(counted, HistoryDay, as_csv=csv, as_json=json, used_up_on=used_up_on)

    def _tell(
        self,
        days: Sequence[HistoryDay | ServerDay],
        kind: type[HistoryDay] | type[ServerDay],
        *,
        as_csv: bool,
        as_json: bool,
        **facts: str | None,
    ) -> None:
        if as_csv:
            self.stdout.write("".join(history_csv(days, kind)), ending="")
            return
        rows = [_row(day) for day in reversed(days)]
        lines = [", ".join(f"{name} {value}" for name, value in row.items()) for row in rows] or [
            "Nothing was counted."
        ]
        lines += [f"{name} {value}" for name, value in facts.items() if value]
        self.report("\n".join(lines), as_json=as_json, days=rows, **facts)


def _row(day: HistoryDay | ServerDay) -> dict[str, int | str]:
    values = asdict(day)
    return {"date": values.pop("day").isoformat(), **values}
