"""The jobs of a server: the list, newest first, or one with its attempts and its log."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from connect.models import Server
from enterprises.commands import ReportingCommand
from enterprises.moments import iso
from licensesync.commands import find_job, find_server
from licensesync.models import SyncJob
from licensesync.pages.events import attempts_of, log_lines
from licensesync.pages.history import ACTIVE, jobs_of
from licensesync.pages.runs import Run


class Command(ReportingCommand):
    """Tell what happened to the syncs of a server."""

    help = "List the syncs of a server, newest first, or show one with its attempts and its event log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("server", help="the slug of the server's enterprise")
        parser.add_argument("job", nargs="?", type=int, help="the number of a job; without it the list")
        parser.add_argument("--limit", type=int, default=20, help="how many jobs to list (default: 20)")
        parser.add_argument(
            "--result",
            choices=("succeeded", "exported", "failed", "cancelled", ACTIVE),
            default="",
            help="only such jobs",
        )
        parser.add_argument("--trigger", choices=SyncJob.Trigger.values, default="", help="only jobs started so")
        parser.add_argument("--kind", choices=SyncJob.Kind.values, default="", help="only jobs of this kind")

    def handle(self, *, server: str, job: int | None, **options: Any) -> None:
        """List, or show one."""
        found = find_server(server)
        if job is not None:
            self._show(find_job(found, job), as_json=options["json"])
        else:
            self._list(found, options)

    def _list(self, server: Server, options: dict[str, Any]) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit is a number from 1.")
        filters = {name: options[name] for name in ("result", "trigger", "kind")}
        jobs = list(jobs_of(server, **filters).select_related("requested_by")[: options["limit"]])
        lines = [_line(job, server) for job in jobs] or [
            "No job is like that." if any(filters.values()) else "No runs."
        ]
        self.report("\n".join(lines), as_json=options["json"], jobs=[_values(job) for job in jobs])

    def _show(self, job: SyncJob, *, as_json: bool) -> None:
        events = list(job.events.all())
        attempts = attempts_of(events)
        text = [_line(job, job.connection.server)]
        text += [
            f"  {iso(each.at)} {each.text}{f': {each.detail}' if each.detail else ''}" for each in log_lines(events)
        ]
        self.report(
            "\n".join(text),
            as_json=as_json,
            **_values(job),
            attempt_list=[
                {
                    "number": each.number,
                    "began_at": iso(each.began_at),
                    "ended_at": iso(each.ended_at),
                    "outcome": each.event,
                    "error_code": each.code,
                    "next_at": iso(each.next_at),
                }
                for each in attempts
            ],
            events=[{"at": iso(each.at), "event": each.event, "data": each.data} for each in events],
        )


def _line(job: SyncJob, server: Server) -> str:
    run = Run.of(job, server.connection)
    parts = [f"{job.pk}", iso(job.created_at) or "", str(job.label), f"by {run.by}", str(run.label)]
    if run.result:
        what = run.result
        parts.append(f"+{what.added} ~{what.changed} -{what.removed}")
        parts.append(f"licenses {what.licenses_before} -> {what.licenses_after}")
    return ", ".join([*parts, *([str(run.reason)] if run.reason else [])])


def _values(job: SyncJob) -> dict[str, Any]:
    duration = (job.finished_at - job.started_at).total_seconds() if job.finished_at and job.started_at else None
    return {
        "job": job.pk,
        "kind": job.kind,
        "trigger": job.trigger,
        "by": job.requested_by.get_username() if job.requested_by else None,
        "state": job.state,
        "requested_at": iso(job.created_at),
        "began_at": iso(job.started_at),
        "ended_at": iso(job.finished_at),
        "duration_seconds": duration,
        "attempts": job.attempts,
        "next_attempt_at": iso(job.not_before),
        "error_code": job.error_code,
        "sync_id": str(job.sync_id) if job.sync_id else None,
        "taken_at": iso(job.taken_at),
        "accounts": job.accounts,
        "parts": job.part_count,
        "parts_sent": job.parts_sent,
        "bytes_sent": job.bytes_sent,
        "bytes": job.size,
        "sha256": job.sha256,
        "result": job.result,
        "has_receipt": bool(job.receipt),
    }
