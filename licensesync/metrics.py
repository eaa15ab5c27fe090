"""What is measured on the server's side: read from the database, in as many queries for many servers as for one."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q
from prometheus_client.core import GaugeMetricFamily

from connect.models import Server
from enterprises.metrics import OF_SERVER, Sample, gauge
from licensesync.doctor import is_work_late
from licensesync.failures import all_failures
from licensesync.licenses import LicenseUse, use_of
from licensesync.models import License, SeatSource, SourceConfig, SyncJob
from licensesync.state import connection_states
from licensesync.state.codes import StateCode


@dataclass
class _Jobs:
    """What the jobs of one server add up to."""

    states: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    retrying: int = 0


def server_metrics(at: datetime) -> Iterator[GaugeMetricFamily]:
    """Every server by the slug of its enterprise and its hostname; never anything about people."""
    labels, is_enabled, done, connections = {}, {}, {}, {}
    jobs = _jobs()
    # Whole rows would bring their secrets with them, and have them decrypted.
    columns = ("pk", "enterprise__slug", "hostname", "connection", "connection__license_sync_enabled_at")
    for key, slug, hostname, connection, enabled_at in Server.objects.values_list(*columns):
        labels[key], is_enabled[key], done[key] = (slug, hostname), enabled_at is not None, jobs[connection]
        connections[key] = connection
    yield gauge(
        "sync_enabled",
        "Whether there is a connection, and license sync is set to Enabled.",
        OF_SERVER,
        [(labels[key], enabled) for key, enabled in is_enabled.items()],
    )
    yield from _of_states(labels, connections, at)
    yield from _of_jobs(labels, done)
    yield from _of_seats(labels, at)
    yield gauge("work_late", "Whether what is due waits for a worker.", ["side"], [(["server"], is_work_late(at))])


def _of_states(
    labels: Mapping[int, tuple[str, str]], connections: Mapping[int, int], at: datetime
) -> Iterator[GaugeMetricFamily]:
    found = connection_states(connections.values(), at)
    states = {key: found[connection] for key, connection in connections.items() if connection in found}
    by_code: list[Sample] = [
        ((*labels[key], code), state.code == code) for key, state in states.items() for code in StateCode
    ]
    yield gauge("state", "1 for the state of the connection, 0 for every other one.", [*OF_SERVER, "state"], by_code)
    yield gauge(
        "last_success_age_seconds",
        "How long ago the last license sync succeeded, or a usage file was accepted; absent before the first one.",
        OF_SERVER,
        [(labels[key], _age(state.last_success, at)) for key, state in states.items() if state.last_success],
    )
    yield gauge(
        "last_attempt_age_seconds",
        "How long ago the last attempt of a license sync began; absent before the first one.",
        OF_SERVER,
        [(labels[key], _age(state.last_attempt, at)) for key, state in states.items() if state.last_attempt],
    )
    yield gauge(
        "next_run_seconds",
        "In how long the next weekly license sync is due, negative where it is late; absent where none is.",
        OF_SERVER,
        [
            (labels[key], (state.next_run_at - at).total_seconds())
            for key, state in states.items()
            if state.next_run_at is not None
        ],
    )
    yield gauge(
        "synced_seats_age_seconds",
        "How long ago the seats were taken that were synced last; absent before the first success.",
        OF_SERVER,
        [(labels[key], _age(state.seats_taken_at, at)) for key, state in states.items() if state.seats_taken_at],
    )


def _of_jobs(labels: Mapping[int, tuple[str, str]], done: Mapping[int, _Jobs]) -> Iterator[GaugeMetricFamily]:
    by_state: list[Sample] = [
        ((*labels[key], state), one.states[state]) for key, one in done.items() for state in SyncJob.State.values
    ]
    by_class: list[Sample] = [
        ((*labels[key], name), number) for key, one in done.items() for name, number in sorted(one.failures.items())
    ]
    retrying: list[Sample] = [(labels[key], one.retrying) for key, one in done.items()]
    yield gauge("jobs", "Jobs that are kept, by state.", [*OF_SERVER, "state"], by_state)
    yield gauge("failures", "Jobs that failed or are retried, by class.", [*OF_SERVER, "class"], by_class)
    yield gauge("retrying_jobs", "Jobs whose last attempt failed and that are tried again.", OF_SERVER, retrying)


def _of_seats(labels: Mapping[int, tuple[str, str]], at: datetime) -> Iterator[GaugeMetricFamily]:
    known = {key: use for key, use in _uses().items() if key in labels}
    yield gauge(
        "seats_age_seconds",
        "How long ago the list of seats was taken; absent where none was imported.",
        OF_SERVER,
        [(labels[key], _age(use.source.taken_at, at)) for key, use in known.items() if use.source],
    )
    yield gauge(
        "seats_listed",
        "Accounts of the list, by where it came from: ghes, file or import.",
        [*OF_SERVER, "source"],
        [((*labels[key], use.source.kind), use.source.accounts) for key, use in known.items() if use.source],
    )
    yield gauge(
        "seats_refresh_failed",
        "1 while the last refresh of the seats failed, by class; absent where seats only come by import.",
        [*OF_SERVER, "class"],
        [((*labels[key], code or "none"), bool(code)) for key, code in _refreshes() if key in labels],
    )
    yield gauge(
        "seats_used",
        "Seats that are used.",
        OF_SERVER,
        [(labels[key], use.used) for key, use in known.items() if use.source],
    )
    yield gauge(
        "seats_left",
        "Seats of the license that nobody uses; absent where the license is unlimited or unknown.",
        OF_SERVER,
        [(labels[key], use.available) for key, use in known.items() if use.available is not None],
    )


def _jobs() -> Mapping[int, _Jobs]:
    """By connection, in one query; a class that this version does not know is ``unknown``: others chose its words."""
    found: defaultdict[int, _Jobs] = defaultdict(_Jobs)
    known = all_failures()
    rows = SyncJob.objects.values_list("connection", "state", "error_code").annotate(
        number=Count("pk"), free=Count("pk", filter=Q(lease_until=None))
    )
    for connection, state, code, number, free in rows.order_by():
        jobs = found[connection]
        jobs.states[state] += number
        if code and state in {SyncJob.State.FAILED, SyncJob.State.QUEUED}:
            jobs.failures[code if code in known else "unknown"] += number
        if code and state == SyncJob.State.QUEUED:
            jobs.retrying += free
    return found


def _uses() -> dict[int, LicenseUse]:
    licenses = {held.server_id: held for held in License.objects.all()}
    sources = {source.server_id: source for source in SeatSource.objects.all()}
    return {key: use_of(licenses.get(key), sources.get(key)) for key in licenses.keys() | sources.keys()}


def _refreshes() -> list[tuple[int, str]]:
    """Every server with a source, and why its last refresh failed; empty where it did not."""
    sources = SourceConfig.objects.exclude(kind=SeatSource.Kind.IMPORT).only("server_id", "error_code")
    return [(source.server_id, source.error_code) for source in sources]


def _age(moment: datetime, at: datetime) -> float:
    return max(0.0, (at - moment).total_seconds())
