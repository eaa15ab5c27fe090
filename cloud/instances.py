"""What the cloud says about each server: its status line, how fresh it is, and what it adds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cloud.models import Installation, Ledger, ServerAccount

STALE_AFTER = timedelta(days=8)
EVERY = timedelta(days=7)
# The name of the feature in a connection record.
LICENSE_SYNC = "license_sync"


@dataclass(frozen=True, kw_only=True)
class InstanceState:
    """One row of "Enterprise Server instances"; ``at`` is the time of its status line."""

    installation: Installation
    status: str | Promise
    at: datetime | None
    tone: str
    label: str | Promise
    problem: str
    next_expected_at: datetime | None
    is_overdue: bool
    added_licenses: int


def instance_states(ledger: Ledger, at: datetime) -> list[InstanceState]:
    """Every server of the account by hostname, in two queries."""
    alone = _licenses_of_one_server(ledger)
    installations = ledger.installations.order_by("hostname", "pk")
    return [_state(installation, at, alone.get(installation.pk, 0)) for installation in installations]


def licenses_freed_by_removal(installation: Installation) -> int:
    """How many licenses only this server adds: what removing it gives back."""
    return _licenses_of_one_server(installation.ledger).get(installation.pk, 0)


def _licenses_of_one_server(ledger: Ledger) -> dict[int, int]:
    """Count, per installation, the counted people who exist through that server alone."""
    cloud_less = ledger.licenses.filter(is_counted=True, on_cloud=False)
    people = (
        ServerAccount.objects.filter(ledger=ledger, person_key__in=cloud_less.values("person_key"))
        .values("person_key")
        .annotate(servers=Count("installation", distinct=True))
        .filter(servers=1)
    )
    rows = (
        ServerAccount.objects.filter(ledger=ledger, person_key__in=people.values("person_key"))
        .values_list("installation")
        .annotate(licenses=Count("person_key", distinct=True))
    )
    return dict(rows)


def _state(installation: Installation, at: datetime, added_licenses: int) -> InstanceState:
    synced_at = installation.last_sync_at
    is_stale = synced_at is not None and at - synced_at > STALE_AFTER
    failed = installation.last_status == Installation.SyncStatus.FAILURE
    is_disconnected = installation.state == Installation.State.DISCONNECTED
    label: Promise
    if is_disconnected:
        tone, label = "neutral", _("Disconnected")
    elif failed:
        tone, label = "danger", _("Last sync failed")
    elif synced_at is None:
        tone, label = "attention", _("Never synced")
    elif is_stale:
        tone, label = "attention", _("Stale")
    else:
        tone, label = "success", _("Up to date")
    is_late = is_stale or synced_at is None
    is_awaited = not is_disconnected and not (is_late and _is_switched_off(installation))
    next_expected_at = synced_at + EVERY if synced_at and is_awaited else None
    return InstanceState(
        installation=installation,
        status=(
            _("GitHub Connect server usage synced") if synced_at else _("GitHub Connect server usage never synced")
        ),
        at=synced_at,
        tone=tone,
        label=label,
        problem=_problem(installation, is_late=is_late),
        next_expected_at=next_expected_at,
        is_overdue=next_expected_at is not None and next_expected_at < at,
        added_licenses=added_licenses,
    )


def _problem(installation: Installation, *, is_late: bool) -> str:
    """Return why nothing newer arrived, as far as the cloud was told."""
    if installation.state == Installation.State.DISCONNECTED:
        return ""
    if installation.last_status == Installation.SyncStatus.FAILURE:
        # Stored in English, as the API answers it; the sentence itself is in the catalogue.
        return gettext(installation.last_error) if installation.last_error else ""
    if is_late and _is_switched_off(installation):
        return gettext("License sync is off on this server: its owner sets it to Enabled on its GitHub Connect page.")
    return ""


def _is_switched_off(installation: Installation) -> bool:
    """Whether the server's last connection record says so."""
    features = installation.record.get("features")
    return isinstance(features, list) and not any(
        feature.get("name") == LICENSE_SYNC and feature.get("enabled_at") for feature in features
    )
