"""Reading seats files: what is accepted, and the line and reason of what is not."""

import io
from datetime import UTC, datetime

import pytest

from licensesync.seats.reading import read_seats
from licensesync.seats.rows import SeatRow, SeatsInvalid

GHES_HEADER = (
    "created_at,id,login,email,role,suspended?,last_logged_ip,repos,ssh_keys,org_memberships,dormant?,last_active,"
    "raw_login,2fa_enabled?\n"
)


def read(data: str | bytes, file_format: str | None = None) -> list[SeatRow]:
    raw = data.encode() if isinstance(data, str) else data
    return list(read_seats(io.BytesIO(raw), file_format))


class TestReport:
    def test_ghes_report_is_read_with_all_that_we_keep(self) -> None:
        row = (
            "2014-03-05 20:17:00 -0800,7,mona,Mona@Octo.Example,admin,false,10.0.0.1,1,2,3,true,2024-05-01,mona,true\n"
        )

        (seat,) = read(GHES_HEADER + row)

        assert seat.line == '{"user_id":7,"emails":[["mona@octo.example",true]]}'
        assert (seat.login, seat.role, seat.is_dormant, seat.is_license_consuming) == ("mona", "admin", True, True)
        assert seat.created_on_server_at == datetime(2014, 3, 6, 4, 17, tzinfo=UTC)
        assert seat.last_active_at == datetime(2024, 5, 1, tzinfo=UTC)

    def test_bom_crlf_unknown_columns_and_blank_lines_do_not_disturb(self) -> None:
        (seat,) = read(b"\xef\xbb\xbfid,login,email,color\r\n\r\n7,mona,,blue\r\n")

        assert (seat.number, seat.user_id, seat.primary_email) == (3, 7, "")

    def test_quoted_cells_may_hold_commas_and_line_breaks(self) -> None:
        first, second = read('id,login,email,note\n1,a,,"x, y\nz"\n2,b,,\n')

        assert (first.number, second.number) == (2, 4)

    def test_last_line_needs_no_line_feed(self) -> None:
        assert [seat.user_id for seat in read("id,login,email\n1,a,\n2,b,")] == [1, 2]


class TestNdjson:
    def test_account_is_read_with_all_its_addresses(self) -> None:
        emails = '[{"email":"m@X.example"},{"email":" Mona@octo.example","primary":true}]'

        (seat,) = read(f'{{"id":7,"login":"mona","role":null,"emails":{emails},"extra":1}}')

        assert seat.line == '{"user_id":7,"emails":[["mona@octo.example",true],["m@x.example",false]]}'
        assert seat.primary_email == "mona@octo.example"

    def test_times_are_kept_in_utc(self) -> None:
        (seat,) = read('{"id":7,"login":"mona","emails":[],"created_at":"2024-01-02T03:04:05+02:00"}')

        assert seat.created_on_server_at == datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ('"login":"mona"', True),
        ('"login":"mona","dormant":true', True),
        ('"login":"mona","suspended":true', False),
        ('"login":"mona","type":"Bot"', False),
        ('"login":"ghost"', False),
        ('"login":"SCIM-admin"', False),
        ('"login":"ghostwriter"', True),
    ],
)
def test_who_holds_a_license(fields: str, holds: bool) -> None:
    (seat,) = read(f'{{"id":7,"emails":[],{fields}}}')

    assert seat.is_license_consuming is holds


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        ("", 0, "empty"),
        ("\n \n", 0, "empty"),
        ("id,login\n", 1, "lacks the column email"),
        ("hello,world\n", 1, "lacks the columns id, login, email"),
        ("id,login,email,id\n", 1, "twice: id"),
        ("id,login,email\n1,a\n", 2, "2 fields where the header has 3"),
        ("id,login,email\n1,a,\n0,b,\n", 3, "whole number"),
        ("id,login,email\n9007199254740992,b,\n", 2, "whole number"),
        ("id,login,email\n٣,b,\n", 2, "whole number"),
        ("id,login,email\n1,,\n", 2, "login is empty"),
        ('id,login,email\n1,"a,\n2,b,\n3,c,\n', 2, "quotation mark"),
        ('id,login,email\n1,"a"b,\n', 2, "not CSV"),
        ("id,login,email,suspended?\n1,a,,maybe\n", 2, "suspended? is neither"),
        ("id,login,email,created_at\n1,a,,yesterday\n", 2, "created_at is not a date"),
        (f"id,login,email\n1,a,{'x' * 330}@octo.example\n", 2, "320"),
        (f"id,login,email\n1,{'a' * 256},\n", 2, "255"),
        (",".join(f"c{number}" for number in range(201)), 1, "200 columns"),
        ("id,login,email\n1,a\0,\n", 2, "NUL"),
        (b"id,login,email\n1,\xff,\n", 2, "UTF-8"),
        ("id,login,email\n".encode("utf-16"), 1, "NUL"),
        (b"x" * 300_000, 1, "256 KiB"),
        ('{"id":1,"login":"a","emails":[]}\n{"id":2,', 2, "whole JSON object"),
        ('{"id":1,"login":"a","emails":[],"x":' + "[" * 50_000 + "]" * 50_000 + "}", 1, "whole JSON object"),
        ('{"id":1.5,"login":"a","emails":[]}', 1, "“id”: a whole number belongs here"),
        ('{"id":1,"login":"a"}', 1, "emails"),
        (
            '{"id":1,"login":"a","emails":[{"email":"a@b","primary":true},{"email":"c@d","primary":true}]}',
            1,
            "one primary",
        ),
        ('{"id":1,"login":"a\\u0000","emails":[]}', 1, "control"),
        ('{"id":1,"login":"\\ud800","emails":[]}', 1, "JSON"),
        ('{"id":1,"login":"a","emails":[{"email":"a\\u0007@b"}]}', 1, "control"),
        (
            '{"id":1,"login":"a","emails":[' + ",".join(f'{{"email":"a{n}@b"}}' for n in range(101)) + "]}",
            1,
            "100 email",
        ),
        ('{"id":1,"login":"a","emails":[],"created_at":"0001-01-01T00:00:00+14:00"}', 1, "calendar"),
    ],
)
def test_bad_line_is_named_with_its_reason(data: str | bytes, line: int, reason: str) -> None:
    with pytest.raises(SeatsInvalid) as refused:
        read(data)

    assert refused.value.line == line
    assert reason in str(refused.value)


