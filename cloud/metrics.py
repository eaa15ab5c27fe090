"""What is measured on the cloud's side: read from the database, in as many queries for many servers as for one."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Sum
from prometheus_client.core import GaugeMetricFamily

from cloud.consumption import totals_as_read
from cloud.doctor import is_work_late
from cloud.models import Installation, Intake, Ledger, Suspect
from enterprises.metrics import OF_SERVER, gauge


def cloud_metrics(at: datetime) -> Iterator[GaugeMetricFamily]:
    """Every account by its slug, and its servers by their hostnames; never anything about people."""
    books = {ledger.enterprise.slug: totals_as_read(ledger) for ledger in Ledger.objects.select_related("enterprise")}
    of_account = OF_SERVER[:1]
    consumed = [((slug,), totals.consumed) for slug, totals in books.items()]
    purchased = [((slug,), totals.purchased) for slug, totals in books.items()]
    yield gauge("cloud_licenses_consumed", "Licenses that are consumed.", of_account, consumed)
    yield gauge("cloud_licenses_purchased", "Licenses that were purchased.", of_account, purchased)
    yield gauge(
        "cloud_report_age_seconds",
        "How long ago a server that reports was last synced, or its file applied; absent before the first time.",
        OF_SERVER,
        _report_ages(at).items(),
    )
    yield from _of_intakes()
    yield from _of_suspects()
    yield gauge("work_late", "Whether what is due waits for a worker.", ["side"], [(["cloud"], is_work_late(at))])


def _report_ages(at: datetime) -> dict[tuple[str, str], float]:
    """Two servers of one name, such as a copy beside its original, are one: as old as the older of them."""
    ages: dict[tuple[str, str], float] = {}
    servers = Installation.objects.filter(state__in=Installation.LIVE)
    for slug, hostname, synced_at in servers.values_list("ledger__enterprise__slug", "hostname", "last_sync_at"):
        if synced_at is not None:
            age = (at - synced_at).total_seconds()
            ages[slug, hostname] = max(age, ages.get((slug, hostname), 0.0))
    return ages


def _of_intakes() -> Iterator[GaugeMetricFamily]:
    states: Counter[tuple[str, ...]] = Counter()
    refusals: Counter[tuple[str, ...]] = Counter()
    rows = Intake.objects.values_list(
        "installation__ledger__enterprise__slug", "installation__hostname", "state", "error_code"
    )
    for slug, hostname, state, code, number in rows.annotate(number=Count("pk")).order_by():
        states[slug, hostname, state] += number
        if state == Intake.State.REFUSED:
            refusals[slug, hostname, code] += number
    yield gauge("cloud_intakes", "Snapshots that are kept, by state.", [*OF_SERVER, "state"], states.items())
    yield gauge("cloud_refusals", "Snapshots that were refused, by class.", [*OF_SERVER, "class"], refusals.items())


def _of_suspects() -> Iterator[GaugeMetricFamily]:
    """Numbers of the worklist; who they are is said nowhere."""
    pairs: Counter[tuple[str, ...]] = Counter()
    at_stake: Counter[tuple[str, ...]] = Counter()
    rows = Suspect.objects.values_list("ledger__enterprise__slug", "state")
    numbers = rows.annotate(number=Count("pk"), licenses=Sum("licenses_at_stake")).order_by()
    for slug, state, number, licenses in numbers:
        pairs[slug, state] += number
        if state in Suspect.LISTED:
            at_stake[(slug,)] += licenses
    of_account = OF_SERVER[:1]
    yield gauge("cloud_suspects", "Pairs who are probably one person, by state.", [*of_account, "state"], pairs.items())
    yield gauge("cloud_suspects_licenses", "Licenses at stake of pairs that are listed.", of_account, at_stake.items())
