"""Apply a whole snapshot: stage it, verify it, then switch to it in one transaction under the ledger's lock.

A usage file is first read into parts; whatever came is then applied in the same way.
"""

# ruff: noqa: S608  (Table names and conditions are this project's own; every value is a parameter.)

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.utils import translation

from cloud import claims, consumption, matching
from cloud.arriving import stage_parts
from cloud.changes import NOBODY, PeopleDifference, SnapshotChange
from cloud.claims import ClaimLost, claim, end_mine, renew, was_claimed_too_often
from cloud.file_parts import Progress, Readable, read_into_parts, silent
from cloud.guards import is_alarming_shrink
from cloud.history import next_revision
from cloud.locks import locked
from cloud.models import Channel, Installation, Intake, IntakePart, Ledger, Revision
from cloud.refusals import IntakeRefused, file_sentence, sentence
from cloud.reviving import in_the_way
from cloud.signer import sign_receipt
from cloud.staging import execute, fetch_row, temporary_table
from cloud.suspects import returning
from wire.messages import Difference, ErrorCode, OpenSync, Receipt

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_KEPT: Final = (
    *("revision", "snapshot_id", "sha256", "accounts", "taken_at"),
    *("last_sync_at", "last_attempt_at", "last_status", "last_error"),
    *("state", "disconnected_at", "last_channel", "held_channel", "receipt"),
)
KEEP_READY: Final = timedelta(days=1)
"""So long the preview of a usage file waits for somebody to apply it."""


def apply(intake_id: int, clock: Clock) -> None:
    """Apply or refuse the intake unless somebody else is at it; a preview is computed and rolled back."""
    intake = claim(intake_id, clock())
    if intake is not None:
        apply_claimed(intake, clock)


def apply_claimed(intake: Intake, clock: Clock, *, stream: Readable | None = None, progress: Progress = silent) -> None:
    """Apply an intake that is already this worker's; ``stream`` holds the accounts of a file that was never stored."""
    opening = msgspec.convert(intake.opening, OpenSync)
    try:
        if was_claimed_too_often(intake):
            raise IntakeRefused(ErrorCode.BUSY)
        if stream is not None or intake.upload_id is not None:
            read_into_parts(intake, clock, stream=stream, progress=progress)
        with temporary_table(matching.INCOMING, matching.INCOMING_COLUMNS, key=matching.INCOMING_KEY):
            stage_parts(intake, opening, still_mine=lambda: renew(intake, clock()))
            _switch(intake, opening, clock)
    except IntakeRefused as refusal:
        _refuse(intake, refusal, clock())
    except ClaimLost:
        logger.warning("Another worker took a snapshot over.", extra={"intake_id": intake.pk})
    except BaseException:
        # Whatever it was, the next tick tries again and need not wait for the lease to end.
        claims.mine(intake).update(lease_until=None)
        raise


def apply_unchanged(
    ledger: Ledger, installation: Installation, intake: Intake, opening: OpenSync, revision: int, at: datetime
) -> None:
    """Apply a snapshot whose lines are those that are held, under the ledger's lock: a receipt, nothing else."""
    unchanged = SnapshotChange(snapshot_id=intake.snapshot_id, added=0, changed=0, removed=0)
    if intake.kind == Intake.Kind.PREVIEW:
        difference = _difference(ledger.consumed, ledger, opening, unchanged, NOBODY, revision=installation.revision)
        _end(intake, at, state=Intake.State.APPLIED, **_stored(difference))
        return
    before = ledger.consumed
    consumption.close(ledger, at, cause=Revision.Cause.SYNC, people=NOBODY, server=installation, snapshot=unchanged)
    difference = _difference(before, ledger, opening, unchanged, NOBODY, revision=revision)
    _keep(ledger, installation, intake, opening, difference, at)


def note_attempt(installation: Installation, at: datetime, channel: Channel = Channel.WIRE) -> None:
    """Write down that a snapshot of a server is on its way into the books."""
    Installation.objects.filter(pk=installation.pk).update(
        last_attempt_at=at, last_status=Installation.SyncStatus.PENDING, last_error="", last_channel=channel
    )


