"""What is known of usage files where a state is read: the last one accepted, and one whose receipt has not come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext

from connect.models import Connection
from licensesync.models import SyncJob
from licensesync.state.codes import StateCode
from licensesync.state.words import STALE_AFTER, day_of

FILE_JOBS: Final = ("accepted_id", "waiting_id")


@dataclass(frozen=True)
class Carried:
    """The last usage file that the cloud accepted, and the newest one after it that waits for its receipt."""

    accepted: SyncJob | None = None
    waiting: SyncJob | None = None

    def code(self, at: datetime) -> StateCode | None:
        """What the files say of a server that no line leads to; None where there are none."""
        if self.accepted is not None and self.accepted.arrived_at is not None:
            is_stale = at - self.accepted.arrived_at > STALE_AFTER
            return StateCode.FILE_STALE if is_stale else StateCode.FILE_ACCEPTED
        return StateCode.FILE_EXPORTED if self.waiting is not None else None

    @property
    def newest(self) -> SyncJob | None:
        """The file that was made last."""
        return self.waiting or self.accepted


def with_files(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    """Add the keys of the jobs to the query, and how the account is called."""
    files = SyncJob.objects.filter(connection=OuterRef("pk"), kind=SyncJob.Kind.FILE).order_by("-pk").values("pk")
    return connections.annotate(
        accepted_id=Subquery(files.filter(state=SyncJob.State.SUCCEEDED)[:1]),
        waiting_id=Subquery(files.filter(state=SyncJob.State.EXPORTED)[:1]),
        identity=F("server__server_id"),
        file_account=F("server__file_account__account_slug"),
        file_account_name=F("server__file_account__account_name"),
    )


def carried_of(connection: Connection, accepted: SyncJob | None, waiting: SyncJob | None) -> Carried:
    """Leave out what says nothing of this server as it is now: a former identity's, and what Disable has ended."""
    if accepted is not None and not _still_holds(connection, accepted):
        accepted = None
    is_newer = waiting is not None and (accepted is None or waiting.pk > accepted.pk)
    is_of_now = waiting is not None and _is_after_the_end(connection, waiting.finished_at)
    return Carried(accepted, waiting if is_newer and is_of_now else None)


def accepted_words(connection: Connection, job: SyncJob | None, at: datetime) -> str:
    """Who accepted a file, as which revision and when."""
    result = job.result if job is not None else None
    if job is None or job.arrived_at is None or not result:
        return ""
    names = {
        getattr(connection, "file_account", None): getattr(connection, "file_account_name", None),
        connection.account_slug: connection.account_name,
    }
    account = str(result["account"])
    return gettext("Accepted by %(account)s, revision %(revision)d, %(day)s") % {
        "account": names.get(account) or account,
        "revision": result["revision"],
        "day": day_of(job.arrived_at, at),
    }


def waiting_words(job: SyncJob | None, at: datetime) -> str:
    """That a newer file is on its way."""
    if job is None or job.finished_at is None:
        return ""
    text = gettext("A newer usage file was exported on %(day)s; its receipt has not come yet.")
    return text % {"day": day_of(job.finished_at, at)}


def adopted_words(connection: Connection, files: Carried) -> str:
    """That a restored server goes on from what it forgot, until a file is made that builds on it."""
    result = files.accepted.result if files.accepted is not None else None
    base = connection.base_revision
    if not result or base is None or base <= result["revision"]:
        return ""
    if files.waiting is not None and files.waiting.base_revision == base:
        return ""
    text = gettext(
        "The cloud holds revision %(revision)d, which this server has forgotten. Export the license usage again."
    )
    return text % {"revision": base}


def _still_holds(connection: Connection, job: SyncJob) -> bool:
    result = job.result or {}
    if result.get("server_id") != str(getattr(connection, "identity", "")):
        return False
    if connection.is_connected:
        return bool(result.get("account") == connection.account_slug)
    return _is_after_the_end(connection, job.arrived_at)


def _is_after_the_end(connection: Connection, at: datetime | None) -> bool:
    ended_at = None if connection.is_connected else connection.disconnected_at
    return at is not None and (ended_at is None or at >= ended_at)
