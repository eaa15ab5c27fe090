"""What the cloud says about each server: its status line, how fresh it is, and what it adds."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cloud.models import Channel, Installation, Intake, Ledger, Revision
from cloud.refusals import is_decided_on_server
from cloud.shares import added_licenses

STALE_AFTER = timedelta(days=8)
# Seats that were older than this when they were synced are said to be old, as on their server.
OLD_SEATS_AFTER = timedelta(days=8)
EVERY = timedelta(days=7)
# The name of the feature in a connection record.
LICENSE_SYNC = "license_sync"


class Standing(enum.Enum):
    """Where a server stands; the first that holds, from the top."""

    DISCONNECTED = enum.auto()
    SYNC_OFF = enum.auto()
    UNDECIDED = enum.auto()
    FAILED = enum.auto()
    SYNCING = enum.auto()
    NEVER_SYNCED = enum.auto()
    STALE = enum.auto()
    OLD_SEATS = enum.auto()
    UP_TO_DATE = enum.auto()


@dataclass(frozen=True, kw_only=True)
class InstanceState:
    """One row of "Enterprise Server instances"; ``at`` is the time of its status line."""

    installation: Installation
    standing: Standing
    status: str | Promise
    at: datetime | None
    tone: str
    label: str | Promise
    problem: str
    next_expected_at: datetime | None
    is_overdue: bool
    added_licenses: int
    last_sync: Revision | None = None
    last_upload: int | None = None
    """The primary key of the newest usage file that was uploaded."""

    @property
    def upload_state(self) -> str:
        """PENDING, SUCCESS or FAILURE, in GitHub's words, where its last attempt was a usage file; else empty."""
        is_upload = self.installation.last_channel == Channel.FILE
        return _UPLOADS.get(self.installation.last_status, "") if is_upload else ""

    @property
    def needs_somebody(self) -> bool:
        """Whether it does not go on by itself."""
        return self.tone in {"danger", "attention"}


def instance_states(ledger: Ledger, at: datetime) -> list[InstanceState]:
    """Every server of the account by hostname, in four queries."""
    added, changes, uploads = added_licenses(ledger), _last_syncs(ledger), _last_uploads(ledger)
    installations = ledger.installations.order_by("hostname", "pk")
    return [
        replace(
            _state(installation, at, added.get(installation.pk, 0)),
            last_sync=changes.get(installation.pk),
            last_upload=uploads.get(installation.pk),
        )
        for installation in installations
    ]


def by_need(states: Iterable[InstanceState]) -> list[InstanceState]:
    """The servers that need somebody first, each kind in the order in which it came."""
    return sorted(states, key=lambda state: _TONES.index(state.tone))


def hostnames_by_standing(ledgers: Iterable[Ledger], at: datetime) -> dict[int, dict[Standing, list[str]]]:
    """Return the servers of many accounts, by primary key of the ledger and where they stand, in one query."""
    found: dict[int, dict[Standing, list[str]]] = {}
    installations = Installation.objects.filter(ledger__in=ledgers).defer("app_key", "next_app_key")
    for installation in installations.order_by("hostname", "pk"):
        standing = _standing(installation, at, is_off=is_switched_off(installation))
        found.setdefault(installation.ledger_id, {}).setdefault(standing, []).append(installation.hostname)
    return found


def _last_syncs(ledger: Ledger) -> dict[int | None, Revision]:
    """What the last sync of each server changed."""
    syncs = Revision.objects.filter(ledger=ledger, cause=Revision.Cause.SYNC, installation__isnull=False)
    last = syncs.order_by().values("installation").annotate(last=Max("number")).values("last")
    return {row.installation_id: row for row in syncs.filter(number__in=last)}


def _last_uploads(ledger: Ledger) -> dict[int, int]:
    files = Intake.objects.filter(installation__ledger=ledger, channel=Channel.FILE).order_by()
    return dict(files.values_list("installation").annotate(last=Max("pk")))


def _state(installation: Installation, at: datetime, added_licenses: int) -> InstanceState:
    synced_at = installation.last_sync_at
    is_off = is_switched_off(installation)
    standing = _standing(installation, at, is_off=is_off)
    tone, label = _label(installation, standing)
    # Nothing comes by itself from a server that reports by file.
    is_awaited = installation.state == Installation.State.CONNECTED and not is_off
    next_expected_at = synced_at + EVERY if synced_at and is_awaited else None
    return InstanceState(
        installation=installation,
        standing=standing,
        status=_status(installation),
        at=installation.last_attempt_at if _is_uploading(installation) else synced_at,
        tone=tone,
        label=label,
        problem=_problem(installation, is_off=is_off),
        next_expected_at=next_expected_at,
        is_overdue=next_expected_at is not None and next_expected_at < at,
        added_licenses=added_licenses,
    )


