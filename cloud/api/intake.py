"""What a connected server sends: its weekly record, and its snapshots in parts. Thin: `cloud.intake` decides."""

from http import HTTPStatus
from typing import NoReturn

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from cloud import intake, signer
from cloud.api import auth, checks
from cloud.api.auth import AppRequest
from cloud.api.bodies import answer, no_content, read_body, read_message
from cloud.api.errors import Refused
from cloud.history import DECISIONS, held_of
from cloud.installing import ConnectionExists
from cloud.intake import IntakeRefused
from cloud.models import Installation
from cloud.records import keep_record
from cloud.renaming import ServerGone, follow_rename
from enterprises.api import english
from enterprises.audit import actor_ip
from wire.messages import AcceptedKey, ConnectionRecord, ErrorCode, NewHostname, OpenSync, SyncStatus
from wire.parts import MAX_PART_BYTES, has_content_digest

router = Router(auth=auth.installation)

_STATUS = {"receiving": HTTPStatus.CREATED, "applying": HTTPStatus.ACCEPTED}


@router.put("/enterprise-installation/connection", url_name="put_connection")
def put_connection(request: AppRequest) -> HttpResponse:
    """Keep the connection record; fields that it does not know, and with them any personal ones, are never stored."""
    record = read_message(request, ConnectionRecord)
    checks.check_record(record, request.auth)
    keep_record(installation=request.auth, record=record, at=timezone.now())
    return no_content()


@router.put("/enterprise-installation/receipt-key", url_name="put_receipt_key")
def put_receipt_key(request: AppRequest) -> HttpResponse:
    """From now on sign the server's receipts with a key that it has pinned."""
    kid = read_message(request, AcceptedKey).kid
    if not signer.accept(installation=request.auth, kid=kid, at=timezone.now(), ip=actor_ip(request)):
        raise Refused(ErrorCode.INVALID_REQUEST, "Validation Failed: kid is none of the receipt keys.")
    return no_content()


@router.put("/enterprise-installation/hostname", url_name="put_hostname")
def put_hostname(request: AppRequest) -> HttpResponse:
    """Know the server under its new name from now on; an owner of the server says that it was renamed."""
    names = read_message(request, NewHostname)
    checks.check_hostname(names.hostname)
    try:
        follow_rename(
            installation=request.auth,
            former=names.former,
            hostname=names.hostname,
            at=timezone.now(),
            ip=actor_ip(request),
        )
    except IntakeRefused as error:
        _refuse(error, request.auth)
    except ServerGone as error:
        raise auth.gone() from error
    except ConnectionExists as error:
        raise Refused(ErrorCode(error.code), english(error)) from error
    return no_content()


@router.post("/enterprise-installation/license-syncs", url_name="open_sync")
def open_sync(request: AppRequest) -> HttpResponse:
    """Open a sync: 201 asks for parts, 202 says that it is being applied, 200 that it was."""
    opening = read_message(request, OpenSync)
    checks.check_opening(opening)
    try:
        status = intake.open_sync(request.auth, opening, timezone.now())
    except IntakeRefused as error:
        _refuse(error, request.auth)
    return _answer(status)


@router.get("/enterprise-installation/license-syncs/{sync_id}", url_name="sync_status")
def show_sync(request: AppRequest, sync_id: str) -> HttpResponse:
    """Say where a sync stands; the receipt once it is applied."""
    checks.check_sync_id(sync_id)
    try:
        return answer(intake.status(request.auth, sync_id))
    except IntakeRefused as error:
        _refuse(error, request.auth)


@router.delete("/enterprise-installation/license-syncs/{sync_id}", url_name="withdraw_sync")
def withdraw_sync(request: AppRequest, sync_id: str) -> HttpResponse:
    """Forget a sync that its server will not finish; one that was committed stays, and the answer says so."""
    checks.check_sync_id(sync_id)
    try:
        return answer(intake.withdraw(request.auth, sync_id, timezone.now()))
    except IntakeRefused as error:
        _refuse(error, request.auth)


@router.put("/enterprise-installation/license-syncs/{sync_id}/parts/{number}", url_name="put_part")
def put_part(request: AppRequest, sync_id: str, number: str) -> HttpResponse:
    """Receive one part, exactly as it was sent."""
    checks.check_sync_id(sync_id)
    part = checks.part_number(number)
    body = read_body(request, MAX_PART_BYTES)
    if not has_content_digest(request.headers.get("Content-Digest", ""), body):
        raise Refused(ErrorCode.PART_DIGEST, "Content-Digest does not name the SHA-256 of the part.")
    try:
        return answer(intake.receive_part(request.auth, sync_id, part, body, timezone.now()))
    except IntakeRefused as error:
        _refuse(error, request.auth)


@router.post("/enterprise-installation/license-syncs/{sync_id}/commit", url_name="commit_sync")
def commit_sync(request: AppRequest, sync_id: str) -> HttpResponse:
    """Have the snapshot applied; again, and the answer is the same."""
    checks.check_sync_id(sync_id)
    try:
        status = intake.commit(request.auth, sync_id, timezone.now())
    except IntakeRefused as error:
        _refuse(error, request.auth)
    return _answer(status)


def _answer(status: SyncStatus) -> HttpResponse:
    return answer(status, status=_STATUS.get(status.state, HTTPStatus.OK))


def _refuse(error: IntakeRefused, installation: Installation) -> NoReturn:
    held = held_of(installation) if error.code in DECISIONS else None
    raise Refused(ErrorCode(error.code), english(error.message), held=held) from error
