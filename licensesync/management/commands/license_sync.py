"""The toggle, Sync now, and where the license sync of a server stands."""

import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.core.management.base import CommandError
from django.db.models import QuerySet
from django.utils import timezone

from connect.models import Server
from enterprises.commands import ReportingCommand
from enterprises.moments import iso
from licensesync import services
from licensesync.commands import find_server, refused
from licensesync.failures import explain, failure_of
from licensesync.licenses import license_values, use_of
from licensesync.models import Schedule, SyncJob
from licensesync.pages.difference import difference_of
from licensesync.pages.server import license_of, source_of
from licensesync.sources.status import source_values
from licensesync.state import ConnectionState, connection_state, connection_states
from licensesync.users.suspending import freed_by, is_mixed

NOBODY_AFTER_SECONDS: Final = 15
POLL_SECONDS: Final = 0.5
_PEOPLE: Final = {
    "added": "People who are new on the cloud",
    "removed": "People who are gone from it",
    "matched": "People who were there already, with more accounts",
    "unmatched": "People who stay, with fewer accounts",
}
_EXIT_CODES: Final = {"attention": 2, "danger": 3}


class Command(ReportingCommand):
    """Enable, disable, sync now, preview, cancel, or say where it stands."""

    help = "Set license sync of a server, sync now, preview or cancel a sync, or say where it stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", nargs="?", help="the slug of its enterprise; status without it: all")
        parser.add_argument("action", choices=("enable", "disable", "now", "preview", "cancel", "status"))
        parser.add_argument("--wait", action="store_true", help="wait until the sync is over; a failed one is an error")
        parser.add_argument("--timeout", type=int, default=600, metavar="SECONDS", help="how long --wait waits")
        parser.add_argument(
            "--check", action="store_true", help="status: exit 2 where somebody is needed, 3 on failure"
        )
        parser.add_argument(
            "--suspend-dormant",
            action="store_true",
            help="preview: what the cloud would count without the dormant users that are not on the exclusion list",
        )
        parser.add_argument("--allow-shrink", action="store_true", help="let a large part of the people be removed")

    def handle(self, *, server: str | None, action: str, **options: Any) -> None:
        """Do one of them."""
        if server is None:
            if action != "status":
                raise CommandError(f"Name a server: license_sync SERVER {action}.")
            self._status_of_all(options)
            return
        found = find_server(server)
        actions: dict[str, Callable[[Server, dict[str, Any]], None]] = {
            "enable": self._enable,
            "disable": self._disable,
            "now": self._now,
            "preview": self._preview,
            "cancel": self._cancel,
            "status": self._status,
        }
        with refused(services.NotConnected, services.SyncDisabled, services.CannotCancel):
            actions[action](found, options)

    def _enable(self, server: Server, options: dict[str, Any]) -> None:
        self._set(server, options, enabled=True)

    def _disable(self, server: Server, options: dict[str, Any]) -> None:
        self._set(server, options, enabled=False)

    def _set(self, server: Server, options: dict[str, Any], *, enabled: bool) -> None:
        now = timezone.now()
        changed = services.set_license_sync(connection=server.connection, enabled=enabled, by=None, at=now)
        state = connection_state(server.connection, now)
        word = "Enabled" if enabled else "Disabled"
        line = f"License sync of {server} is {word}" + ("." if changed else " already.")
        if enabled and state.next_run_at:
            line += f" The next sync is due at {iso(state.next_run_at)}."
        self.report(line, as_json=options["json"], enabled=enabled, changed=changed, next_run_at=iso(state.next_run_at))

    def _now(self, server: Server, options: dict[str, Any]) -> None:
        self._request(server, options, SyncJob.Kind.USAGE)

    def _preview(self, server: Server, options: dict[str, Any]) -> None:
        self._request(server, options, SyncJob.Kind.PREVIEW)

    def _request(self, server: Server, options: dict[str, Any], kind: SyncJob.Kind) -> None:
        omits = SyncJob.Omits.DORMANT if options["suspend_dormant"] else SyncJob.Omits.NOBODY
        if omits and kind != SyncJob.Kind.PREVIEW:
            raise CommandError("--suspend-dormant goes with preview alone: no sync leaves anybody out.")
        try:
            job = services.request_sync(
                connection=server.connection,
                by=None,
                at=timezone.now(),
                trigger=SyncJob.Trigger.COMMAND,
                kind=kind,
                allow_shrink=options["allow_shrink"],
                omits=omits,
            )
        except services.SyncDisabled as error:
            raise CommandError(f"{error} Enable it: license_sync {server.enterprise.slug} enable") from error
        if job.kind != kind or job.omits != omits:
            raise CommandError(f"Another {job.get_kind_display().lower()} is under way; try again when it is over.")
        if options["wait"]:
            self._wait(job, options["timeout"])
        self._report_job(job, options)

    def _wait(self, job: SyncJob, timeout: int) -> None:
        """Look at the row until the job is over; a worker does the work, and its absence is said."""
        began = time.monotonic()
        has_warned = False
        while job.is_active:
            waited = time.monotonic() - began
            if waited > timeout:
                raise CommandError(f"After {timeout} s the sync is {job.get_state_display().lower()} still.")
            if not job.claim and not has_warned and waited > NOBODY_AFTER_SECONDS:
                has_warned = True
                self.stderr.write("No worker has picked the sync up yet: is one running? Still waiting.")
            if job.is_waiting_to_retry and job.not_before and job.not_before > timezone.now():
                raise CommandError(f"{_sentence(job)} Next attempt at {iso(job.not_before)}.")
            time.sleep(POLL_SECONDS)
            job.refresh_from_db()

    def _report_job(self, job: SyncJob, options: dict[str, Any]) -> None:
        if job.state in {SyncJob.State.FAILED, SyncJob.State.CANCELLED}:
            raise CommandError(f"The sync was not done. {_sentence(job)} {explain(job.error_code).next_step}")
        self.report(_job_line(job), as_json=options["json"], **_job_values(job))

    def _cancel(self, server: Server, options: dict[str, Any]) -> None:
        job = SyncJob.objects.active().filter(connection=server.connection, slot=Schedule.Slot.SYNC).first()
        if job is None:
            raise CommandError("No sync is under way.")
        services.cancel_sync(job=job, by=None, at=timezone.now())
        self.report("The sync was cancelled.", as_json=options["json"], **_job_values(job))

    def _status(self, server: Server, options: dict[str, Any]) -> None:
        state = connection_state(server.connection, timezone.now())
        if options["wait"] and state.active:
            self._wait(state.active, options["timeout"])
            state = connection_state(server.connection, timezone.now())
        self.report(_state_line(server, state), as_json=options["json"], **_state_values(server, state))
        _check([state], options)

    def _status_of_all(self, options: dict[str, Any]) -> None:
        servers = list(_every_server())
        states = connection_states([server.connection.pk for server in servers], timezone.now())
        found = [(server, states[server.connection.pk]) for server in servers]
        lines = "\n".join(_state_line(server, state) for server, state in found)
        self.report(
            lines or "There is no server on this console.",
            as_json=options["json"],
            servers=[_state_values(server, state) for server, state in found],
        )
        _check([state for _server, state in found], options)


