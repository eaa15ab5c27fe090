"""What the tests of usage files do, in few words."""

import io
from collections.abc import Iterable
from typing import Any

import pytest

from cloud import applying, usage_files
from cloud.models import Installation, Intake, Ledger
from cloud.refusals import Code
from cloud.usage_files import UploadRefused
from enterprises.models import User
from tests.cloud.books import NOW, Account
from tests.support.usage_files import FileServer, lines_for
from wire.messages import Base


def upload(ledger: Ledger, by: User, far: FileServer, accounts: Iterable[Account], **wishes: Any) -> Intake:
    """Upload a file of a server whose fingerprint was compared, and let a worker read and preview it."""
    return upload_bytes(ledger, by, far, far.file(lines_for(accounts)), **wishes)


def upload_bytes(ledger: Ledger, by: User, far: FileServer, data: bytes, **wishes: Any) -> Intake:
    given: dict[str, Any] = {"name": "usage.json", "at": NOW, "fingerprint": far.fingerprint} | wishes
    intake = usage_files.upload(ledger=ledger, stream=io.BytesIO(data), by=by, **given)
    return worked(intake)


def worked(intake: Intake) -> Intake:
    """Let a worker do what there is to do."""
    applying.apply(intake.pk, lambda: NOW)
    intake.refresh_from_db()
    return intake


def apply(intake: Intake, by: User, **wishes: Any) -> Intake:
    assert usage_files.apply_upload(intake=intake, by=by, at=NOW, **wishes)
    return worked(intake)


def learn(far: FileServer, installation: Installation) -> None:
    """The receipt came back: the server knows what is held of it."""
    installation.refresh_from_db()
    far.base = Base(revision=installation.revision, snapshot_id=str(installation.snapshot_id))
    far.unanswered = ()


def refusal(ledger: Ledger, by: User, far: FileServer, data: bytes, **wishes: Any) -> Code:
    """The code under which an upload is refused at once, or by the worker that reads it."""
    try:
        intake = upload_bytes(ledger, by, far, data, **wishes)
    except UploadRefused as refused:
        return refused.code
    assert intake.state == Intake.State.REFUSED
    return usage_files.UploadCode(intake.error_code)


def refused_to_apply(intake: Intake, by: User, **wishes: Any) -> Code:
    with pytest.raises(UploadRefused) as caught:
        usage_files.apply_upload(intake=intake, by=by, at=NOW, **wishes)
    return caught.value.code
