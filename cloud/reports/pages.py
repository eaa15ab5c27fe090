"""The report as the REST API gives it: page by page, with the same totals on each, and how the servers last synced."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from cloud.consumption import totals
from cloud.models import Installation, Ledger
from cloud.people import people, rows_of
from cloud.reports.rows import ReportUser, report_rows


class ConsumedLicenses(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of GitHub's "List enterprise consumed licenses"."""

    total_seats_consumed: int
    total_seats_purchased: int
    users: list[ReportUser]


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page, and how many people are listed on all of them."""

    report: ConsumedLicenses
    listed: int


class LastSync(msgspec.Struct, frozen=True, kw_only=True):
    """When and how the last sync ended; empty where there was none."""

    date: str
    status: str
    error: str


class ServerInstance(msgspec.Struct, frozen=True, kw_only=True):
    """A server in the answer of GitHub's "Get a license sync status"."""

    server_id: str
    hostname: str
    last_sync: LastSync


def consumed_licenses(ledger: Ledger, page: int, per_page: int) -> Page:
    """The people on a page, counted from 1; an empty list beyond the last. The number of queries is fixed."""
    now = totals(ledger)
    start = (page - 1) * per_page
    licenses = rows_of(people(ledger), slice(start, start + per_page)) if start < now.listed else []
    report = ConsumedLicenses(
        total_seats_consumed=now.consumed,
        total_seats_purchased=now.purchased,
        users=[row.user for row in report_rows(ledger, licenses)],
    )
    return Page(report=report, listed=now.listed)


def server_instances(ledger: Ledger) -> list[ServerInstance]:
    """Every server of the account by hostname, in one query."""
    return [
        ServerInstance(
            server_id=str(installation.server_id), hostname=installation.hostname, last_sync=_last_sync(installation)
        )
        for installation in ledger.installations.order_by("hostname", "pk")
    ]


def _last_sync(installation: Installation) -> LastSync:
    """A failed or running attempt is dated as such, so that nobody takes its time for the last good one."""
    status = installation.last_status
    is_success = status == Installation.SyncStatus.SUCCESS
    moment = installation.last_sync_at if is_success else installation.last_attempt_at
    error = installation.last_error if status == Installation.SyncStatus.FAILURE else ""
    return LastSync(date=_time(moment) if status else "", status=status, error=error)


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""
