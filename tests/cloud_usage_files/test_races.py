"""Usage files when eight come, are applied or discarded at the same moment."""

import io

import pytest
from django.db import connection

from cloud import applying, claims, usage_files
from cloud.file_parts import read_into_parts
from cloud.models import Installation, Intake, IntakePart, Ledger, ServerAccount
from cloud.refusals import IntakeRefused
from enterprises.models import Enterprise, StagedUpload
from tests.cloud.books import NOW, connect, lines_of, open_books, opening, send
from tests.cloud_usage_files.steps import upload, worked
from tests.factories import make_user
from tests.support.races import THREADS, race, without_lock, without_unique
from tests.support.usage_files import FileServer, lines_for

pytestmark = pytest.mark.django_db(transaction=True)

MONA = (1, "mona@octo.example")
NEW_INTAKE = 'INSERT INTO "cloud_intake" '
INTAKE = 'UPDATE "cloud_intake"'


def test_same_file_of_eight_owners_is_one_upload(far: FileServer) -> None:
    ledger, owners = open_books("octo"), [make_user() for _ in range(8)]
    data = far.file(lines_for([MONA]))

    def bring(number: int) -> int:
        intake = usage_files.upload(
            ledger=ledger,
            stream=io.BytesIO(data),
            name="u",
            by=owners[number],
            at=NOW,
            fingerprint=far.fingerprint,
        )
        return intake.pk

    assert len(set(race(bring, before=NEW_INTAKE))) == 1
    assert (Installation.objects.count(), StagedUpload.objects.count()) == (1, 1)
    worked(Intake.objects.get())
    assert IntakePart.objects.count() == 1


def bring_to_known_server(far: FileServer) -> int:
    """Eight owners bring the same file of a server that is known; return how many uploads there are of it."""
    ledger, owners = open_books("octo"), [make_user() for _ in range(THREADS)]
    usage_files.discard_upload(intake=upload(ledger, owners[0], far, [(2, "hubot@octo.example")]), by=None, at=NOW)
    data = far.file(lines_for([MONA]))
    race(
        lambda number: usage_files.upload(ledger=ledger, stream=io.BytesIO(data), name="u", by=owners[number], at=NOW),
        before=NEW_INTAKE,
    )
    return Intake.objects.filter(state=Intake.State.APPLYING).count()


def test_same_file_of_a_known_server_is_one_upload(far: FileServer) -> None:
    assert bring_to_known_server(far) == 1


@pytest.mark.postgres
def test_without_lock_and_constraint_it_is_eight(far: FileServer) -> None:
    # The bytes are stored under a lock of their own, which keeps uploads apart, too.
    with without_unique(Intake, "intake_snapshot_once"), without_lock(Ledger), without_lock(Enterprise):
        assert bring_to_known_server(far) == THREADS


def apply_by_eight(far: FileServer) -> int:
    """Eight owners apply a file; return how many did so."""
    ledger, owner = open_books("octo"), make_user()
    intake = upload(ledger, owner, far, [MONA])
    return sum(race(lambda _number: usage_files.apply_upload(intake=intake, by=owner, at=NOW), before=INTAKE))


def test_of_eight_who_apply_one_does(far: FileServer) -> None:
    assert apply_by_eight(far) == 1


@pytest.mark.postgres
def test_without_the_locks_all_eight_do(far: FileServer) -> None:
    with without_lock(Ledger), without_lock(Installation), without_lock(Intake):
        assert apply_by_eight(far) == THREADS


def test_file_is_applied_or_discarded_never_both(far: FileServer) -> None:
    ledger, owner = open_books("octo"), make_user()
    intake = upload(ledger, owner, far, [MONA])

    def decide(number: int) -> bool:
        act = usage_files.apply_upload if number % 2 else usage_files.discard_upload
        return act(intake=intake, by=owner, at=NOW)

    assert sum(race(decide, before=INTAKE)) == 1
    worked(intake)
    assert ServerAccount.objects.exists() == (intake.state == Intake.State.APPLIED)


def test_file_and_wire_at_once_leave_one_history(far: FileServer) -> None:
    ledger, owner = open_books("octo"), make_user()
    server = connect(ledger, far.hostname)
    Installation.objects.filter(pk=server.pk).update(server_id=far.server_id, server_key=far.server_key)
    server.refresh_from_db()
    file = upload(ledger, owner, far, [MONA])
    usage_files.apply_upload(intake=file, by=owner, at=NOW)
    lines = lines_of([(2, "hubot@octo.example")])
    opened = opening(server, lines)

    def act(number: int) -> None:
        if number:
            applying.apply(file.pk, lambda: NOW)
        else:
            send(server, lines, opened)

    race(act, before=INTAKE, refusals=(IntakeRefused,))

    worked(file)
    server.refresh_from_db()
    applied = Intake.objects.filter(state=Intake.State.APPLIED)
    assert server.revision == 1
    assert applied.get().snapshot_id == server.snapshot_id


def test_worker_that_was_too_slow_leaves_the_bytes_to_the_next_one(far: FileServer) -> None:
    ledger, owner = open_books("octo"), make_user()
    file = far.stream(lines_for([MONA]))
    made = usage_files.upload(ledger=ledger, stream=file, name="u", by=owner, at=NOW, fingerprint=far.fingerprint)
    slow = claims.claim(made.pk, NOW)
    assert slow is not None

    def overslept(_read: int, _accounts: int) -> None:
        claims.claim(made.pk, NOW + claims.LEASE * 2)

    with pytest.raises(claims.ClaimLost):
        read_into_parts(slow, lambda: NOW, progress=overslept)

    assert StagedUpload.objects.exists()


def test_database_that_one_writes_at_a_time_is_not_held_while_a_file_comes_in(far: FileServer) -> None:
    ledger, owner = open_books("octo"), make_user()
    file, waited = far.stream(lines_for([MONA])), []

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            waited.append(connection.in_atomic_block)
            return super().read(size)

    stream = Slow(file.getvalue())
    usage_files.upload(ledger=ledger, stream=stream, name="u", by=owner, at=NOW, fingerprint=far.fingerprint)

    # PostgreSQL keeps nobody waiting for a row that nobody knows yet.
    assert any(waited) == (connection.vendor != "sqlite")