def _every_server() -> QuerySet[Server]:
    servers = Server.objects.select_related("enterprise", "connection", "license", "seat_source", "source_config")
    return servers.defer("source_config__token").order_by("enterprise__slug")


def _check(states: list[ConnectionState], options: dict[str, Any]) -> None:
    """Let a script know by the exit code alone: 2 where somebody is needed, 3 where something failed."""
    if not options["check"]:
        return
    worst = max((_EXIT_CODES.get(state.tone, 0) for state in states), default=0)
    if worst:
        raise SystemExit(worst)


def _sentence(job: SyncJob) -> str:
    failure = failure_of(job)
    return failure.sentence if failure else str(explain(job.error_code).sentence)


def _job_line(job: SyncJob) -> str:
    if job.state != SyncJob.State.SUCCEEDED:
        waits = f"The {job.get_kind_display().lower()} is {job.get_state_display().lower()}."
        return f"{waits} Give --wait to read here how it ends."
    if not job.result:
        return "The preview is done; the cloud did not say what would change."
    if job.omits == SyncJob.Omits.DORMANT:
        freed = freed_by(job)
        licenses = f"{freed} {'license' if freed == 1 else 'licenses'}"
        told = f"Suspending these {job.omitted} dormant users would free {licenses}. Nothing was changed."
        more = (
            " The list had changed since the last sync, and the number holds these changes, too: sync, then ask again."
        )
        return told + (more if is_mixed(job) else "")
    what = {name: job.result[name] for name in ("accounts", "added", "changed", "removed")}
    verb = "would send" if job.kind == SyncJob.Kind.PREVIEW else "sent"
    line = (
        f"The server {verb} {what['accounts']} accounts: {what['added']} added, {what['changed']} changed, "
        f"{what['removed']} removed; licenses {job.result['licenses_before']} -> {job.result['licenses_after']}, "
        f"revision {job.result['revision']}.{_old_seats(job)}"
    )
    return "\n".join([line, *_people_lines(job)])


