"""What a sync changed for people, or a preview would: the numbers, and some of this server's accounts behind them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connect.models import Server
from licensesync.differences import CHANGES
from licensesync.models import Seat, SyncJob

_RULES: dict[str, str | Promise] = {
    "linked": gettext_lazy("linked by GitHub's report"),
    "identity": gettext_lazy("SAML or SCIM identity"),
    "verified": gettext_lazy("verified email address"),
    "address": gettext_lazy("primary email address"),
    "none": gettext_lazy("no primary email address"),
}
_TONES = {"added": "attention", "removed": "danger", "matched": "success", "unmatched": "neutral"}


@dataclass(frozen=True)
class Sample:
    """One account of this server: its login where it is among the seats, and where the cloud lists its person."""

    user_id: int
    login: str
    address: str
    match: str
    url: str

    @property
    def rule(self) -> str | Promise:
        """The rule that found its person."""
        return _RULES.get(self.match, "")


@dataclass(frozen=True)
class Kind:
    """The people to whom the same happens, and some of the accounts behind them."""

    change: str
    label: str
    sentence: str
    count: int
    samples: tuple[Sample, ...]

    @property
    def tone(self) -> str:
        """The color of the label."""
        return _TONES[self.change]

    @property
    def shows_rule(self) -> bool:
        """Whether the rule says something: where the person has a license another way."""
        return self.change in {"matched", "unmatched"}

    @property
    def more(self) -> int:
        """How many people are not among the samples."""
        return max(self.count - len(self.samples), 0)


@dataclass(frozen=True)
class DifferenceView:
    """What a job that succeeded changed, or would change. ``result`` holds its numbers."""

    job: SyncJob
    result: dict[str, Any]
    samples: dict[str, tuple[Sample, ...]]
    account: str
    cloud_page: str

    @property
    def is_preview(self) -> bool:
        """Whether nothing was applied."""
        return self.job.kind == SyncJob.Kind.PREVIEW

    @property
    def as_of(self) -> datetime | None:
        """When it was computed."""
        return self.job.finished_at

    @property
    def knows_people(self) -> bool:
        """Whether the cloud is new enough to tell."""
        return "people_added" in self.result

    @property
    def is_empty(self) -> bool:
        """Whether nobody comes, goes, or is matched otherwise."""
        return not any(kind.count for kind in self.kinds)

    @property
    def held(self) -> int:
        """How many accounts of this server the cloud held before."""
        return int(self.result["accounts"]) - int(self.result["added"]) + int(self.result["removed"])

    @cached_property
    def kinds(self) -> list[Kind]:
        """What happens to people: who comes, who goes, who was there already, and who stays all the same."""
        if not self.knows_people:
            return []
        labels = self._labels()
        return [
            Kind(change, *labels[change], int(self.result[f"people_{change}"]), self.samples.get(change, ()))
            for change in CHANGES
        ]

    def _labels(self) -> dict[str, tuple[str, str]]:
        if self.is_preview:
            return {
                "added": (_("Would come"), _("People whom nobody knew there: each takes a license.")),
                "removed": (
                    _("Would go"),
                    _("People without any account there afterwards: each gives a license back."),
                ),
                "matched": (
                    _("Would be matched"),
                    _("People who are there already: their accounts here cost nothing."),
                ),
                "unmatched": (_("Would stay"), _("They lose an account of this server, and keep their license.")),
            }
        return {
            "added": (_("Came"), _("People whom nobody knew there: each takes a license.")),
            "removed": (_("Went"), _("People without any account there afterwards: each gives a license back.")),
            "matched": (_("Were matched"), _("People who were there already: their accounts here cost nothing.")),
            "unmatched": (_("Stayed"), _("They lost an account of this server, and kept their license.")),
        }


def difference_of(job: SyncJob, server: Server, *, is_owner: bool) -> DifferenceView | None:
    """Read the difference in one query; None for a job that changed nothing because it did not succeed.

    Owners of the server get links to the cloud: connecting takes owners of both sides.
    """
    if job.state != SyncJob.State.SUCCEEDED or not job.result:
        return None
    connection = server.connection
    # Not to the account of a later connection.
    is_same = connection.is_connected and job.created_at >= (connection.connected_at or job.created_at)
    links = is_owner and is_same
    place = f"{connection.cloud_url}/enterprises/{connection.account_slug}"
    has_page = links and job.kind == SyncJob.Kind.USAGE and "people_added" in job.result
    return DifferenceView(
        job=job,
        result=job.result,
        samples=_samples(job, server, place if links else ""),
        account=connection.account_name or str(job.result.get("account", "")),
        cloud_page=f"{place}/licensing/syncs/{job.sync_id}" if has_page else "",
    )


def _samples(job: SyncJob, server: Server, place: str) -> dict[str, tuple[Sample, ...]]:
    kept = job.samples or []
    addresses = job.sample_addresses or [""] * len(kept)
    ids = [one["user_id"] for one in kept]
    logins = dict(Seat.objects.filter(server=server, user_id__in=ids).values_list("user_id", "login")) if ids else {}
    # Where the cloud finds the account: those that it held before, or holds since.
    known = {"removed", "unmatched"} if job.kind == SyncJob.Kind.PREVIEW else {"added", "matched"}

    def of(change: str) -> Iterator[Sample]:
        for one, address in zip(kept, addresses, strict=True):
            if one["change"] == change:
                user_id = one["user_id"]
                url = f"{place}/people?q={quote_plus(f'{job.hostname}:{user_id}')}" if place and change in known else ""
                yield Sample(user_id, logins.get(user_id, ""), address, one["match"], url)

    return {change: tuple(of(change)) for change in CHANGES}