def note_refusal(installation: Installation, code: str, at: datetime, channel: str = Channel.WIRE) -> None:
    """Write down that the last attempt of a server failed, and why."""
    with translation.override("en"):
        text = str(file_sentence(code) if channel == Channel.FILE else sentence(code))
    Installation.objects.filter(pk=installation.pk).update(
        last_attempt_at=at, last_status=Installation.SyncStatus.FAILURE, last_error=text, last_channel=channel
    )


def difference_of(intake: Intake) -> Difference | None:
    """Return what an intake changed, or would change; None before that is known."""
    if not intake.result:
        return None
    return msgspec.convert({**intake.result, "samples": intake.samples or ()}, Difference)


def state_of(intake_id: int) -> str:
    """Return where an intake stands; empty where it is gone."""
    return Intake.objects.filter(pk=intake_id).values_list("state", flat=True).first() or ""


def _switch(intake: Intake, opening: OpenSync, clock: Clock) -> None:
    """Make the staged lines the accounts of the server, in one transaction."""
    is_preview = intake.kind == Intake.Kind.PREVIEW
    at = clock()
    with locked(intake.installation.ledger_id, roll_back=is_preview) as ledger:
        if not claims.mine(intake).exists():
            raise ClaimLost
        held = _sender(ledger, intake)
        if held.revision != intake.opened_at_revision:
            raise IntakeRefused(ErrorCode.SUPERSEDED)
        revision = next_revision(held, opening)
        before = ledger.consumed
        asks = not (opening.allow_shrink or is_preview)
        change, people = _exchange(ledger, held, intake, opening, at, asks=asks)
        difference = _difference(
            before, ledger, opening, change, people, revision=held.revision if is_preview else revision
        )
        if not is_preview:
            _keep(ledger, held, intake, opening, difference, at)
    if is_preview and not _end_preview(intake, difference, clock()):
        raise ClaimLost


def _sender(ledger: Ledger, intake: Intake) -> Installation:
    """Return the server: what comes over the wire comes from one that is connected, a file from whoever has the key."""
    servers = ledger.installations.filter(pk=intake.installation_id)
    if intake.channel == Channel.FILE:
        servers = servers.filter(server_key=(intake.header or {}).get("server_key"))
    else:
        servers = servers.filter(state=Installation.State.CONNECTED)
    held = servers.first()
    if held is None:
        raise IntakeRefused(ErrorCode.INSTALLATION_GONE)
    is_for_good = intake.channel == Channel.FILE and intake.kind == Intake.Kind.USAGE
    if is_for_good and (code := in_the_way(ledger, held)):
        raise IntakeRefused(code)
    return held


def _end_preview(intake: Intake, difference: Difference, at: datetime) -> bool:
    """What came as a file stays for a day: somebody looks at the preview, then has it applied."""
    is_file = intake.channel == Channel.FILE
    kept = {"expires_at": at + KEEP_READY} if is_file else {}
    return end_mine(intake, at, keeps_parts=is_file, state=Intake.State.APPLIED, **_stored(difference), **kept)


def _exchange(
    ledger: Ledger, held: Installation, intake: Intake, opening: OpenSync, at: datetime, *, asks: bool
) -> tuple[SnapshotChange, PeopleDifference]:
    """Touch only what differs; return what that changed of accounts and people.

    :raises IntakeRefused: many would go, and ``asks`` is set.
    """
    with (
        matching.working_tables(),
        temporary_table(matching.OUTDATED, matching.OUTDATED_COLUMNS, key=matching.OUTDATED_KEY),
    ):
        total = _count_accounts(held)
        changed, removed = matching.set_outdated_aside(held) if total else (0, 0)
        if asks and is_alarming_shrink(removed=removed, held=total):
            raise IntakeRefused(ErrorCode.SHRINK_UNCONFIRMED)
        if changed or removed:
            matching.delete_outdated(held)
        if total:
            execute(
                f"""
                DELETE FROM {matching.INCOMING} WHERE EXISTS (
                    SELECT 1 FROM cloud_serveraccount a
                    WHERE a.installation_id = %s AND a.user_id = {matching.INCOMING}.user_id
                )
                """,
                held.pk,
            )
        inserted = matching.insert_incoming(held)
        matching.touch_incoming(held, is_first=not total)
        people = consumption.recount(ledger, Revision.Cause.SYNC, sampled=held)
        held.accounts = opening.accounts
        held.save(update_fields=["accounts"])
        change = SnapshotChange(
            snapshot_id=intake.snapshot_id, added=inserted - changed, changed=changed, removed=removed
        )
        consumption.close(ledger, at, cause=Revision.Cause.SYNC, people=people, server=held, snapshot=change)
        return change, people


