"""What people and programs may do to the cloud's books: one transaction each, with its audit row."""

from datetime import datetime

from django.db import transaction

from cloud.models import Ledger
from cloud.signer import current_signer
from enterprises.models import Enterprise


@transaction.atomic
def open_ledger(*, enterprise: Enterprise, seats_purchased: int = 0, at: datetime) -> Ledger:
    """Open the books of a cloud account, and make sure that receipts can be signed."""
    current_signer(at)
    return Ledger.objects.create(enterprise=enterprise, seats_purchased=seats_purchased)
