"""Each file that is not taken has a code of its own, and leaves nothing behind."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cloud import services, usage_files
from cloud.models import Installation, Intake, IntakePart, Ledger, ServerAccount
from cloud.refusals import file_sentence
from cloud.usage_files import UnknownServer, UploadCode
from enterprises.models import StagedUpload, StagedUploadPiece, User
from tests.cloud.books import NOW, connect, lines_of, open_books, opening, send
from tests.cloud_usage_files.steps import apply, learn, refusal, refused_to_apply, upload, upload_bytes, worked
from tests.support.usage_files import FileServer, lines_for, raw_file
from tests.wire.test_usage_reading import BENT
from wire.messages import Base, ErrorCode, Feature

MONA = (1, "mona@octo.example")
HUBOT = (2, "hubot@octo.example")
LINES = lines_for([MONA, HUBOT])
# In UTC it would be in the year before the first.
FIRST_MOMENT = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
MANY = [(number, f"u{number}@octo.example") for number in range(1, 101)]


def nothing_is_left() -> bool:
    models = (StagedUpload, StagedUploadPiece, IntakePart, ServerAccount)
    return not any(model._default_manager.exists() for model in models)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nothing", UploadCode.EMPTY),
        ("text", UploadCode.NOT_JSON),
        ("other json", UploadCode.OTHER_SHAPE),
        ("zip", UploadCode.ZIP_FILE),
        ("export of GHES", UploadCode.GHES_EXPORT),
        ("signature gone", UploadCode.BAD_SIGNATURE),
        ("plain header", UploadCode.EDITED),
        ("end of the head", UploadCode.TRUNCATED),
    ],
)
def test_bent_head_is_refused_at_once(name: str, code: UploadCode, ledger: Ledger, owner: User) -> None:
    assert refusal(ledger, owner, FileServer(), BENT[name][1]) == code
    assert nothing_is_left()
    assert not Intake.objects.exists()


def test_receipt_is_not_taken_for_an_export_of_ghes(ledger: Ledger, owner: User, far: FileServer) -> None:
    receipt = usage_files.receipt_of(apply(upload(ledger, owner, far, [MONA]), owner))

    assert refusal(ledger, owner, FileServer(), receipt) == UploadCode.OTHER_SHAPE
    assert "perhaps it is a receipt" in str(file_sentence(UploadCode.OTHER_SHAPE))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (lambda whole: whole[:-20], UploadCode.TRUNCATED),
        (lambda whole: whole.replace(b"mona@", b"lisa@"), UploadCode.EDITED),
        (lambda whole: whole + b"x", UploadCode.EDITED),
    ],
)
def test_bent_lines_are_refused_by_the_worker(
    data: Any, code: UploadCode, ledger: Ledger, owner: User, far: FileServer
) -> None:
    assert refusal(ledger, owner, far, data(far.file(LINES))) == code
    assert nothing_is_left()


@pytest.mark.parametrize(
    "fields",
    [
        {"server_id": "{0b7a1d3e-6c52-4f0b-9a54-3f1f6f0c2c11}"},
        {"snapshot_id": "x"},
        {"host_name": "<script>"},
        {"host_name": "GHES.octo.example"},
        {"host_name": "a" * 300},
        {"version": "x" * 40},
        {"version": "3\n"},
        {"accounts": -1},
        {"sha256": "0"},
        {"accounts": 0},
        {"base": Base(revision=-1, snapshot_id="0b7a1d3e-6c52-4f0b-9a54-3f1f6f0c2c11")},
        {"base": Base(revision=1, snapshot_id="")},
        {"base": Base(revision=2**63, snapshot_id="0b7a1d3e-6c52-4f0b-9a54-3f1f6f0c2c11")},
        {"unanswered": ("x",)},
        {"unanswered": ("0b7a1d3e-6c52-4f0b-9a54-3f1f6f0c2c11",) * 501},
        {"license": "\0"},
        {"public_key": "\0"},
        {"features": (Feature(name="\0"),)},
        {"features": (Feature(name="x" * 101),)},
        {"features": (Feature(name="license_sync", enabled_at=FIRST_MOMENT),)},
        {"taken_at": FIRST_MOMENT},
        {"generated_at": FIRST_MOMENT},
    ],
)
def test_header_that_no_server_writes(fields: dict[str, Any], ledger: Ledger, owner: User, far: FileServer) -> None:
    assert refusal(ledger, owner, far, far.file(LINES, **fields)) == UploadCode.OTHER_SHAPE
    assert not Installation.objects.exists()


def test_newer_format(ledger: Ledger, owner: User, far: FileServer) -> None:
    assert refusal(ledger, owner, far, raw_file({"format": 2}, LINES, far.key)) == ErrorCode.UNSUPPORTED_FORMAT


def test_more_than_ten_million_accounts(ledger: Ledger, owner: User, far: FileServer) -> None:
    assert refusal(ledger, owner, far, far.file(LINES, accounts=10**7 + 1)) == ErrorCode.PAYLOAD_TOO_LARGE


def test_file_over_the_limit(ledger: Ledger, owner: User, far: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enterprises.uploads.MAX_BYTES", 1_000)

    assert refusal(ledger, owner, far, far.file(lines_for(MANY))) == ErrorCode.PAYLOAD_TOO_LARGE
    assert nothing_is_left()


def test_file_from_the_future(ledger: Ledger, owner: User, far: FileServer) -> None:
    far.taken_at = NOW + timedelta(hours=1)

    assert refusal(ledger, owner, far, far.file(LINES)) == ErrorCode.CLOCK_SKEW


def test_wrong_fingerprint_registers_nobody(ledger: Ledger, owner: User, far: FileServer) -> None:
    other = FileServer().fingerprint

    assert refusal(ledger, owner, far, far.file(LINES), fingerprint=other) == UploadCode.UNKNOWN_KEY
    assert not Installation.objects.exists()


def test_known_server_with_another_key(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)
    other = FileServer(server_id=far.server_id)

    assert refusal(ledger, owner, other, other.file(LINES)) == UploadCode.UNKNOWN_KEY


def test_server_of_another_account(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(open_books("hooli"), owner, far, [MONA]), owner)

    assert refusal(ledger, owner, far, far.file(LINES)) == UploadCode.OTHER_ACCOUNT


def test_id_that_somebody_else_claims_elsewhere_is_no_other_account(
    ledger: Ledger, owner: User, far: FileServer
) -> None:
    apply(upload(open_books("hooli"), owner, FileServer(server_id=far.server_id), [MONA]), owner)

    assert upload(ledger, owner, far, [MONA]).state == Intake.State.APPLIED


def test_hostname_of_another_live_server(ledger: Ledger, owner: User, far: FileServer) -> None:
    connect(ledger, far.hostname)

    assert refusal(ledger, owner, far, far.file(LINES)) == ErrorCode.CONNECTION_EXISTS


def test_applied_file_again(ledger: Ledger, owner: User, far: FileServer) -> None:
    data = far.file(LINES)
    first = upload_of(ledger, owner, far, data)

    assert refusal(ledger, owner, far, data) == UploadCode.ALREADY_APPLIED
    learn(far, first.installation)
    apply(upload(ledger, owner, far, [MONA], allow_shrink=True), owner, allow_shrink=True)
    assert refusal(ledger, owner, far, data) == UploadCode.ALREADY_APPLIED


def upload_of(ledger: Ledger, owner: User, far: FileServer, data: bytes) -> Intake:
    return apply(upload_bytes(ledger, owner, far, data), owner)


def test_older_export_after_a_newer_one(ledger: Ledger, owner: User, far: FileServer) -> None:
    older = far.file(LINES)
    far.taken_at += timedelta(minutes=5)
    apply(upload(ledger, owner, far, [MONA]), owner)

    assert refusal(ledger, owner, far, older) == UploadCode.OLDER_THAN_HELD


def test_file_of_another_history(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)
    far.taken_at += timedelta(minutes=5)

    assert refusal(ledger, owner, far, far.file(LINES)) == ErrorCode.REVISION_CONFLICT


def test_same_seats_came_over_the_wire(ledger: Ledger, owner: User, far: FileServer) -> None:
    server = connect(ledger, far.hostname)
    Installation.objects.filter(pk=server.pk).update(server_id=far.server_id, server_key=far.server_key)
    server.refresh_from_db()
    send(server, LINES)

    assert refusal(ledger, owner, far, far.file(LINES)) == UploadCode.ALREADY_HELD


def test_other_hostname_needs_a_word(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)
    learn(far, ledger.installations.get())
    far.hostname = "new.octo.example"
    data = far.file(LINES)

    assert refusal(ledger, owner, far, data) == ErrorCode.HOSTNAME_CHANGED
    intake = upload(ledger, owner, far, [MONA, HUBOT], allow_rename=True)
    assert refused_to_apply(intake, owner) == ErrorCode.HOSTNAME_CHANGED
    apply(intake, owner, allow_rename=True)
    assert ledger.installations.get().hostname == "new.octo.example"


def test_shrink_needs_a_word(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, MANY), owner)
    learn(far, ledger.installations.get())
    intake = upload(ledger, owner, far, MANY[:50])

    assert refused_to_apply(intake, owner) == ErrorCode.SHRINK_UNCONFIRMED
    assert apply(intake, owner, allow_shrink=True).state == Intake.State.APPLIED


def test_sync_between_preview_and_apply(ledger: Ledger, owner: User, far: FileServer) -> None:
    server = connect(ledger, far.hostname)
    Installation.objects.filter(pk=server.pk).update(server_id=far.server_id, server_key=far.server_key)
    server.refresh_from_db()
    intake = upload(ledger, owner, far, [MONA])
    send(server, lines_of([HUBOT]), opening(server, lines_of([HUBOT]), unanswered=(str(intake.snapshot_id),)))

    assert refused_to_apply(intake, owner) in {ErrorCode.REVISION_CONFLICT, UploadCode.OLDER_THAN_HELD}


def test_removed_server(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])
    services.remove_installation(installation=intake.installation, by=owner, at=NOW)

    assert refused_to_apply(intake, owner) == ErrorCode.INSTALLATION_GONE


def test_expired_preview(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])
    Intake.objects.update(expires_at=NOW)

    assert refused_to_apply(intake, owner) == UploadCode.EXPIRED


def test_too_many_files_wait(ledger: Ledger, owner: User, far: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.usage_files.taking.MOST_WAITING", 2)
    upload(ledger, owner, far, [MONA])
    upload(ledger, owner, far, [HUBOT])

    assert refusal(ledger, owner, far, far.file(LINES)) == UploadCode.TOO_MANY_WAITING


def test_bytes_that_are_gone(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = usage_files.upload(
        ledger=ledger, stream=far.stream(LINES), name="u", by=owner, at=NOW, fingerprint=far.fingerprint
    )
    StagedUpload.objects.all().delete()

    assert worked(intake).error_code == ErrorCode.DIGEST_MISMATCH


def test_unknown_server_without_a_fingerprint(ledger: Ledger, far: FileServer) -> None:
    with pytest.raises(UnknownServer) as caught:
        usage_files.upload_now(ledger=ledger, stream=far.stream(LINES), name="u", by=None, at=NOW)

    assert (caught.value.code, caught.value.staged) == (UploadCode.UNKNOWN_SERVER, None)


@pytest.mark.parametrize("name", ["", "a\0b.json", "x" * 5_000, "\ud800.json", "../../usage.json", "<b>.json"])
def test_name_of_a_file_is_only_shown(name: str, ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA], name=name)

    assert len(intake.file_name) <= 255
    assert intake.file_name.isprintable()
