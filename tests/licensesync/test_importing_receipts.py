"""The receipt of a usage file comes back as a file: who is believed, and what changes once one is."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from connect.models import Connection, FileAccount, Server
from connect.receipt_files import check_receipt, read_receipt_stream, trust_of
from connect.receipt_refusals import (
    ReceiptEdited,
    ReceiptFingerprintDiffers,
    ReceiptKeyNotTrusted,
    ReceiptKeyUnknown,
    ReceiptNewerFormat,
    ReceiptNotJson,
    ReceiptOfAnotherAccount,
    ReceiptOfAnotherServer,
    ReceiptOfNoFile,
    ReceiptOfOtherLines,
    ReceiptOlder,
    ReceiptOtherShape,
    ReceiptRefused,
    ReceiptSignatureWrong,
    ReceiptTooLarge,
)
from enterprises.models import AuditEvent
from licensesync.importing_receipts import ImportedReceipt, import_receipt
from licensesync.models import SyncJob
from licensesync.receipts import prove
from licensesync.syncing.unanswered import unanswered
from licensesync.usage_files import usage_file
from tests.factories import NOW
from tests.licensesync.carried import FarCloud, exported
from tests.licensesync.world import make_server, make_world, ndjson, seat
from wire.messages import Base

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Server:
    made = make_server()
    seat(made, ndjson(range(1, 4)))
    return made


@pytest.fixture
def cloud() -> FarCloud:
    return FarCloud()


def run_command(server: Server, content: bytes, folder: Path, *options: str) -> str:
    file, out = folder / "receipt.json", io.StringIO()
    file.write_bytes(content)
    call_command("import_receipt", server.enterprise.slug, str(file), *options, stdout=out)
    return out.getvalue()


def take(server: Server, content: bytes, **chosen: Any) -> ImportedReceipt:
    return import_receipt(server=server, content=content, by=None, at=NOW, **chosen)


def pinned(server: Server, cloud: FarCloud) -> SyncJob:
    """A first file whose receipt was imported."""
    job = exported(server)
    take(server, cloud.answer(job), fingerprint=cloud.fingerprint)
    job.refresh_from_db()
    return job


def test_first_receipt_waits_for_its_fingerprint(server: Server, cloud: FarCloud) -> None:
    job = exported(server)

    with pytest.raises(ReceiptKeyUnknown, match="first receipt of octo") as refused:
        take(server, cloud.answer(job))

    job.refresh_from_db()
    assert refused.value.fingerprint == cloud.fingerprint
    assert (job.state, FileAccount.objects.exists()) == (SyncJob.State.EXPORTED, False)


def test_receipt_ends_its_job_and_gives_the_next_file_its_base(server: Server, cloud: FarCloud) -> None:
    job = exported(server)

    content = cloud.answer(job, 7)
    take(server, content, fingerprint=cloud.fingerprint.upper().replace(" ", ""))

    job.refresh_from_db()
    assert (job.state, job.receipt_key["kid"]) == (SyncJob.State.SUCCEEDED, "receipts-1")
    assert job.result == msgspec.to_builtins(cloud.receipt(job, 7))
    assert prove(job).holds
    assert unanswered(job.connection) == []
    assert usage_file(server, exported(server)).header.base == Base(revision=7, snapshot_id=str(job.sync_id))


def test_import_is_audited_without_anything_about_people(server: Server, cloud: FarCloud) -> None:
    job = pinned(server, cloud)

    event = AuditEvent.objects.get(action="license.receipt_import")
    assert event.after == {
        "account": "octo",
        "revision": 1,
        "snapshot_id": str(job.sync_id),
        "kid": "receipts-1",
        "key_fingerprint": cloud.fingerprint,
        "adopted": False,
    }
    pin = AuditEvent.objects.get(action="dotcom_connection.receipt_key_pinned")
    assert pin.after == {"kid": "receipts-1", "key_fingerprint": cloud.fingerprint}


def test_same_receipt_again_changes_nothing_and_says_so(server: Server, cloud: FarCloud) -> None:
    job = pinned(server, cloud)

    again = take(server, cloud.answer(job))

    assert (again.is_new, again.job) == (False, job)
    assert AuditEvent.objects.filter(action="license.receipt_import").count() == 1


def test_later_receipt_needs_no_fingerprint_also_under_a_key_that_follows(server: Server, cloud: FarCloud) -> None:
    pinned(server, cloud)
    cloud.rotate()
    cloud.rotate()
    job = exported(server)

    assert take(server, cloud.answer(job, 2)).is_new

    keys = FileAccount.objects.get(server=server).receipt_keys
    assert [key["kid"] for key in keys] == ["receipts-1", "receipts-2", "receipts-3"]
    assert AuditEvent.objects.filter(action="dotcom_connection.receipt_key_pinned").count() == 3
    assert not AuditEvent.objects.filter(action="dotcom_connection.receipt_key_refused").exists()


def test_server_that_pins_late_does_not_complain_of_the_older_keys(server: Server, cloud: FarCloud) -> None:
    cloud.rotate()
    pinned(server, cloud)

    take(server, cloud.answer(exported(server), 2))

    assert [key["kid"] for key in FileAccount.objects.get().receipt_keys] == ["receipts-2"]
    assert not AuditEvent.objects.filter(action="dotcom_connection.receipt_key_refused").exists()


def test_key_that_nothing_vouches_for_is_asked_about_again(server: Server, cloud: FarCloud) -> None:
    pinned(server, cloud)
    job, other = exported(server), FarCloud()

    with pytest.raises(ReceiptKeyUnknown, match="another key than the receipts of octo before"):
        take(server, other.answer(job, 2))

    with pytest.raises(ReceiptFingerprintDiffers):
        take(server, other.answer(job, 2), fingerprint=cloud.fingerprint)


@pytest.mark.parametrize(
    ("bend", "refusal"),
    [
        (lambda file: b"", ReceiptNotJson),
        (lambda file: b"\xff\x00", ReceiptNotJson),
        (lambda file: b"[" * 100_000, ReceiptNotJson),
        (lambda file: file[: len(file) // 2], ReceiptNotJson),
        (lambda file: b"[]", ReceiptOtherShape),
        (lambda file: b'{"header": {}, "people": []}', ReceiptOtherShape),
        (lambda file: file.replace(b'"format": 1', b'"format": 2', 1), ReceiptNewerFormat),
        (lambda file: file.replace(b'"revision": 1', b'"revision": 9', 1), ReceiptEdited),
        (lambda file: file.replace(b'"slug": "octo"', b'"slug": "mine"', 1), ReceiptEdited),
        (lambda file: file.replace(b'"jws": "', b'"jws": "x'), ReceiptSignatureWrong),
        (lambda file: file.replace(b'"kid": "receipts-1"', b'"kid": "receipts-9"'), ReceiptSignatureWrong),
    ],
)
def test_file_that_was_bent_is_refused(
    server: Server, cloud: FarCloud, bend: Any, refusal: type[ReceiptRefused]
) -> None:
    job = exported(server)

    with pytest.raises(refusal):
        take(server, bend(cloud.answer(job)), fingerprint=cloud.fingerprint)

    job.refresh_from_db()
    assert job.state == SyncJob.State.EXPORTED


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"server_id": str(uuid4())}, ReceiptOfAnotherServer),
        ({"sha256": "0" * 64}, ReceiptOfOtherLines),
        ({"accounts": 2}, ReceiptOfOtherLines),
        ({"sync_id": str(uuid4())}, ReceiptOfNoFile),
        ({"sync_id": "not one"}, ReceiptOtherShape),
        ({"revision": 0}, ReceiptOtherShape),
        ({"removed": -1}, ReceiptOtherShape),
        ({"hostname": "a\u202eb"}, ReceiptOtherShape),
        ({"format": 2}, ReceiptNewerFormat),
    ],
)
def test_receipt_of_something_else_is_refused(
    server: Server, cloud: FarCloud, changes: dict[str, Any], refusal: type[ReceiptRefused]
) -> None:
    job = exported(server)

    with pytest.raises(refusal):
        take(server, cloud.answer(job, **changes), fingerprint=cloud.fingerprint)


def test_another_account_is_refused_once_one_is_pinned(server: Server, cloud: FarCloud) -> None:
    pinned(server, cloud)
    cloud.account = "elsewhere"

    with pytest.raises(ReceiptOfAnotherAccount, match="reports to octo"):
        take(server, cloud.answer(exported(server), 2))


def test_server_changes_to_another_account_when_it_is_told_to(server: Server, cloud: FarCloud) -> None:
    pinned(server, cloud)
    cloud.account = "elsewhere"
    content = cloud.answer(exported(server), 1)

    # A cloud signs with the same key for all its accounts: it says nothing of which one is meant.
    with pytest.raises(ReceiptOfAnotherAccount, match="remove it at octo"):
        take(server, content, fingerprint=cloud.fingerprint)
    assert take(server, content, account="elsewhere").is_new

    assert FileAccount.objects.get().account_slug == "elsewhere"
    assert take(server, cloud.answer(exported(server), 2)).is_new
    with pytest.raises(ReceiptOfAnotherAccount, match="reports to elsewhere"):
        take(server, FarCloud().answer(exported(server), 3), account="elsewhere")


def test_key_of_another_cloud_is_compared_also_where_the_account_changes(server: Server, cloud: FarCloud) -> None:
    pinned(server, cloud)
    other = FarCloud(account="elsewhere")
    content = other.answer(exported(server), 1)

    with pytest.raises(ReceiptKeyUnknown, match="first receipt of elsewhere"):
        take(server, content, account="elsewhere")
    assert take(server, content, account="elsewhere", fingerprint=other.fingerprint).is_new

    assert [key["x"] for key in FileAccount.objects.get().receipt_keys] == [other.endorsed[0].x]


def test_restored_server_adopts_a_higher_revision_when_it_is_told_to(server: Server, cloud: FarCloud) -> None:
    job = pinned(server, cloud)
    unknown: dict[str, Any] = {"sync_id": str(uuid4())}

    with pytest.raises(ReceiptOlder):
        take(server, cloud.answer(job, 1, **unknown), adopt=True)
    with pytest.raises(ReceiptOfNoFile):
        take(server, cloud.answer(job, 5, **unknown))
    assert take(server, cloud.answer(job, 5, **unknown), adopt=True).is_new
    assert not take(server, cloud.answer(job, 5, **unknown)).is_new

    held = Connection.objects.get(server=server)
    assert (held.base_revision, str(held.base_snapshot_id)) == (5, unknown["sync_id"])


def test_older_receipt_ends_its_job_and_leaves_the_base(server: Server, cloud: FarCloud) -> None:
    first, second = exported(server), exported(server)
    take(server, cloud.answer(second, 2), fingerprint=cloud.fingerprint)

    take(server, cloud.answer(first, 1))

    first.refresh_from_db()
    held = Connection.objects.get(server=server)
    assert first.state == SyncJob.State.SUCCEEDED
    assert (held.base_revision, held.base_snapshot_id) == (2, second.sync_id)


def test_base_of_another_account_gives_way_whatever_its_revision(server: Server, cloud: FarCloud) -> None:
    job = exported(server)
    Connection.objects.filter(server=server).update(
        state=Connection.State.DISCONNECTED, account_slug="former", base_revision=40, base_snapshot_id=uuid4()
    )

    take(server, cloud.answer(job, 1), fingerprint=cloud.fingerprint)

    held = Connection.objects.get(server=server)
    assert (held.base_revision, held.base_snapshot_id) == (1, job.sync_id)


def test_what_is_not_signed_is_kept_only_where_it_can_be_shown(server: Server, cloud: FarCloud) -> None:
    job = exported(server)
    shown = {
        "cloud_url": "javascript:alert(1)",
        "account": {"slug": "octo", "name": "x" * 9000, "kind": "enterprise"},
    }

    take(server, cloud.answer(job, shown=shown), fingerprint=cloud.fingerprint)

    account = FileAccount.objects.get(server=server)
    assert (account.account_slug, account.account_name, account.cloud_url) == ("octo", "", "")


def test_connected_server_believes_its_connection_alone() -> None:
    world = make_world()
    job = exported(world.server)
    near = FarCloud(keys=[world.cloud.key])
    far = FarCloud()

    with pytest.raises(ReceiptKeyNotTrusted):
        take(world.server, far.answer(job), fingerprint=far.fingerprint)
    with pytest.raises(ReceiptOfAnotherAccount):
        take(world.server, FarCloud(account="else", keys=[world.cloud.key]).answer(job))
    assert take(world.server, near.answer(job)).is_new

    assert not FileAccount.objects.exists()
    assert Connection.objects.get(pk=world.connection.pk).base_snapshot_id == job.sync_id


def test_sync_that_ends_after_a_newer_receipt_does_not_take_the_base_back() -> None:
    world = make_world()
    file = exported(world.server)
    near = FarCloud(keys=[world.cloud.key])

    def import_it() -> None:
        take(world.server, near.answer(file, 9))

    world.cloud.fail("commit", import_it)

    job = world.sync()

    held = Connection.objects.get(pk=world.connection.pk)
    assert job.state == SyncJob.State.SUCCEEDED
    assert (held.base_revision, held.base_snapshot_id) == (9, file.sync_id)


def test_hostile_names_are_not_quoted(server: Server, cloud: FarCloud) -> None:
    job = exported(server)
    content = cloud.answer(job, server_id=str(uuid4()), hostname="ghp_" + "a" * 36)

    with pytest.raises(ReceiptOtherShape):
        check_receipt(server, content, trust_of(server))

    assert json.loads(content)["receipt"]["hostname"].startswith("ghp_")


def test_larger_file_than_a_receipt_is_not_read(server: Server) -> None:
    stream = io.BytesIO(b" " * (2 * 1024 * 1024))

    with pytest.raises(ReceiptTooLarge):
        read_receipt_stream(stream)

    assert stream.tell() == 1024 * 1024 + 1


def test_command_asks_for_the_fingerprint_once(server: Server, cloud: FarCloud, tmp_path: Path) -> None:
    content = cloud.answer(exported(server))

    with pytest.raises(CommandError, match="Give it as --fingerprint"):
        run_command(server, content, tmp_path)
    said = run_command(server, content, tmp_path, "--fingerprint", cloud.fingerprint)
    again = json.loads(run_command(server, content, tmp_path, "--json"))

    assert "octo accepted revision 1" in said
    assert (again["is_new"], again["receipt"]["revision"]) == (False, 1)


def test_command_tells_scripts_why_not(server: Server, cloud: FarCloud, tmp_path: Path) -> None:
    out = io.StringIO()
    (tmp_path / "receipt.json").write_bytes(cloud.answer(exported(server)))

    with pytest.raises(SystemExit):
        call_command("import_receipt", server.enterprise.slug, str(tmp_path / "receipt.json"), "--json", stdout=out)

    told = json.loads(out.getvalue())
    assert (told["error"], told["fingerprint"]) == ("receipt_key_unknown", cloud.fingerprint)
