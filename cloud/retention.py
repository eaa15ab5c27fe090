"""What the cloud keeps goes when its time is over: docs/privacy.md says when, and why.

The people of a server are not among it: they count until a complete snapshot lacks them, or an owner removes the
server.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext_noop as _

from cloud.models import (
    AppToken,
    Channel,
    ConnectCode,
    Installation,
    InstallationPoint,
    Intake,
    IntakePart,
    PersonChange,
    Revision,
    Saving,
    Statement,
    Suspect,
    SuspectRun,
    UsagePoint,
)
from cloud.refusals import UploadCode
from enterprises import retention
from enterprises.retention import LARGE_BODIES, PIECE, SMALL_PIECE, delete_piece

KEEP_ENDED: Final = timedelta(days=30)
"""So long a server may still ask how a snapshot ended; the latest one of each is kept for good."""
KEEP_SAMPLES: Final = timedelta(days=1)
"""So long a server may ask which of its accounts a snapshot concerned; one that had no answer asks again at once."""
KEEP_HISTORY: Final = timedelta(days=5 * 366)
KEEP_PAIRS: Final = timedelta(days=400)
"""So long nobody is asked again about a pair that was dismissed, or that came apart, while somebody of it is away."""

_OVER: Final = [state for state in Intake.State if state not in Intake.OPEN]


def enforce(at: datetime) -> None:
    """Delete what is over: snapshots and files that were never finished every minute, the rest every hour."""
    retention.run((_late_intakes, _late_previews, _parts, *retention.EVERY_MINUTE), at)
    retention.run_hourly(
        "cloud",
        (
            _tokens,
            _codes,
            _samples,
            _ended_intakes,
            _changes,
            _history,
            _pairs,
            _savings,
            _searches,
            _statements,
            *retention.EVERY_HOUR,
        ),
        at,
    )


def _late_intakes(at: datetime) -> bool:
    """End the snapshots that were never committed; their bytes go next, and nothing is added to them any more."""
    with transaction.atomic():
        late = Intake.objects.filter(state=Intake.State.RECEIVING, expires_at__lte=at).order_by("pk")
        some = dict(late.values_list("pk", "installation")[:PIECE])
        # Servers before intakes, as everywhere; a snapshot that is committed meanwhile is not late any more.
        servers = Installation.objects.select_for_update(no_key=True).filter(pk__in=set(some.values()))
        list(servers.order_by("pk").values_list("pk", flat=True))
        held = list(late.filter(pk__in=some).select_for_update(no_key=True).values_list("pk", flat=True))
        # A preview says nothing of the sync that may be under way beside it.
        syncs = Intake.objects.filter(pk__in=held, kind=Intake.Kind.USAGE).values("installation")
        Installation.objects.filter(pk__in=syncs, last_status=Installation.SyncStatus.PENDING).update(
            last_status=Installation.SyncStatus.FAILURE, last_error=_("The server never finished sending.")
        )
        Intake.objects.filter(pk__in=held).update(state=Intake.State.EXPIRED, finished_at=at)
    return len(some) == PIECE


def _late_previews(at: datetime) -> bool:
    """Usage files that nobody applied: their accounts go next."""
    ready = Intake.objects.filter(channel=Channel.FILE, kind=Intake.Kind.PREVIEW, state=Intake.State.APPLIED)
    late = ready.filter(expires_at__lte=at)
    late.update(state=Intake.State.EXPIRED, error_code=UploadCode.EXPIRED, finished_at=at, samples=None)
    return False


def _parts(_at: datetime) -> bool:
    """Those of a usage file stay as long as its preview."""
    is_ready = Q(intake__channel=Channel.FILE, intake__kind=Intake.Kind.PREVIEW, intake__state=Intake.State.APPLIED)
    return delete_piece(IntakePart.objects.filter(~is_ready, intake__state__in=_OVER), LARGE_BODIES)


def _tokens(at: datetime) -> bool:
    return delete_piece(AppToken.objects.filter(expires_at__lte=at))


def _codes(at: datetime) -> bool:
    return delete_piece(ConnectCode.objects.filter(expires_at__lte=at))


def _ended_intakes(at: datetime) -> bool:
    ended = Intake.objects.filter(finished_at__lte=at - KEEP_ENDED)
    held = Installation.objects.exclude(snapshot_id=None).values("snapshot_id")
    return delete_piece(ended.exclude(snapshot_id__in=held), SMALL_PIECE)


def _samples(at: datetime) -> bool:
    Intake.objects.filter(finished_at__lte=at - KEEP_SAMPLES, samples__isnull=False).update(samples=None)
    return False


def _changes(at: datetime) -> bool:
    """What a revision changed, with the people that it names; numbers and names go together."""
    old = Revision.objects.filter(at__lt=at - KEEP_HISTORY).order_by("pk")
    some = list(old.values_list("pk", "ledger", "number")[:SMALL_PIECE])
    for pk, ledger, number in some:
        if delete_piece(PersonChange.objects.filter(ledger=ledger, revision=number)):
            return True
        Revision.objects.filter(pk=pk).delete()
    return len(some) == SMALL_PIECE


def _history(at: datetime) -> bool:
    """The days of the account, then those of its servers."""
    first_kept = (at - KEEP_HISTORY).date()
    is_more = delete_piece(UsagePoint.objects.filter(day__lt=first_kept))
    return delete_piece(InstallationPoint.objects.filter(day__lt=first_kept)) or is_more


def _pairs(at: datetime) -> bool:
    """Pairs whose people are not there any more. What was proved is history."""
    over = Suspect.objects.filter(first_key="").exclude(state__in=Suspect.LISTED)
    proved = Suspect.State.CONFIRMED
    old = over.filter(state=proved, state_at__lt=at - KEEP_HISTORY)
    return delete_piece(old) or delete_piece(over.filter(state_at__lt=at - KEEP_PAIRS).exclude(state=proved))


def _savings(at: datetime) -> bool:
    return delete_piece(Saving.objects.filter(at__lt=at - KEEP_HISTORY))


def _searches(at: datetime) -> bool:
    """Searches that are over, but for the last one of each account."""
    last = SuspectRun.objects.values("ledger").annotate(last=Max("pk")).values("last")
    return delete_piece(SuspectRun.objects.filter(finished_at__lte=at - KEEP_ENDED).exclude(pk__in=last), SMALL_PIECE)


def _statements(at: datetime) -> bool:
    return delete_piece(Statement.objects.filter(made_at__lt=at - KEEP_HISTORY), SMALL_PIECE)
