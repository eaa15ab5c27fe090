"""The way of a usage file: upload, register, preview, apply, receipt."""

from datetime import timedelta

import msgspec
import pytest

from cloud import applying, usage_files
from cloud.models import Installation, Intake, IntakePart, Ledger, ServerAccount
from cloud.signer import public_keys, rotate
from cloud.usage_files import UnknownServer, UploadCode, UploadRefused, UploadState, status_of
from enterprises.models import StagedUpload, User
from tests.cloud.books import NOW, people
from tests.cloud_usage_files.steps import apply, upload
from tests.support.usage_files import FileServer, lines_for
from wire import signing
from wire.messages import Receipt, ReceiptKey
from wire.receipts import ReceiptFile

MONA = (1, "mona@octo.example")
HUBOT = (2, "hubot@octo.example")


def test_unknown_server_leads_to_registration(ledger: Ledger, owner: User, far: FileServer) -> None:
    with pytest.raises(UnknownServer) as caught:
        usage_files.upload(ledger=ledger, stream=far.stream(lines_for([MONA])), name="u.json", by=owner, at=NOW)

    assert caught.value.fingerprint == far.fingerprint
    assert caught.value.staged is not None
    assert not Installation.objects.exists()


def test_registered_file_is_previewed_and_applied(ledger: Ledger, owner: User, far: FileServer) -> None:
    with pytest.raises(UnknownServer) as caught:
        usage_files.upload(ledger=ledger, stream=far.stream(lines_for([MONA, HUBOT])), name="u.json", by=owner, at=NOW)
    staged = caught.value.staged
    assert staged is not None

    intake = usage_files.register(ledger=ledger, staged=staged, fingerprint=far.fingerprint, by=owner, at=NOW)
    applying.apply(intake.pk, lambda: NOW)
    intake.refresh_from_db()
    ready = status_of(intake, NOW)
    assert usage_files.apply_upload(intake=intake, by=owner, at=NOW)
    applying.apply(intake.pk, lambda: NOW)

    intake.refresh_from_db()
    assert ready.state is UploadState.READY
    assert ready.difference is not None
    assert ready.difference.added == 2
    assert status_of(intake, NOW).state is UploadState.SUCCESS
    assert len(people(ledger)) == 2
    assert Installation.objects.get().state == Installation.State.BY_FILE
    assert not StagedUpload.objects.exists()
    assert not IntakePart.objects.exists()


def test_preview_counts_nothing_and_keeps_its_parts(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = usage_files.upload(
        ledger=ledger,
        stream=far.stream(lines_for([MONA])),
        name="u.json",
        by=owner,
        at=NOW,
        fingerprint=far.fingerprint,
    )
    applying.apply(intake.pk, lambda: NOW)

    assert not ServerAccount.objects.exists()
    assert IntakePart.objects.count() == 1


def test_upload_now_applies_without_a_worker(ledger: Ledger, far: FileServer) -> None:
    intake = usage_files.upload_now(
        ledger=ledger,
        stream=far.stream(lines_for([MONA])),
        name="u.json",
        by=None,
        at=NOW,
        fingerprint=far.fingerprint,
        clock=lambda: NOW,
    )

    assert intake.state == Intake.State.APPLIED
    assert len(people(ledger)) == 1


def test_receipt_file_is_of_a_key_of_this_cloud(ledger: Ledger, far: FileServer) -> None:
    intake = usage_files.upload_now(
        ledger=ledger,
        stream=far.stream(lines_for([MONA])),
        name="u.json",
        by=None,
        at=NOW,
        fingerprint=far.fingerprint,
        clock=lambda: NOW,
    )

    file = msgspec.json.decode(usage_files.receipt_of(intake), type=ReceiptFile)

    key = signing.read_public_key(public_keys(NOW)[0].x)
    receipt = signing.verify(file.jws, Receipt, typ=signing.RECEIPT, key=key)
    assert receipt == file.receipt
    assert (receipt.sync_id, receipt.revision, file.keys[0].endorsement) == (str(intake.snapshot_id), 1, "")


def test_receipt_of_a_file_comes_under_the_newest_key(ledger: Ledger, owner: User, far: FileServer) -> None:
    newest = rotate(NOW)

    intake = apply(upload(ledger, owner, far, [MONA]), owner)

    file = msgspec.json.decode(usage_files.receipt_of(intake), type=ReceiptFile)
    first, second = file.keys
    assert (signing.kid_of(file.jws), second.kid) == (newest.kid, newest.kid)
    word = signing.verify(second.endorsement, ReceiptKey, typ=signing.RECEIPT_KEY, key=signing.read_public_key(first.x))
    assert (first.endorsement, word) == ("", ReceiptKey(kid=second.kid, x=second.x))
    assert usage_files.receipt_name(intake) == f"receipt-{far.hostname}-r1.json"


def test_no_receipt_before_it_is_applied(ledger: Ledger, owner: User, far: FileServer) -> None:
    with pytest.raises(UploadRefused):
        usage_files.receipt_of(upload(ledger, owner, far, [MONA]))


def test_fingerprint_is_compared_without_its_blanks(ledger: Ledger, owner: User, far: FileServer) -> None:
    typed = far.fingerprint.replace(" ", "").upper()

    assert upload(ledger, owner, far, [MONA], fingerprint=typed).state == Intake.State.APPLIED


def test_registering_with_another_fingerprint_is_refused(ledger: Ledger, owner: User, far: FileServer) -> None:
    with pytest.raises(UnknownServer) as caught:
        usage_files.upload(ledger=ledger, stream=far.stream(lines_for([MONA])), name="u.json", by=owner, at=NOW)
    staged = caught.value.staged
    assert staged is not None

    for wrong in ("", FileServer().fingerprint):
        with pytest.raises(UploadRefused) as refused:
            usage_files.register(ledger=ledger, staged=staged, fingerprint=wrong, by=owner, at=NOW)
        assert refused.value.code == UploadCode.UNKNOWN_KEY
        assert str(refused.value).startswith("The key that signed the file has another fingerprint")
    assert not Installation.objects.exists()


def test_fingerprint_has_to_be_right_also_of_a_server_that_is_known(
    ledger: Ledger, owner: User, far: FileServer
) -> None:
    upload(ledger, owner, far, [MONA])
    far.taken_at += timedelta(hours=1)

    with pytest.raises(UploadRefused) as refused:
        upload(ledger, owner, far, [MONA], fingerprint=FileServer().fingerprint)

    assert refused.value.code == UploadCode.UNKNOWN_KEY