def test_reason_never_quotes_an_address() -> None:
    with pytest.raises(SeatsInvalid) as refused:
        read('{"id":1,"login":"a","emails":[{"email":"secret@octo.example\\u0000"}]}')

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("nothing", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_time_that_programs_write_for_none_is_none(nothing: str) -> None:
    (in_csv,) = read(f"id,login,email,created_at,last_active\n1,a,,{nothing},{nothing}\n")
    (in_json,) = read(f'{{"id":1,"login":"a","emails":[],"created_at":"{nothing}","last_active":"{nothing}"}}')

    for row in (in_csv, in_json):
        assert (row.created_on_server_at, row.last_active_at) == (None, None)


def test_reason_quotes_little_of_a_header_and_no_control_character() -> None:
    name = f"\x1b[2J{'x' * 100_000}"
    with pytest.raises(SeatsInvalid) as caught:
        read(f"id,login,email,{name},{name}\n")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_given_format_wins_over_the_look_of_the_file() -> None:
    with pytest.raises(SeatsInvalid, match="whole JSON object"):
        read("id,login,email\n1,a,\n", "ndjson")


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ('{"id":1,"login":"a","emails":[[]]}', "“emails”, entry 1: an object {…} belongs here, not a list […]"),
        ('{"id":1,"login":"a","emails":[{}]}', "“emails”, entry 1: the field “email” is missing"),
        ('{"id":1,"login":"a"}', "the field “emails” is missing"),
        ('{"id":"1","login":"a","emails":[]}', "“id”: a whole number belongs here, not text in quotation marks"),
        (
            '{"id":1,"login":"a","emails":[],"role":4}',
            "“role”: text in quotation marks or null belongs here, not a whole number",
        ),
        (
            '{"id":1,"login":"a","emails":[],"created_at":"x"}',
            "“created_at”: not a date and time such as 2026-03-02T09:30:00Z",
        ),
        ('{"id":1e400,"login":"a","emails":[]}', "“id”: the number is too small or too large"),
        ('{"id":1,', "not a whole JSON object"),
    ],
)
def test_reason_is_said_for_people(account: str, reason: str) -> None:
    with pytest.raises(SeatsInvalid) as refused:
        read(account)

    assert str(refused.value) == f"Line 1: {reason}"
