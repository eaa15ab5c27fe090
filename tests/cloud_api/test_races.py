"""Eight conversions of one code at the same moment make one installation, and give one answer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from cloud import handshake
from cloud.models import Ledger
from enterprises.models import AuditEvent, Enterprise, User
from tests.cloud_api.servers import FakeServer, app_key
from wire.messages import Installation

THREADS = 8


@pytest.mark.django_db(transaction=True)
def test_one_code_makes_one_installation(
    server: FakeServer, cloud_enterprise: Enterprise, ledger: Ledger, owner: User
) -> None:
    code = handshake.give_code(manifest_jws=server.manifest(), account=cloud_enterprise, by=owner, at=timezone.now())
    barrier = Barrier(THREADS)

    def convert(_number: int) -> Installation:
        connection.ensure_connection()
        barrier.wait()
        try:
            return handshake.convert(code, server.proof(), timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(convert, range(THREADS)))

    assert all(answer == answers[0] for answer in answers)
    assert ledger.installations.count() == 1
    assert AuditEvent.objects.filter(action="enterprise_installation.create").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_servers_of_one_name_do_not_both_get_in(cloud_enterprise: Enterprise, ledger: Ledger, owner: User) -> None:
    rivals = [FakeServer(key=app_key(number % 2)) for number in range(THREADS)]
    barrier = Barrier(THREADS)

    def connect(server: FakeServer) -> bool:
        connection.ensure_connection()
        barrier.wait()
        try:
            handshake.connect_directly(
                manifest_jws=server.manifest(),
                proof=server.proof(),
                account=cloud_enterprise,
                by=owner,
                at=timezone.now(),
            )
        except handshake.ConnectionExists:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        got_in = list(pool.map(connect, rivals))

    assert got_in.count(True) == 1
    assert ledger.installations.count() == 1
