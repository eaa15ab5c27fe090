"""What a sync changed for people, or a preview would: kept of the cloud's answer as far as it makes sense.

The numbers stay with the job. Some accounts are named by their ids; their addresses stay only with the newest job of a
kind, since the seats say the rest. docs/wire.md, "The difference".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import msgspec

from licensesync.models import SyncJob
from wire.addresses import MAX_ADDRESS_LENGTH, has_refused_characters
from wire.lines import MAX_USER_ID
from wire.messages import AccountSample, Difference, Receipt

CHANGES: Final = ("added", "removed", "matched", "unmatched")
RULES: Final = ("linked", "identity", "verified", "address", "none")
SAMPLES: Final = 20

PEOPLE: Final = tuple(f"people_{change}" for change in CHANGES)
COUNTS: Final = (*PEOPLE, "licenses_added", "licenses_removed")

_LARGEST: Final = 2**31 - 1
_SIGNED: Final = ("accounts", "added", "changed", "removed", "licenses_before", "licenses_after", "revision")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of an answer, by column of the job; empty where the cloud did not say."""

    numbers: dict[str, int]
    samples: list[dict[str, Any]]
    addresses: list[str]

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of the job beside its result."""
        return {"samples": self.samples, "sample_addresses": self.addresses or None}


def read_preview(difference: Difference | None) -> tuple[dict[str, int] | None, Kept]:
    """Return the result of a preview, None where the cloud did not say, and what else is kept."""
    if difference is None or not all(0 <= getattr(difference, name) <= _LARGEST for name in _SIGNED):
        return None, _NOTHING
    kept = _read(difference)
    return {name: getattr(difference, name) for name in _SIGNED} | kept.numbers, kept


def read_applied(difference: Difference | None, receipt: Receipt) -> Kept:
    """Return what is kept beside a receipt; nothing where the difference is another than the receipt's."""
    if difference is None or any(getattr(difference, name) != getattr(receipt, name) for name in _SIGNED):
        return _NOTHING
    return _read(difference)


def forget_addresses(job: SyncJob) -> None:
    """Forget the addresses of earlier jobs, once this one is over; a preview leaves those of the last sync."""
    earlier = SyncJob.objects.filter(connection=job.connection_id, sample_addresses__isnull=False, pk__lt=job.pk)
    if job.kind == SyncJob.Kind.PREVIEW:
        earlier = earlier.filter(kind=SyncJob.Kind.PREVIEW, omits=job.omits)
    earlier.update(sample_addresses=None)


_NOTHING: Final = Kept(numbers={}, samples=[], addresses=[])


def _read(difference: Difference) -> Kept:
    numbers = {name: getattr(difference, name) for name in COUNTS}
    if any(number is None or not 0 <= number <= _LARGEST for number in numbers.values()):
        return _NOTHING
    samples = [sample for change in CHANGES for sample in islice(_sound(difference, change), SAMPLES)]
    return Kept(
        numbers=numbers,
        samples=[{"user_id": one.user_id, "change": one.change, "match": one.match} for one in samples],
        addresses=[one.primary for one in samples],
    )


def _sound(difference: Difference, change: str) -> Iterator[AccountSample]:
    """The samples of a kind that can be accounts of ours."""
    for sample in difference.samples:
        is_ours = 1 <= sample.user_id <= MAX_USER_ID and len(sample.primary) <= MAX_ADDRESS_LENGTH
        if is_ours and sample.change == change and not has_refused_characters(sample.primary):
            yield sample if sample.match in RULES else msgspec.structs.replace(sample, match="")
