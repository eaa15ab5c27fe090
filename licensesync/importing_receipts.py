"""Import the receipt that a cloud gave for a usage file: verified without a network, applied in one transaction."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Q

from connect.answers import is_link
from connect.models import Connection, FileAccount, Server
from connect.receipt_files import CheckedReceipt, Trust, check_receipt, followers, trust_of
from connect.receipt_refusals import (
    ReceiptFingerprintDiffers,
    ReceiptKeyUnknown,
    ReceiptOfNoFile,
    ReceiptOfOtherLines,
    ReceiptOlder,
    ReceiptOtherShape,
)
from connect.receipts import audit_key, pin_file_followers, pin_followers
from enterprises import audit
from enterprises.models import User
from licensesync import jobs
from licensesync.models import SyncJob
from wire import signing
from wire.messages import Receipt, ReceiptKey

_WITH_A_FILE: Final = (SyncJob.State.EXPORTED, SyncJob.State.SUCCEEDED)
_MAX_URL_LENGTH: Final = 500


@dataclass(frozen=True)
class ImportedReceipt:
    """What became of a receipt. ``job`` made its file, None where this server forgot it; ``is_new`` unless it was
    imported before, which changes nothing.
    """

    receipt: Receipt
    job: SyncJob | None
    is_new: bool


@dataclass(frozen=True)
class _Importing:
    """One receipt under way, whose server's connection is held."""

    server: Server
    checked: CheckedReceipt
    by: User | None
    at: datetime
    ip: str

    @property
    def receipt(self) -> Receipt:
        return self.checked.receipt


@transaction.atomic
def import_receipt(
    *,
    server: Server,
    content: bytes,
    by: User | None,
    at: datetime,
    ip: str = "",
    fingerprint: str = "",
    adopt: bool = False,
    account: str = "",
) -> ImportedReceipt:
    """Believe a receipt file: its job has succeeded, and what comes next builds on what the cloud holds.

    ``fingerprint`` is that of the key which an owner compared, needed for a key that is not trusted yet. With ``adopt``
    a server that forgot the file, since it was restored, goes on from the receipt's revision if it is the higher one.
    ``account`` is the cloud account that takes its usage files from now on, where that is another one than before.

    :raises connect.receipt_refusals.ReceiptRefused: nothing changed; its class says why
    """
    # Held to the end: another import, a sync that ends and a connection that comes about wait for this one.
    held = Connection.objects.select_for_update(no_key=True).get(server=server)
    held.server = server
    server.connection = held
    trust = trust_of(server)
    checked = check_receipt(server, content, trust, account=account)
    job = _job_of(held, checked.receipt)
    is_known = _is_known(held, checked.receipt, job)
    if job is None and not is_known:
        _refuse_unless_adopted(held, checked.receipt, adopt=adopt)
    _refuse_unless_trusted(checked, trust, fingerprint)
    if not is_known:
        importing = _Importing(server, checked, by, at, ip)
        _pin(importing)
        if job is not None:
            _settle(importing, job)
        _go_on_from(held, checked.receipt)
        _audit(importing, is_adopted=job is None)
    return ImportedReceipt(checked.receipt, job, is_new=not is_known)


def _job_of(connection: Connection, receipt: Receipt) -> SyncJob | None:
    """:raises ReceiptOfOtherLines: there is one, which holds something else"""
    try:
        sync_id = UUID(receipt.sync_id)
    except ValueError as error:
        raise ReceiptOtherShape from error
    files = SyncJob.objects.filter(connection=connection, kind=SyncJob.Kind.FILE, state__in=_WITH_A_FILE)
    job = files.filter(sync_id=sync_id).first()
    if job is None:
        return None
    is_same = hmac.compare_digest(receipt.sha256.encode(), job.sha256.encode()) and receipt.accounts == job.accounts
    if not is_same:
        raise ReceiptOfOtherLines
    return job


def _refuse_unless_trusted(checked: CheckedReceipt, trust: Trust, fingerprint: str) -> None:
    if checked.is_trusted:
        return
    if not fingerprint:
        is_change = trust.account == checked.receipt.account
        raise ReceiptKeyUnknown(checked.fingerprint, checked.receipt, name=checked.account_name, is_change=is_change)
    if not signing.is_fingerprint(fingerprint, checked.key["x"]):
        raise ReceiptFingerprintDiffers(checked.fingerprint)