def _is_uploading(installation: Installation) -> bool:
    """Whether its status line is about a file that is being applied, or was refused."""
    is_over = installation.last_status == Installation.SyncStatus.SUCCESS
    return installation.last_channel == Channel.FILE and installation.last_attempt_at is not None and not is_over


def _status(installation: Installation) -> Promise:
    if _is_uploading(installation):
        return _("Server usage uploaded")
    if installation.last_sync_at is None:
        by_file = installation.state == Installation.State.BY_FILE
        return _("Server usage never uploaded") if by_file else _("GitHub Connect server usage never synced")
    if installation.held_channel == Channel.FILE:
        return _("Server usage uploaded")
    return _("GitHub Connect server usage synced")


def _standing(installation: Installation, at: datetime, *, is_off: bool) -> Standing:
    """What is worst goes first; a server that was switched off is not expected to do anything."""
    synced_at = installation.last_sync_at
    if installation.state == Installation.State.DISCONNECTED:
        return Standing.DISCONNECTED
    if is_off:
        return Standing.SYNC_OFF
    if installation.last_status == Installation.SyncStatus.FAILURE:
        return Standing.UNDECIDED if is_decided_on_server(installation.last_error) else Standing.FAILED
    if installation.last_status == Installation.SyncStatus.PENDING:
        return Standing.SYNCING
    if synced_at is None:
        return Standing.NEVER_SYNCED
    if at - synced_at > STALE_AFTER:
        return Standing.STALE
    if installation.taken_at is not None and synced_at - installation.taken_at > OLD_SEATS_AFTER:
        return Standing.OLD_SEATS
    return Standing.UP_TO_DATE


_TONES: Final = ("danger", "attention", "neutral", "accent", "success")

_UPLOADS: Final[dict[str, str]] = {
    Installation.SyncStatus.PENDING: "PENDING",
    Installation.SyncStatus.SUCCESS: "SUCCESS",
    Installation.SyncStatus.FAILURE: "FAILURE",
}

_LABELS: Final[dict[Standing, tuple[str, Promise]]] = {
    Standing.DISCONNECTED: ("neutral", _("Disconnected")),
    Standing.SYNC_OFF: ("attention", _("License sync is off")),
    Standing.UNDECIDED: ("danger", _("Waits for the server's owner")),
    Standing.FAILED: ("danger", _("Last sync failed")),
    Standing.SYNCING: ("accent", _("Sync under way")),
    Standing.NEVER_SYNCED: ("attention", _("Never synced")),
    Standing.STALE: ("attention", _("Stale")),
    Standing.UP_TO_DATE: ("success", _("Up to date")),
}


_LABELS_OF_FILES: Final[dict[Standing, tuple[str, Promise]]] = {
    Standing.FAILED: ("danger", _("Last upload failed")),
    Standing.SYNCING: ("accent", _("Usage file being applied")),
}


def _label(installation: Installation, standing: Standing) -> tuple[str, str | Promise]:
    if standing is Standing.NEVER_SYNCED and installation.state == Installation.State.BY_FILE:
        return "attention", _("No usage file yet")
    if installation.last_channel == Channel.FILE and standing in _LABELS_OF_FILES:
        return _LABELS_OF_FILES[standing]
    if standing is not Standing.OLD_SEATS or installation.taken_at is None:
        return _LABELS[standing]
    day = formats.date_format(timezone.localtime(installation.taken_at), "DATE_FORMAT")
    return "attention", gettext("Synced, with seats of %(day)s") % {"day": day}


def _problem(installation: Installation, *, is_off: bool) -> str:
    """Return why nothing newer arrived, as far as the cloud was told."""
    if installation.state == Installation.State.DISCONNECTED:
        return gettext("Nothing comes any more; its people count until an owner removes it here.")
    failed = ""
    if installation.last_status == Installation.SyncStatus.FAILURE and installation.last_error:
        # Stored in English, as the API answers it; the sentence itself is in the catalogue.
        failed = gettext(installation.last_error)
        if is_decided_on_server(installation.last_error):
            failed += " " + gettext("An owner of the server decides it on the GitHub Connect page of the server.")
    if is_off:
        off = gettext("License sync is off on this server: its owner sets it to Enabled on its GitHub Connect page.")
        return f"{off} {failed}".strip()
    return failed


def is_switched_off(installation: Installation) -> bool:
    """Whether the server's connection record says so, and no sync came after it that says otherwise.

    One that reports by file has no such switch.
    """
    if installation.state == Installation.State.BY_FILE:
        return False
    told_at, tried_at = installation.record_at, installation.last_attempt_at
    if told_at is not None and tried_at is not None and tried_at > told_at:
        return False
    features = installation.record.get("features")
    return isinstance(features, list) and not any(
        feature.get("name") == LICENSE_SYNC and feature.get("enabled_at") for feature in features
    )
