"""The doctor of the server's side: each cloud as it is seen from here, and each server's sync, seats and jobs."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from connect.models import Connection, Server
from enterprises.doctor import (
    LATE,
    Check,
    Checks,
    Status,
    guarded,
    local_checks,
    side_by_side,
    this_console,
    with_reason,
    work_check,
)
from licensesync.failures import explain
from licensesync.line_checks import line_checks
from licensesync.models import Schedule, SeatSource, SyncJob
from licensesync.sources.refreshing import automatic
from licensesync.state import STALE_AFTER, ConnectionState, connection_state

LINE_SECONDS: Final = 7.0

_STATUS_OF_TONE: Final = {
    "success": Status.OK,
    "accent": Status.OK,
    "attention": Status.WARNING,
    "danger": Status.FAILED,
    "neutral": Status.NOT_APPLICABLE,
}


def server_checks(servers: Callable[[], Sequence[Server]], at: datetime) -> list[Check]:
    """The line to each cloud, all at the same time, then what this console knows of its jobs and servers."""
    known: list[Server] = []

    def of_servers() -> Checks:
        known.extend(servers())
        yield _work(at)
        for server in known:
            yield from (_sync(server, at), _seats(server, at))

    about_servers = guarded(this_console(), of_servers)
    return [*_lines(known), *about_servers]


def _lines(servers: Sequence[Server]) -> list[Check]:
    connected: dict[str, list[Connection]] = {url: [] for url in settings.CLOUD_URLS}
    for server in servers:
        if server.connection.is_connected:
            connected.setdefault(server.connection.cloud_url.rstrip("/"), []).append(server.connection)
    if not connected:
        return [
            Check(
                about=this_console(),
                name=_("Clouds"),
                status=Status.WARNING,
                seen=_("CLOUD_URLS names no cloud."),
                next_step=_("Enter the address of your cloud into CLOUD_URLS and start the console again."),
            )
        ]
    jobs = {url: partial(line_checks, url, connections) for url, connections in connected.items()}
    return side_by_side(jobs, seconds=LINE_SECONDS)


def is_work_late(at: datetime) -> bool:
    """Whether something has been due for so long that no worker can be alive."""
    since = at - LATE
    waits = SyncJob.objects.due(since).filter(created_at__lt=since).exists()
    connected = Schedule.objects.filter(connection__state=Connection.State.CONNECTED)
    return waits or connected.filter(next_run_at__lt=since).exists()


def _work(at: datetime) -> Check:
    step = _("Check that the worker and the beat of this server are running.")
    return work_check(is_late=is_work_late(at), next_step=step)


def _sync(server: Server, at: datetime) -> Check:
    state = connection_state(server.connection, at)
    return Check(
        about=server.hostname,
        name=_("License sync"),
        status=_STATUS_OF_TONE.get(state.tone, Status.OK),
        seen=_sentence(state),
        next_step=str(state.next_step),
    )


def _sentence(state: ConnectionState) -> str:
    words = with_reason(state.label, str(state.reason))
    if state.last_success is None:
        return words
    return f"{words} " + _("The last success was on %(date)s UTC.") % {"date": f"{state.last_success:%Y-%m-%d %H:%M}"}


def _seats(server: Server, at: datetime) -> Check:
    """Where the seats come from, how many days old they are, and whether they can be refreshed."""
    source = SeatSource.objects.filter(server=server).first()
    config = automatic(server).defer("token").first()
    about = partial(Check, about=server.hostname, name=_("Seats"))
    step = _("Refresh the seats of this server.") if config else _("Import the seats of this server.")
    if config and config.error_code:
        failure = explain(config.error_code)
        seen = f"{config.get_kind_display()}: {failure.sentence} {config.error}".strip()
        return about(status=Status.WARNING, seen=f"{seen} {_age(source, at)}".strip(), next_step=str(failure.next_step))
    if source is None:
        seen = _("No seats were imported yet.")
        return about(status=Status.WARNING, seen=seen, next_step=step)
    seen = f"{source.get_kind_display()}. {_age(source, at)}"
    if at - source.taken_at > STALE_AFTER:
        return about(status=Status.WARNING, seen=seen, next_step=step)
    return about(status=Status.OK, seen=seen)


def _age(source: SeatSource | None, at: datetime) -> str:
    if source is None:
        return ""
    days = max(0, (at - source.taken_at).days)
    return _("Days since the list of seats was taken: %(days)d.") % {"days": days}


def servers_to_check(**only: int) -> list[Server]:
    """Every server of this console for the command, or the one that a page is about."""
    servers = Server.objects.select_related("enterprise", "connection__server").filter(**only)
    return list(servers.order_by("hostname", "pk"))


def page_checks(server: Server, at: datetime) -> list[Check]:
    """This console and one server, for its page."""
    return [*local_checks(), *server_checks(lambda: servers_to_check(pk=server.pk), at)]
