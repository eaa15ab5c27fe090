"""The weekly connection record in words, exactly as it would be sent now."""

from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connect.models import Connection
from enterprises import moments
from licensesync.models import Schedule, SyncJob
from licensesync.syncing.record import connection_record


def record_rows(connection: Connection) -> list[dict[str, Any]]:
    """Every field of the record, labeled."""
    record = connection_record(connection)
    unknown = _("unknown")
    features = [
        _("License sync since %(moment)s") % {"moment": moments.in_words(feature.enabled_at)}
        for feature in record.features
        if feature.enabled_at is not None
    ]
    threshold = record.dormancy_threshold_days
    dormancy = ngettext("dormant after %(days)s day", "dormant after %(days)s days", threshold) % {"days": threshold}
    return [
        {"label": _("Host name"), "value": record.hostname, "help": _("without TLS") if record.http_only else "TLS"},
        {"label": _("Version"), "value": record.version or unknown},
        {"label": _("Customer"), "value": record.customer_name or unknown},
        {"label": _("License hash"), "value": record.license_hash or unknown},
        {"label": _("License public key"), "value": record.license_public_key or unknown},
        {"label": _("Features"), "value": ", ".join(features) or _("none enabled")},
        {"label": _("Seats that hold a license"), "value": _number(record.license_consuming_seats)},
        {"label": _("Dormant users"), "value": _number(record.dormant_users), "help": dormancy},
    ]


def record_note(connection: Connection) -> str:
    """When the record was sent last and goes out next; it holds nothing about people."""
    sent = (
        SyncJob.objects.filter(connection=connection, slot=Schedule.Slot.RECORD, state=SyncJob.State.SUCCEEDED)
        .order_by("-pk")
        .values_list("finished_at", flat=True)
        .first()
    )
    due = Schedule.objects.filter(connection=connection, slot=Schedule.Slot.RECORD).first()
    parts = [_("Sent every week, no personal data")]
    parts.append(_("last %(moment)s") % {"moment": moments.in_words(sent)} if sent else _("not sent yet"))
    if due is not None:
        parts.append(_("next %(moment)s") % {"moment": moments.in_words(due.next_run_at)})
    return " · ".join(parts)


def _number(value: int) -> str:
    return formats.number_format(value, force_grouping=True)
