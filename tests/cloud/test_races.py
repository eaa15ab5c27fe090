"""The books of a cloud account when eight write at the same moment, and what would happen without each guard."""

import pytest
from django.db import OperationalError, connections

from cloud import consumption, intake, services, signer
from cloud.models import ConsumedLicense, Installation, Intake, Ledger, ReceiptSigner
from cloud.records import keep_record
from cloud.services import disconnect_installation
from enterprises.models import AuditEvent
from tests.cloud.books import (
    NOW,
    commit_whole,
    connect,
    import_members,
    lines_of,
    member,
    open_books,
    sync,
)
from tests.support.races import THREADS, race, without_condition, without_lock, without_unique
from wire.messages import ConnectionRecord

pytestmark = pytest.mark.django_db(transaction=True)

MONA = (1, "mona@octo.example")
COUNT = "INSERT INTO counted_person "
LEDGER = 'UPDATE "cloud_ledger"'
INSTALLATION = 'UPDATE "cloud_installation"'
NEW_SIGNER = 'INSERT INTO "cloud_receiptsigner"'


@pytest.fixture
def ledger() -> Ledger:
    return open_books("octo")


def commit_eight(ledger: Ledger) -> int:
    """Mona has an account on one server; eight more send her at once. Return on how many servers she then is."""
    sync(connect(ledger, "ghes.octo.example"), [MONA])
    for number in range(THREADS):
        commit_whole(connect(ledger, f"ghes{number}.octo.example"), lines_of([MONA]))
    waiting = list(Intake.objects.filter(state=Intake.State.APPLYING).values_list("pk", flat=True))

    race(lambda number: intake.apply(waiting[number], lambda: NOW), before="UPDATE cloud_consumedlicense")

    return ConsumedLicense.objects.get().server_accounts


def test_eight_servers_at_once_are_all_counted(ledger: Ledger) -> None:
    assert commit_eight(ledger) == 1 + THREADS
    assert consumption.totals(ledger).server_seats == 1 + THREADS


@pytest.mark.postgres
def test_without_the_lock_one_of_eight_servers_is_counted(ledger: Ledger) -> None:
    with without_lock(Ledger):
        assert commit_eight(ledger) == 1 + 1


