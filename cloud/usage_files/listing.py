"""The usage files that came for the servers of a cloud account."""

from django.db.models import QuerySet

from cloud.models import Channel, Intake, Ledger


def uploads_of(ledger: Ledger) -> QuerySet[Intake]:
    """Return them, the newest first, each with what its status needs."""
    found = Intake.objects.filter(installation__ledger=ledger, channel=Channel.FILE)
    return found.select_related("installation__ledger__enterprise", "uploaded_by").order_by("-pk")
