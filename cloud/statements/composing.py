"""Put a statement together from the books, which the caller holds locked: seven queries, whatever their size."""

from datetime import UTC, date, datetime

from django.db.models import Q

from cloud import consumption, shares
from cloud.models import Installation, Intake, Ledger, Member, UsagePoint
from cloud.statements.months import last_day, month_of
from cloud.statements.rules import RULES_VERSION
from enterprises.models import Kind
from wire.messages import Account
from wire.statements import StatedDay, StatedEnd, StatedServer, Statement


def compose(ledger: Ledger, *, month: date | None, at: datetime) -> Statement:
    """Return what the books say now, with the days of a month, or of the one under way."""
    totals = consumption.totals(ledger)
    first = month or month_of(at)
    last = last_day(first) if month else at.astimezone(UTC).date()
    before, days = _before(ledger, first), _days(ledger, first, last)
    return Statement(
        kind="month" if month else "moment",
        account=_account(ledger),
        month=f"{month:%Y-%m}" if month else "",
        first_day=first,
        last_day=last,
        month_end=_end(before, days) if month else None,
        made_at=at,
        revision=totals.revision,
        rules=RULES_VERSION,
        purchased=totals.purchased,
        consumed=totals.consumed,
        available=totals.available,
        cloud_licenses=totals.cloud_licenses,
        server_accounts=totals.server_seats,
        counted_apart=totals.counted_apart,
        saved=totals.saved,
        listed=totals.listed,
        members=Member.objects.filter(ledger=ledger).count(),
        members_imported_at=ledger.members_imported_at,
        before=before,
        days=days,
        servers=_servers(ledger),
    )


def _account(ledger: Ledger) -> Account:
    enterprise = ledger.enterprise
    is_organization = enterprise.kind == Kind.ORGANIZATION
    return Account(slug=enterprise.slug, name=enterprise.name, kind="organization" if is_organization else "enterprise")


def _days(ledger: Ledger, first: date, last: date) -> tuple[StatedDay, ...]:
    points = ledger.usage.filter(day__range=(first, last)).order_by("day")
    return tuple(map(_day, points))


def _before(ledger: Ledger, first: date) -> StatedDay | None:
    """The count with which a period began."""
    point = ledger.usage.filter(day__lt=first).order_by("-day").first()
    return _day(point) if point else None


def _day(point: UsagePoint) -> StatedDay:
    return StatedDay(
        day=point.day,
        consumed=point.consumed,
        peak=point.peak,
        counted_apart=point.counted_apart,
        purchased=point.purchased,
    )


def _end(before: StatedDay | None, days: tuple[StatedDay, ...]) -> StatedEnd | None:
    """What held at the end of a month, and the highest count of it, that with which it began included."""
    counted = (*([before] if before else ()), *days)
    if not counted:
        return None
    last = counted[-1]
    return StatedEnd(
        counted_on=last.day,
        purchased=last.purchased,
        consumed=last.consumed,
        available=last.purchased - last.consumed,
        counted_apart=last.counted_apart,
        saved=last.counted_apart - last.consumed,
        peak=max([*([before.consumed] if before else ()), *(day.peak for day in days)]),
    )


def _servers(ledger: Ledger) -> tuple[StatedServer, ...]:
    added = shares.added_licenses(ledger)
    servers = list(ledger.installations.defer("app_key", "next_app_key", "record").order_by("hostname", "pk"))
    receipts = _older_receipts(servers)
    return tuple(
        StatedServer(
            hostname=server.hostname,
            server_id=str(server.server_id),
            state=server.state,
            channel=server.held_channel,
            revision=server.revision,
            snapshot_id=str(server.snapshot_id) if server.snapshot_id else "",
            accounts=server.accounts,
            taken_at=server.taken_at,
            synced_at=server.last_sync_at,
            sha256=server.sha256,
            added_licenses=added.get(server.pk, 0),
            receipt=server.receipt or receipts.get(server.pk, ""),
        )
        for server in servers
    )


def _older_receipts(servers: list[Installation]) -> dict[int, str]:
    """Receipts of what was held before they were written beside it: the intake of what is held is kept for good."""
    older = [server for server in servers if server.snapshot_id and not server.receipt]
    if not older:
        return {}
    wanted = Q(pk=None)
    for server in older:
        wanted |= Q(installation=server.pk, snapshot_id=server.snapshot_id)
    found = Intake.objects.filter(wanted, state=Intake.State.APPLIED, kind=Intake.Kind.USAGE)
    return dict(found.values_list("installation", "receipt"))
