"""Bent files of seats and members are refused with a sentence, and nothing of them is kept."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

from cloud import services
from cloud.members import MembersInvalid
from cloud.members import ShrinkNotAllowed as MembersWouldVanish
from cloud.models import ConsumedLicense, Ledger, Member, MemberAddress
from licensesync.models import Seat, SeatSource
from licensesync.seats.rows import SeatsInvalid
from tests.cloud.books import NOW, member
from tests.fuzz.mutator import bent_bytes, chances
from tests.licensesync.world import make_server, ndjson, seat

TABLES = (ConsumedLicense, Member, MemberAddress, Seat, SeatSource)
SEATS_CSV = b"created_at,id,login,email,role,suspended?\n" + b"".join(
    b"2026-01-01 00:00:00 UTC,%d,login%d,u%d@octo.example,user,false\n" % (number, number, number)
    for number in range(1, 5)
)
MEMBERS = b"".join(json.dumps(member(number, f"person-{number}")).encode() + b"\n" for number in range(1, 5))
MEMBERS_CSV = b"github_com_login,github_com_name,github_com_member_roles,github_com_saml_name_id\n" + b"".join(
    b'person-%d,Person,"octo:Member",p%d@octo.example\n' % (number, number) for number in range(1, 5)
)


def rows() -> list[int]:
    return [model._default_manager.count() for model in TABLES]


def bombard(read: Callable[[bytes], object], valid: bytes, *, seed: int, count: int) -> int:
    refused = 0
    before = rows()
    for chance in chances(seed, count):
        try:
            read(bent_bytes(valid, chance))
        except (SeatsInvalid, MembersInvalid, MembersWouldVanish):
            refused += 1
            assert rows() == before
        before = rows()
    return refused


def test_bent_seats(db: None) -> None:
    server = make_server()

    def read(data: bytes) -> object:
        return seat(server, data, allow_shrink=True)

    assert bombard(read, ndjson(range(1, 5)), seed=7, count=40) > 5
    assert bombard(read, SEATS_CSV, seed=8, count=40) > 2


def test_bent_members(ledger: Ledger) -> None:
    def read(data: bytes) -> object:
        return services.import_members(
            ledger=ledger, stream=io.BytesIO(data), by=None, at=NOW, partial=False, allow_shrink=True
        )

    assert bombard(read, MEMBERS, seed=9, count=40) > 5
    assert bombard(read, MEMBERS_CSV, seed=10, count=40) > 2