def import_and_commit(ledger: Ledger) -> int:
    """Four members are imported while four servers send their accounts; return how many people they are."""
    servers = [connect(ledger, f"ghes{number}.octo.example") for number in range(THREADS // 2)]
    for number, server in enumerate(servers):
        commit_whole(server, lines_of([(1, f"{number}@octo.example")]))
    waiting = [server.intakes.get().pk for server in servers]

    def act(number: int) -> None:
        if number < len(servers):
            intake.apply(waiting[number], lambda: NOW)
            return
        number -= len(servers)
        address = {"email": f"{number}@octo.example", "verified": True}
        import_members(ledger, member(1 + number, f"m{number}", emails=[address]), partial=True)

    race(act, before=COUNT)
    return ConsumedLicense.objects.count()


def test_members_and_servers_find_each_other(ledger: Ledger) -> None:
    assert import_and_commit(ledger) == THREADS // 2


@pytest.mark.postgres
def test_without_the_lock_everybody_is_two(ledger: Ledger) -> None:
    with without_lock(Ledger):
        assert import_and_commit(ledger) == THREADS


def buy_eight(ledger: Ledger) -> bool:
    """Eight owners write down what was bought; return whether each of them changed what another one had written."""

    def act(number: int) -> None:
        services.set_seats_purchased(ledger=ledger, seats_purchased=number, by=None, at=NOW)

    race(act, before=LEDGER)
    events = AuditEvent.objects.filter(action="license.update").order_by("pk")
    before, after = ([getattr(event, side)["seats_purchased"] for event in events] for side in ("before", "after"))
    return before == [100, *after][:-1]


def test_eight_purchases_follow_each_other(ledger: Ledger) -> None:
    assert buy_eight(ledger)


@pytest.mark.postgres
def test_without_the_lock_each_follows_the_first(ledger: Ledger) -> None:
    with without_lock(Ledger):
        assert not buy_eight(ledger)


@pytest.mark.sqlite
def test_without_the_lock_at_the_beginning_seven_fail(ledger: Ledger) -> None:
    """On SQLite a transaction that reads first and writes then cannot wait for others."""

    def act(number: int) -> None:
        vars(connections["default"])["transaction_mode"] = "DEFERRED"
        services.set_seats_purchased(ledger=ledger, seats_purchased=number, by=None, at=NOW)

    results = race(act, before=LEDGER, refusals=(OperationalError,))

    assert [str(one) for one in results if one] == ["database is locked"] * (THREADS - 1)


def sign_eight() -> int:
    """Eight processes need the first key for receipts; return with how many they then sign."""
    ReceiptSigner.objects.all().delete()

    return len({found.public_key for found in race(lambda _number: signer.current_signer(NOW), before=NEW_SIGNER)})


def test_first_key_for_receipts_is_made_once(ledger: Ledger) -> None:
    assert sign_eight() == 1


@pytest.mark.postgres
def test_without_the_constraint_there_are_eight_keys(ledger: Ledger) -> None:
    with without_unique(ReceiptSigner, "kid"):
        assert sign_eight() == THREADS


def rotate_eight() -> int:
    """Eight keys for receipts are made at once; return how many different keys vouch for them."""
    race(lambda _number: signer.rotate(NOW), before=NEW_SIGNER)

    made = AuditEvent.objects.filter(action="receipt_key.create")
    return len({(event.after or {})["endorsed_by"] for event in made})


def test_each_receipt_key_vouches_for_one(ledger: Ledger) -> None:
    assert rotate_eight() == THREADS


@pytest.mark.postgres
def test_without_the_lock_one_key_vouches_for_eight(ledger: Ledger) -> None:
    with without_lock(ReceiptSigner):
        assert rotate_eight() == 1


def accept_eight(ledger: Ledger) -> int:
    """Eight requests of a server accept its next receipt key; return how often the audit log says so."""
    server = connect(ledger, "ghes.octo.example")
    kid = signer.rotate(NOW).kid

    race(lambda _number: signer.accept(installation=server, kid=kid, at=NOW, ip=""), before=INSTALLATION)

    return AuditEvent.objects.filter(action="enterprise_installation.receipt_key_accepted").count()


def test_receipt_key_is_accepted_once(ledger: Ledger) -> None:
    assert accept_eight(ledger) == 1


@pytest.mark.postgres
def test_without_the_condition_it_is_accepted_eight_times(ledger: Ledger) -> None:
    with without_condition(Installation):
        assert accept_eight(ledger) == THREADS


def record_behind(ledger: Ledger) -> str:
    """A server sends its connection record eight times, and is disconnected; return the version that is kept."""
    server = connect(ledger, "ghes.octo.example")
    record = ConnectionRecord(
        server_id=str(server.server_id),
        hostname=server.hostname,
        http_only=False,
        version="9.9.9",
        license_public_key="",
        license_hash="",
        customer_name="",
        features=(),
        dormancy_threshold_days=90,
        dormant_users=0,
        license_consuming_seats=0,
    )
    race(
        lambda _number: keep_record(installation=server, record=record, at=NOW),
        before=INSTALLATION,
        meanwhile=lambda: disconnect_installation(installation=Installation.objects.get(), by=None, at=NOW),
    )
    return Installation.objects.get().version


def test_record_of_a_disconnected_server_is_not_kept(ledger: Ledger) -> None:
    assert record_behind(ledger) == ""


@pytest.mark.postgres
def test_without_the_condition_it_is_kept(ledger: Ledger) -> None:
    with without_condition(Installation):
        assert record_behind(ledger) == "9.9.9"
