"""Bent files of seats, members and usage are refused with a sentence, and nothing of them is kept.

A failure names its case: a seed and a number, from which ``chances`` makes the same file again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud import services, usage_files
from cloud.members import MembersInvalid
from cloud.members import ShrinkNotAllowed as MembersWouldVanish
from cloud.members.files import read_members
from cloud.models import ConsumedLicense, IntakePart, Ledger, Member, MemberAddress, ServerAccount
from cloud.usage_files import UploadRefused
from enterprises.models import User
from licensesync.models import Seat, SeatSource
from licensesync.seats.reading import read_seats
from licensesync.seats.rows import SeatsInvalid
from tests.cloud.books import NOW, member
from tests.fuzz.mutator import bent_bytes, chances
from tests.licensesync.world import make_server, ndjson, seat
from tests.support.usage_files import FileServer, lines_for
from wire.usage_reading import UsageFileInvalid, read_head, read_pieces

# What is read costs a fiftieth of what is asked for.
READ = 6_400
IMPORTED = 160
TABLES = (ServerAccount, ConsumedLicense, Member, MemberAddress, Seat, SeatSource)
SEATS_CSV = b"created_at,id,login,email,role,suspended?\n" + b"".join(
    b"2026-01-01 00:00:00 UTC,%d,login%d,u%d@octo.example,user,false\n" % (number, number, number)
    for number in range(1, 5)
)
MEMBERS = b"".join(json.dumps(member(number, f"person-{number}")).encode() + b"\n" for number in range(1, 5))
MEMBERS_CSV = b"github_com_login,github_com_name,github_com_member_roles,github_com_saml_name_id\n" + b"".join(
    b'person-%d,Person,"octo:Member",p%d@octo.example\n' % (number, number) for number in range(1, 5)
)


# The same in every run, as whoever looks for a case again needs it.
FAR = FileServer(server_id=str(UUID(int=9)), key=Ed25519PrivateKey.from_private_bytes(bytes(32)))
USAGE = FAR.file(
    lines_for((number, f"u{number}@octo.example") for number in range(1, 5)), snapshot_id=str(UUID(int=10))
)


def rows() -> list[int]:
    return [model._default_manager.count() for model in TABLES]


REFUSALS = (SeatsInvalid, MembersInvalid, MembersWouldVanish, UploadRefused, UsageFileInvalid)
Read = Callable[[bytes], object]


def bombard(read: Read, valid: bytes, *, seed: int, count: int) -> int:
    refused = 0
    before = rows()
    for number, chance in enumerate(chances(seed, count)):
        try:
            read(bent_bytes(valid, chance))
        except REFUSALS:
            refused += 1
            assert rows() == before
        except Exception as error:
            error.add_note(f"seed {seed}, case {number}")
            raise
        before = rows()
    return refused


def test_bent_seats(db: None) -> None:
    server = make_server()

    def read(data: bytes) -> object:
        return seat(server, data, allow_shrink=True)

    assert bombard(read, ndjson(range(1, 5)), seed=7, count=IMPORTED // 5) > 5
    assert bombard(read, SEATS_CSV, seed=8, count=IMPORTED // 5) > 2


def test_bent_members(ledger: Ledger) -> None:
    def read(data: bytes) -> object:
        return services.import_members(
            ledger=ledger, stream=io.BytesIO(data), by=None, at=NOW, partial=False, allow_shrink=True
        )

    assert bombard(read, MEMBERS, seed=9, count=IMPORTED // 5) > 5
    assert bombard(read, MEMBERS_CSV, seed=10, count=IMPORTED // 5) > 2


def test_bent_usage(ledger: Ledger, owner: User) -> None:
    def read(data: bytes) -> object:
        return usage_files.upload_now(
            ledger=ledger, stream=io.BytesIO(data), name="u", by=owner, at=NOW, fingerprint=FAR.fingerprint
        )

    assert bombard(read, USAGE, seed=15, count=IMPORTED // 5) > IMPORTED // 6
    assert not IntakePart.objects.exists()


def read_usage_only(data: bytes) -> object:
    stream = io.BytesIO(data)
    return [*read_pieces(stream, read_head(stream).header)]


def read_seats_only(data: bytes) -> object:
    return [*read_seats(io.BytesIO(data))]


def read_members_only(data: bytes) -> object:
    return [*read_members(io.BytesIO(data))]


@pytest.mark.parametrize(
    ("read", "valid", "seed"),
    [
        (read_seats_only, ndjson(range(1, 5)), 11),
        (read_seats_only, SEATS_CSV, 12),
        (read_members_only, MEMBERS, 13),
        (read_members_only, MEMBERS_CSV, 14),
        (read_usage_only, USAGE, 16),
    ],
    ids=["seats", "seats-csv", "members", "members-csv", "usage"],
)
def test_bent_files_are_read_or_refused(read: Read, valid: bytes, seed: int) -> None:
    """By the readers alone, which need no database."""
    refused = 0
    for number, chance in enumerate(chances(seed, READ // 5)):
        first, *_rest = lines = valid.splitlines(keepends=True)
        bent = bent_bytes(chance.choice(lines), chance)
        try:
            read(chance.choice((bent_bytes(valid, chance), first + bent, bent + valid)))
        except REFUSALS:
            refused += 1
        except Exception as error:
            error.add_note(f"seed {seed}, case {number}")
            raise
    assert refused > READ // 25