def _people_lines(job: SyncJob) -> Iterator[str]:
    """What that means for people, and some of this server's accounts behind each number."""
    found = difference_of(job, job.connection.server, is_owner=False)
    for kind in found.kinds if found else ():
        if kind.count:
            names = [f"{job.hostname}:{one.user_id} {one.login or one.address}".strip() for one in kind.samples]
            more = [f"and {kind.more} more"] if kind.more else []
            yield f"{_PEOPLE[kind.change]}: {kind.count} ({', '.join([*names, *more])})"


def _old_seats(job: SyncJob) -> str:
    """That the source gave no list, and how old the seats are that were taken instead."""
    if not job.source_error:
        return ""
    return f" The seats are those taken at {iso(job.taken_at)}: {explain(job.source_error).sentence}"


def _job_values(job: SyncJob) -> dict[str, Any]:
    return {
        "job": job.pk,
        "kind": job.kind,
        "state": job.state,
        "sync_id": str(job.sync_id) if job.sync_id else None,
        "accounts": job.accounts,
        "omits": job.omits,
        "omitted": job.omitted,
        "would_free": freed_by(job) if job.omits and job.result else None,
        "is_mixed": is_mixed(job) if job.omits and job.result else None,
        "taken_at": iso(job.taken_at),
        "source_error": job.source_error,
        "error_code": job.error_code,
        "not_before": iso(job.not_before),
        "result": job.result,
        "samples": _sample_values(job),
    }


def _sample_values(job: SyncJob) -> list[dict[str, Any]]:
    found = difference_of(job, job.connection.server, is_owner=True)
    return [
        {
            "change": kind.change,
            "user_id": one.user_id,
            "login": one.login,
            "primary": one.address,
            "match": one.match,
            "url": one.url,
        }
        for kind in (found.kinds if found else ())
        for one in kind.samples
    ]


def _state_line(server: Server, state: ConnectionState) -> str:
    parts = [f"{server}: {state.label}."]
    parts += [str(text) for text in (state.reason, *state.remarks, state.next_step) if text]
    if seats := source_of(server):
        listed = f"{seats.get_kind_display()}, {seats.accounts} accounts, taken at {iso(seats.taken_at)}"
        parts.append(f"Seats: {listed}.")
    times = {
        "Setup until": state.setup_until,
        "Last success": state.last_success,
        "Last attempt": state.last_attempt,
        "Next attempt": state.retry_at,
        "Next run": state.next_run_at,
    }
    parts += [f"{name}: {iso(moment)}." for name, moment in times.items() if moment]
    return " ".join(parts)


def _state_values(server: Server, state: ConnectionState) -> dict[str, Any]:
    return {
        "server": server.enterprise.slug,
        "hostname": server.hostname,
        "state": state.code,
        "tone": state.tone,
        "label": str(state.label),
        "reason": str(state.reason),
        "next_step": str(state.next_step),
        "place": state.place,
        "remarks": [str(remark) for remark in state.remarks],
        "error_code": state.error_code,
        "setup_until": iso(state.setup_until),
        "seats_taken_at": iso(state.seats_taken_at),
        "source": source_values(server),
        "license": license_values(use_of(license_of(server), source_of(server)), timezone.now()),
        "license_expired_on": state.license_expired_on.isoformat() if state.license_expired_on else None,
        "last_success": iso(state.last_success),
        "last_attempt": iso(state.last_attempt),
        "next_run_at": iso(state.next_run_at),
        "retry_at": iso(state.retry_at),
        "job": _job_values(state.active) if state.active else None,
    }