def _is_known(held: Connection, receipt: Receipt, job: SyncJob | None) -> bool:
    """Whether it was imported before, for its job or in place of one."""
    if job is not None:
        return job.state == SyncJob.State.SUCCEEDED
    return (held.base_revision, str(held.base_snapshot_id)) == (receipt.revision, receipt.sync_id)


def _refuse_unless_adopted(held: Connection, receipt: Receipt, *, adopt: bool) -> None:
    known = held.base_revision
    if known is not None and known >= receipt.revision and _account_of_base(held) == receipt.account:
        raise ReceiptOlder(receipt.revision, known)
    if not adopt:
        raise ReceiptOfNoFile(receipt)


def _settle(importing: _Importing, job: SyncJob) -> None:
    result = msgspec.to_builtins(importing.receipt)
    key = importing.checked.key
    SyncJob.objects.filter(pk=job.pk, state=SyncJob.State.EXPORTED).update(
        state=SyncJob.State.SUCCEEDED,
        receipt=importing.checked.file.jws,
        receipt_key=key,
        result=result,
        error_code="",
        error="",
    )
    jobs.note(job.pk, "receipt_imported", importing.at, revision=importing.receipt.revision, kid=key["kid"])
    job.refresh_from_db()


def _go_on_from(held: Connection, receipt: Receipt) -> None:
    """Build on the receipt, unless something newer of the same account is known."""
    base = {"base_revision": receipt.revision, "base_snapshot_id": UUID(receipt.sync_id)}
    same = Connection.objects.filter(pk=held.pk)
    if _account_of_base(held) == receipt.account:
        same = same.filter(Q(base_revision=None) | Q(base_revision__lt=receipt.revision))
    if same.update(**base):
        held.refresh_from_db(fields=list(base))


def _account_of_base(held: Connection) -> str:
    """Whose history the base is of: a server may have been connected to another account before."""
    left = SyncJob.objects.filter(connection=held, sync_id=held.base_snapshot_id, state=SyncJob.State.SUCCEEDED)
    result = left.values_list("result", flat=True).first() if held.base_snapshot_id else None
    return str(result["account"]) if result and "account" in result else held.account_slug


def _pin(importing: _Importing) -> None:
    """Trust the key that was compared, and those that follow a trusted one."""
    server, checked = importing.server, importing.checked
    if server.connection.is_connected:
        pin_followers(server.connection, followers(checked.file.keys, server.connection.receipt_keys), at=importing.at)
        return
    known = FileAccount.objects.filter(server=server, account_slug=checked.receipt.account)
    if not (checked.is_trusted and known.exists()):
        _pin_account(importing)
    pinned = FileAccount.objects.values_list("receipt_keys", flat=True).get(server=server)
    pin_file_followers(server, followers(checked.file.keys, pinned), at=importing.at)


def _pin_account(importing: _Importing) -> None:
    server, key, told = importing.server, importing.checked.key, importing.checked.file
    # Not signed: it is kept only where it is an address at all.
    url = told.cloud_url
    FileAccount.objects.update_or_create(
        server=server,
        defaults={
            "account_slug": importing.receipt.account,
            "account_name": importing.checked.account_name,
            "account_kind": told.account.kind,
            "cloud_url": url if is_link(url) and len(url) <= _MAX_URL_LENGTH else "",
            "receipt_keys": [key],
            "pinned_at": importing.at,
            "pinned_by": importing.by,
        },
    )
    audit_key(
        server,
        "dotcom_connection.receipt_key_pinned",
        ReceiptKey(kid=key["kid"], x=key["x"]),
        at=importing.at,
        by=importing.by,
        ip=importing.ip,
    )


def _audit(importing: _Importing, *, is_adopted: bool) -> None:
    receipt = importing.receipt
    audit.record(
        enterprise=importing.server.enterprise,
        action="license.receipt_import",
        by=importing.by,
        at=importing.at,
        ip=importing.ip,
        target=importing.server.hostname,
        after={
            "account": receipt.account,
            "revision": receipt.revision,
            "snapshot_id": receipt.sync_id,
            "kid": importing.checked.key["kid"],
            "key_fingerprint": importing.checked.fingerprint,
            "adopted": is_adopted,
        },
    )
