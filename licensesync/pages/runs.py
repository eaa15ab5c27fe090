"""How one run of the license sync ended: its result as the receipt says, or why it failed."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connect.models import Connection
from licensesync.failures import Failure, explain, failure_of
from licensesync.models import SyncJob

TONES = {
    SyncJob.State.EXPORTED: "accent",
    SyncJob.State.SUCCEEDED: "success",
    SyncJob.State.FAILED: "danger",
    SyncJob.State.CANCELLED: "neutral",
}


@dataclass(frozen=True)
class Result:
    """What a sync changed, as the cloud's signed receipt says."""

    accounts: int
    added: int
    changed: int
    removed: int
    licenses_before: int
    licenses_after: int
    revision: int
    account: str
    cloud: str
    count_url: str

    @classmethod
    def of(cls, job: SyncJob, connection: Connection) -> "Result | None":
        """The result of a job that succeeded; None for any other."""
        if job.state != SyncJob.State.SUCCEEDED or not job.result:
            return None
        numbers = {
            name: int(job.result[name])
            for name in ("accounts", "added", "changed", "removed", "licenses_before", "licenses_after", "revision")
        }
        account = str(job.result.get("account", ""))
        if job.kind == SyncJob.Kind.FILE and not (connection.is_connected and connection.account_slug == account):
            # Nothing signed says where that cloud is.
            return cls(**numbers, account=account, cloud=account, count_url="")
        url = f"{connection.cloud_url}/enterprises/{connection.account_slug}/licensing"
        account = connection.account_name or account
        return cls(**numbers, account=account, cloud=urlsplit(connection.cloud_url).netloc, count_url=url)


@dataclass(frozen=True)
class Run:
    """One row of the list of recent runs."""

    job: SyncJob
    result: Result | None
    failure: Failure | None

    @classmethod
    def of(cls, job: SyncJob, connection: Connection) -> "Run":
        """The row of a job."""
        return cls(job, Result.of(job, connection), failure_of(job))

    @property
    def label(self) -> str | Promise:
        """How it ended, or where it is."""
        if self.job.is_waiting_to_retry:
            return _("Will be tried again")
        if self.job.kind == SyncJob.Kind.FILE and self.job.state == SyncJob.State.SUCCEEDED:
            return _("Accepted")
        return self.job.get_state_display()

    @property
    def tone(self) -> str:
        """The color of the label."""
        if self.job.is_waiting_to_retry:
            return "attention"
        return TONES.get(SyncJob.State(self.job.state), "accent")

    @property
    def by(self) -> str | Promise:
        """Who or what started it."""
        if self.job.requested_by is not None:
            return self.job.requested_by.display_name
        return self.job.get_trigger_display()

    @property
    def reason(self) -> str | Promise:
        """Why it ended without a receipt."""
        if self.failure:
            return self.failure.sentence
        if self.job.state == SyncJob.State.CANCELLED and self.job.error_code:
            return explain(self.job.error_code).sentence
        return ""
