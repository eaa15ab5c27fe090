"""Take snapshots in: open, receive part by part, commit or withdraw, say where one stands.

Every step may be repeated: the same request gets the same answer. docs/wire.md, "A sync".
"""

import hashlib
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext_noop as _

from cloud import tasks, unfinished
from cloud.applying import apply, apply_unchanged, difference_of, note_attempt, note_refusal
from cloud.history import DECISIONS, held_of, next_revision
from cloud.locks import hold, locked
from cloud.models import Installation, Intake, IntakePart, Ledger
from cloud.partcheck import check_part
from cloud.refusals import IntakeRefused, sentence
from cloud.signer import endorsed_keys
from wire.messages import FORMATS, ErrorCode, OpenSync, Problem, SyncStatus
from wire.parts import MAX_PART_LINES

__all__ = ["IntakeRefused", "apply", "commit", "open_sync", "receive_part", "status", "withdraw"]

MAX_ACCOUNTS: Final = 10_000_000
MAX_PARTS: Final = 10_000

_NOTED: Final = {
    ErrorCode.REVISION_CONFLICT,
    ErrorCode.HOSTNAME_CHANGED,
    ErrorCode.UNSUPPORTED_FORMAT,
    ErrorCode.PAYLOAD_TOO_LARGE,
    ErrorCode.INVALID_REQUEST,
}
"""Openings after which no more will come of that sync: the account's page says so."""


def open_sync(installation: Installation, opening: OpenSync, at: datetime) -> SyncStatus:
    """Open a snapshot. One whose lines are held already is applied at once, and nothing is uploaded.

    An older snapshot of the same kind that was never committed gives way.

    :raises IntakeRefused: the opening is not sound, or its history is not the one that is held.
    """
    digest = hashlib.sha256(msgspec.json.encode(opening)).hexdigest()
    try:
        _check_opening(opening)
        known = Intake.objects.filter(installation=installation, snapshot_id=opening.sync_id).first()
        known = known or _open(installation, opening, digest, at)
    except IntakeRefused as refusal:
        if refusal.code in _NOTED and opening.kind == "usage":
            note_refusal(installation, refusal.code, at)
        raise
    except IntegrityError:
        # The same request came twice at the same time; the other one made the row.
        known = _intake(installation, opening.sync_id)
    if known.opening_digest != digest:
        raise IntakeRefused(ErrorCode.SYNC_ID_REUSED)
    until = unfinished.expires_at(known.kind, known.opened_at, at)
    Intake.objects.filter(pk=known.pk, state=Intake.State.RECEIVING).update(expires_at=until)
    return _status(known)


def receive_part(installation: Installation, sync_id: str, number: int, body: bytes, at: datetime) -> SyncStatus:
    """Keep one part as it came, after a look at everything that one part alone can tell.

    A part for a snapshot that is not receiving any more changes nothing; the status says why.

    :raises IntakeRefused: unknown snapshot, no such part, or not what a part is.
    """
    intake = _intake(installation, sync_id)
    opening = _opening(intake)
    if not 1 <= number <= opening.parts:
        raise IntakeRefused(ErrorCode.PART_INVALID)
    if intake.state != Intake.State.RECEIVING:
        return _status(intake)
    facts = check_part(body)
    with transaction.atomic():
        # The row is held so that a part cannot slip in behind the commit.
        held = _held(intake)
        if held.state == Intake.State.RECEIVING:
            IntakePart.objects.update_or_create(
                intake=held, number=number, defaults={**msgspec.structs.asdict(facts), "body": body}
            )
            held.expires_at = unfinished.expires_at(held.kind, held.opened_at, at)
            held.save(update_fields=["expires_at"])
    return _status(held)


def commit(installation: Installation, sync_id: str, at: datetime) -> SyncStatus:
    """Have a whole snapshot applied by a worker; while parts are missing, the status names them.

    Committing again gives the same receipt. A preview is computed the same way, and rolled back.

    :raises IntakeRefused: unknown snapshot, or a server that is not connected any more.
    """
    intake = _intake(installation, sync_id)
    with transaction.atomic():
        if hold(installation) is None:
            raise IntakeRefused(ErrorCode.INSTALLATION_GONE)
        held = _held(intake)
        if held.state == Intake.State.RECEIVING and not _missing(held):
            held.state = Intake.State.APPLYING
            held.save(update_fields=["state"])
            if held.kind == Intake.Kind.USAGE:
                note_attempt(installation, at)
            transaction.on_commit(lambda: tasks.publish(held.pk))
    return _status(held)