def _count_accounts(held: Installation) -> int:
    return int(fetch_row("SELECT count(*) FROM cloud_serveraccount WHERE installation_id = %s", held.pk)[0])


def _difference(
    before: int,
    ledger: Ledger,
    opening: OpenSync,
    change: SnapshotChange,
    people: PeopleDifference,
    *,
    revision: int,
) -> Difference:
    return Difference(
        accounts=opening.accounts,
        added=change.added,
        changed=change.changed,
        removed=change.removed,
        licenses_before=before,
        licenses_after=ledger.consumed,
        revision=revision,
        people_added=people.added,
        people_removed=people.removed,
        people_matched=people.matched,
        people_unmatched=people.unmatched,
        licenses_added=people.licenses_added,
        licenses_removed=people.licenses_removed,
        samples=people.samples,
    )


def _stored(difference: Difference) -> dict[str, Any]:
    """Numbers stay with the intake, samples for a day: each in a column of its own."""
    result = msgspec.to_builtins(difference)
    return {"samples": result.pop("samples"), "result": result}


def _keep(
    ledger: Ledger, held: Installation, intake: Intake, opening: OpenSync, difference: Difference, at: datetime
) -> None:
    """Write what is held now, and the receipt for it."""
    held.revision = difference.revision
    held.snapshot_id = intake.snapshot_id
    held.sha256 = opening.sha256
    held.accounts = opening.accounts
    held.taken_at = opening.taken_at
    held.last_sync_at = held.last_attempt_at = at
    held.last_status = Installation.SyncStatus.SUCCESS
    held.last_error = ""
    held.last_channel = held.held_channel = intake.channel
    is_file = intake.channel == Channel.FILE
    if is_file and held.state == Installation.State.DISCONNECTED:
        held.state, held.disconnected_at = Installation.State.BY_FILE, None
    receipt = Receipt(
        accounts=difference.accounts,
        added=difference.added,
        changed=difference.changed,
        removed=difference.removed,
        licenses_before=difference.licenses_before,
        licenses_after=difference.licenses_after,
        revision=difference.revision,
        sync_id=opening.sync_id,
        server_id=str(held.server_id),
        hostname=held.hostname,
        account=ledger.enterprise.slug,
        sha256=opening.sha256,
        taken_at=opening.taken_at,
        applied_at=at,
    )
    held.receipt = sign_receipt(receipt, held, is_file=is_file)
    # Not the rest: the connection record is written without the ledger's lock.
    held.save(update_fields=_KEPT)
    returning.after_sync(ledger, held, opening.taken_at)
    _end(intake, at, state=Intake.State.APPLIED, receipt=held.receipt, **_stored(difference))


def _refuse(intake: Intake, refusal: IntakeRefused, at: datetime) -> None:
    is_over = end_mine(intake, at, state=Intake.State.REFUSED, error_code=refusal.code.value)
    if is_over and intake.kind == Intake.Kind.USAGE:
        note_refusal(intake.installation, refusal.code, at, intake.channel)


def _end(intake: Intake, at: datetime, **fields: object) -> None:
    """End an intake under the ledger's lock, and delete its bytes."""
    for name, value in {**fields, "finished_at": at, "lease_until": None}.items():
        setattr(intake, name, value)
    intake.save(update_fields=[*fields, "finished_at", "lease_until"])
    IntakePart.objects.filter(intake=intake).delete()
