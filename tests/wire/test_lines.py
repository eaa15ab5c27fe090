"""Canonical lines and the digest of a snapshot."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.addresses import AddressInvalid
from wire.lines import (
    MAX_USER_ID,
    LineInvalid,
    SnapshotDigest,
    TooManyAddresses,
    make_line,
    read_line,
    read_lines,
)

VECTORS = [
    make_line(7, "  Mona@Octo.Example ", ["m@X.example", "a@x.example", "MONA@octo.example"]),
    make_line(8, None),
    make_line(9, "Zoë@straße.example."),
    make_line(10, None, ["u@My_Host.example"]),
]


def test_make_line_gives_the_documented_lines() -> None:
    assert [line.decode() for line in VECTORS] == [
        '{"user_id":7,"emails":[["mona@octo.example",true],["a@x.example",false],["m@x.example",false]]}',
        '{"user_id":8,"emails":[]}',
        '{"user_id":9,"emails":[["zoë@xn--strae-oqa.example",true]]}',
        '{"user_id":10,"emails":[["u@my_host.example",false]]}',
    ]


def test_digest_is_the_documented_one() -> None:
    digest = SnapshotDigest()

    for line in VECTORS:
        digest.add(line + b"\n")

    assert digest.hexdigest() == "1c5f252b2c322f1852a389fbf1715f8cf8ff4cc6b0323ab0637c1fc7477d4f24"


def test_digest_does_not_depend_on_how_lines_are_handed_over() -> None:
    apart, together = SnapshotDigest(), SnapshotDigest()

    for line in VECTORS:
        apart.add(line + b"\n")
    together.add(b"".join(line + b"\n" for line in VECTORS))

    assert apart.hexdigest() == together.hexdigest()


def test_make_line_refuses_more_than_a_hundred_addresses() -> None:
    with pytest.raises(TooManyAddresses):
        make_line(1, "a@x.example", [f"{number}@x.example" for number in range(100)])


ADDRESSES = st.lists(st.text(max_size=20), max_size=6)
USER_IDS = st.integers(1, MAX_USER_ID)


@given(USER_IDS, st.none() | st.text(max_size=20), ADDRESSES)
def test_what_is_made_can_be_read(user_id: int, primary: str | None, others: list[str]) -> None:
    try:
        raw = make_line(user_id, primary, others)
    except AddressInvalid:
        return

    line = read_line(raw)

    assert line.user_id == user_id
    assert b"\n" not in raw
    assert len({line.primary, *line.others} - {None}) == len(line.emails)


@given(USER_IDS, ADDRESSES, st.randoms(use_true_random=False))
def test_make_line_does_not_depend_on_the_order_of_addresses(user_id: int, others: list[str], random: object) -> None:
    mixed = sorted(others, key=lambda _: random.random())  # type: ignore[attr-defined]

    try:
        line = make_line(user_id, None, others)
    except AddressInvalid:
        return

    assert make_line(user_id, None, mixed) == line


REFUSED = {
    "unknown key": b'{"user_id":7,"emails":[],"login":"mona"}',
    "missing key": b'{"user_id":7}',
    "white space": b'{"user_id": 7,"emails":[]}',
    "other order of keys": b'{"emails":[],"user_id":7}',
    "key twice": b'{"user_id":7,"user_id":7,"emails":[]}',
    "id zero": b'{"user_id":0,"emails":[]}',
    "id too large": b'{"user_id":9007199254740992,"emails":[]}',
    "id as float": b'{"user_id":7.0,"emails":[]}',
    "id as text": b'{"user_id":"7","emails":[]}',
    "id as bool": b'{"user_id":true,"emails":[]}',
    "two primaries": b'{"user_id":7,"emails":[["a@x",true],["b@x",true]]}',
    "primary last": b'{"user_id":7,"emails":[["a@x",false],["b@x",true]]}',
    "unordered": b'{"user_id":7,"emails":[["b@x",false],["a@x",false]]}',
    "address twice": b'{"user_id":7,"emails":[["a@x",false],["a@x",false]]}',
    "primary again": b'{"user_id":7,"emails":[["b@x",true],["a@x",false],["b@x",false]]}',
    "empty address": b'{"user_id":7,"emails":[["",true]]}',
    "long address": b'{"user_id":7,"emails":[["' + b"a" * 321 + b'",true]]}',
    "too many": json.dumps(
        {"user_id": 7, "emails": [[f"{n:03}", False] for n in range(101)]}, separators=(",", ":")
    ).encode(),
    "third value in a pair": b'{"user_id":7,"emails":[["a@x",true,"Mona"]]}',
    "NUL": rb'{"user_id":7,"emails":[["\u0000a@x",true]]}',
    "escaped letter": rb'{"user_id":7,"emails":[["\u0061@x",true]]}',
    "lone surrogate": rb'{"user_id":7,"emails":[["\ud800@x",true]]}',
    "not UTF-8": b'{"user_id":7,"emails":[["\xff@x",true]]}',
    "carriage return": b'{"user_id":7,"emails":[]}\r',
    "no JSON": b"user_id=7",
    "nothing": b"",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_read_line_refuses(raw: bytes) -> None:
    with pytest.raises(LineInvalid):
        read_line(raw)


def test_read_line_never_quotes_what_it_refuses() -> None:
    with pytest.raises(LineInvalid) as refusal:
        read_line(b'{"user_id":7,"emails":[["mona@octo.example",true],["mona@octo.example",true]]}')

    assert "mona" not in str(refusal.value)


def test_read_lines_gives_each_line_as_received() -> None:
    body = b"".join(line + b"\n" for line in VECTORS)

    received = list(read_lines(body))

    assert [raw for raw, _ in received] == VECTORS
    assert [line.user_id for _, line in received] == [7, 8, 9, 10]


@pytest.mark.parametrize("body", [VECTORS[0], VECTORS[0] + b"\n" + VECTORS[1], VECTORS[0] + b"\n\n"])
def test_read_lines_refuses_a_cut_off_or_empty_line(body: bytes) -> None:
    with pytest.raises(LineInvalid):
        list(read_lines(body))