def withdraw(installation: Installation, sync_id: str, at: datetime) -> SyncStatus:
    """End a snapshot that its server will not finish; one that was committed stays what it is, and the status says so.

    :raises IntakeRefused: unknown snapshot, or a server that is not connected any more.
    """
    intake = _intake(installation, sync_id)
    with transaction.atomic():
        if hold(installation) is None:
            raise IntakeRefused(ErrorCode.INSTALLATION_GONE)
        if unfinished.end(Intake.objects.filter(pk=intake.pk), at) and intake.kind == Intake.Kind.USAGE:
            pending = Installation.objects.filter(pk=installation.pk, last_status=Installation.SyncStatus.PENDING)
            pending.update(
                last_status=Installation.SyncStatus.FAILURE,
                last_error=_("The server ended its last sync before it had sent everything."),
            )
    return status(installation, sync_id)


def status(installation: Installation, sync_id: str) -> SyncStatus:
    """Say where a snapshot stands: what is missing, the receipt, or why it was refused.

    :raises IntakeRefused: unknown snapshot.
    """
    return _status(_intake(installation, sync_id))


def _check_opening(opening: OpenSync) -> None:
    if not set(opening.formats) & set(FORMATS):
        raise IntakeRefused(ErrorCode.UNSUPPORTED_FORMAT)
    if opening.accounts > MAX_ACCOUNTS or opening.parts > MAX_PARTS:
        raise IntakeRefused(ErrorCode.PAYLOAD_TOO_LARGE)
    ids = [opening.sync_id, *opening.unanswered, *([opening.base.snapshot_id] if opening.base else [])]
    is_sound = (
        opening.accounts >= 0
        and -(-opening.accounts // MAX_PART_LINES) <= opening.parts <= opening.accounts
        and len(opening.sha256) == hashlib.sha256().digest_size * 2
        and opening.taken_at.tzinfo is not None
        and all(_is_uuid(text) for text in ids)
    )
    if not is_sound:
        raise IntakeRefused(ErrorCode.INVALID_REQUEST)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _open(installation: Installation, opening: OpenSync, digest: str, at: datetime) -> Intake:
    """Make the intake. Only one that is applied at once waits for the ledger; all others are asked again then."""
    is_held = installation.ledger.installations.filter(
        pk=installation.pk, sha256=opening.sha256, accounts=opening.accounts
    ).exists()
    with locked(installation.ledger_id) if is_held else transaction.atomic():
        held = hold(installation)
        if held is None:
            raise IntakeRefused(ErrorCode.INSTALLATION_GONE)
        revision = next_revision(held, opening)
        unfinished.end(held.intakes.filter(kind=opening.kind), at)
        intake = Intake.objects.create(
            installation=held,
            snapshot_id=opening.sync_id,
            kind=opening.kind,
            opened_at=at,
            expires_at=unfinished.expires_at(opening.kind, at, at),
            opening=msgspec.to_builtins(opening),
            opening_digest=digest,
            opened_at_revision=held.revision,
        )
        if is_held and held.sha256 == opening.sha256:
            ledger = Ledger.objects.select_related("enterprise").get(pk=held.ledger_id)
            apply_unchanged(ledger, held, intake, opening, revision, at)
        elif opening.kind == "usage":
            note_attempt(held, at)
        return intake


def _intake(installation: Installation, sync_id: str) -> Intake:
    found = Intake.objects.filter(installation=installation, snapshot_id=sync_id).first() if _is_uuid(sync_id) else None
    if found is None:
        raise IntakeRefused(ErrorCode.UNKNOWN_SYNC)
    return found


def _held(intake: Intake) -> Intake:
    """Hold the row for the caller's transaction; with its server it may have been removed a moment ago."""
    held = Intake.objects.select_for_update(no_key=True).filter(pk=intake.pk).first()
    if held is None:
        raise IntakeRefused(ErrorCode.INSTALLATION_GONE)
    return held


def _opening(intake: Intake) -> OpenSync:
    return msgspec.convert(intake.opening, OpenSync)


def _missing(intake: Intake) -> tuple[int, ...]:
    received = set(intake.parts.values_list("number", flat=True))
    return tuple(number for number in range(1, _opening(intake).parts + 1) if number not in received)


def _status(intake: Intake) -> SyncStatus:
    problem = None
    if intake.error_code:
        with translation.override("en"):
            message = str(sentence(intake.error_code))
        held = held_of(intake.installation) if intake.error_code in DECISIONS else msgspec.UNSET
        problem = Problem(message=message, code=intake.error_code, held=held)
    return SyncStatus(
        sync_id=str(intake.snapshot_id),
        state=intake.state,  # type: ignore[arg-type]  # The states have the wire's names.
        format=max(set(_opening(intake).formats) & set(FORMATS)),
        missing=_missing(intake) if intake.state == Intake.State.RECEIVING else (),
        receipt=intake.receipt,
        receipt_keys=endorsed_keys() if intake.receipt else (),
        preview=difference_of(intake),
        problem=problem,
    )
