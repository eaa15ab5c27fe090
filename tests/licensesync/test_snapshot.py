"""What is frozen and shown is exactly what FORMATS says, line by line."""

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect.models import Server
from licensesync import snapshot
from licensesync.models import Seat, SyncJob
from tests.licensesync.world import World, make_server, make_world, ndjson, seat
from wire.lines import make_line
from wire.parts import unpack

# The vectors of docs/formats: four accounts, their lines and the digest over them.
ACCOUNTS = (
    {
        "id": 7,
        "login": "mona",
        "emails": [
            {"email": "  Mona@Octo.Example ", "primary": True},
            {"email": "m@X.example"},
            {"email": "a@x.example"},
            {"email": "MONA@octo.example"},
        ],
    },
    {"id": 8, "login": "none", "emails": []},
    {"id": 9, "login": "zoe", "emails": [{"email": "Zoë@straße.example.", "primary": True}]},
    {"id": 10, "login": "under", "emails": [{"email": "u@My_Host.example"}]},
)
LINES = """\
{"user_id":7,"emails":[["mona@octo.example",true],["a@x.example",false],["m@x.example",false]]}
{"user_id":8,"emails":[]}
{"user_id":9,"emails":[["zoë@xn--strae-oqa.example",true]]}
{"user_id":10,"emails":[["u@my_host.example",false]]}
"""
SHA256 = "1c5f252b2c322f1852a389fbf1715f8cf8ff4cc6b0323ab0637c1fc7477d4f24"


def frozen_bytes(job: SyncJob) -> bytes:
    return b"".join(unpack(bytes(part.body)) for part in job.parts.order_by("number"))


def test_frozen_parts_are_the_published_vectors(db: None) -> None:
    world = make_world(accounts=0)
    # Imported in another order: what counts is the order of the ids.
    seat(world.server, "".join(f"{json.dumps(one)}\n" for one in reversed(ACCOUNTS)).encode())

    job = world.sync()

    assert frozen_bytes(job) == LINES.encode()
    assert job.sha256 == SHA256


address = st.builds(
    "{}@{}".format,
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="@"), min_size=1, max_size=12),
    st.sampled_from(["octo.example", "OCTO.example", "straße.example", "my_host.example"]),
)
accounts = st.dictionaries(st.integers(1, 2**53 - 1), st.lists(address, max_size=4), min_size=1, max_size=12)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(accounts=accounts)
def test_frozen_bytes_are_the_canonical_lines_in_order(accounts: dict[int, list[str]]) -> None:
    world = make_world(make_server(), accounts=0)
    lines = [
        {
            "id": user_id,
            "login": f"u{user_id}",
            "emails": [{"email": email, "primary": not index} for index, email in enumerate(emails)],
        }
        for user_id, emails in accounts.items()
    ]
    seat(world.server, "".join(f"{json.dumps(line)}\n" for line in lines).encode())

    job = world.sync()

    expected = b"".join(
        make_line(user_id, emails[0] if emails else None, emails[1:]) + b"\n"
        for user_id, emails in sorted(accounts.items())
    )
    assert frozen_bytes(job) == expected
    assert job.sha256 == hashlib.sha256(expected).hexdigest()


def test_part_is_cut_before_it_grows_too_large(db: None) -> None:
    emails = [{"email": f"{'x' * 290}{number:03}@octo.example"} for number in range(100)]
    world = make_world(accounts=0)
    seat(world.server, b"".join(ndjson([user_id], emails=emails) for user_id in range(1, 301)))

    job = world.sync()

    sizes = [len(unpack(bytes(part.body))) for part in job.parts.order_by("number")]
    assert len(sizes) == 2
    assert max(sizes) <= snapshot.MAX_RAW_BYTES


class TestWhatWillBeSent:
    @pytest.fixture
    def server(self, db: None) -> Server:
        server = make_server()
        seat(server, ndjson(range(1, 121)) + ndjson([500], login="findme") + ndjson([501], suspended=True))
        return server

    def test_pages_hold_exactly_the_lines_in_order(self, server: Server) -> None:
        pages = [snapshot.preview_lines(server, page=page) for page in (1, 2, 3)]

        lines = [line for page in pages for line in page.lines]
        stored = Seat.objects.filter(server=server, is_license_consuming=True).order_by("user_id")
        assert lines == list(stored.values_list("line", flat=True))
        assert (pages[0].pages, pages[0].accounts) == (3, 121)

    def test_page_out_of_range_is_the_nearest(self, server: Server) -> None:
        assert snapshot.preview_lines(server, page=99).page == 3
        assert snapshot.preview_lines(server, page=-1).page == 1

    @pytest.mark.parametrize(("search", "found"), [("USER77@", 1), ("findme", 1), ('"user_id":12,', 1), ("nobody", 0)])
    def test_search_looks_in_lines_and_logins(self, server: Server, search: str, found: int) -> None:
        page = snapshot.preview_lines(server, search=search)

        assert (page.found, len(page.lines), page.accounts) == (found, found, 121)

    def test_size_and_digest_are_those_of_the_next_snapshot(self, world: World) -> None:
        said = snapshot.outgoing(world.server)

        job = world.sync()

        assert (said.accounts, said.sha256) == (job.accounts, job.sha256)
        assert said.size == len(frozen_bytes(job))


class TestWhatWasSent:
    def test_nothing_was_sent_before_the_first_sync(self, world: World) -> None:
        world.request()

        assert snapshot.last_sent(world.server) is None

    def test_lines_are_those_of_the_last_success_though_the_seats_changed(self, world: World) -> None:
        job = world.sync()
        seat(world.server, ndjson([99]), partial=True)

        sent = snapshot.last_sent(world.server)

        assert sent == job
        assert [json.loads(line)["user_id"] for line in snapshot.sent_lines(job).lines] == [1, 2, 3]

    def test_page_may_lie_across_two_parts(self, db: None) -> None:
        job = make_world(accounts=10_030).sync()

        page = snapshot.sent_lines(job, page=201)

        assert [json.loads(line)["user_id"] for line in page.lines] == list(range(10_001, 10_031))
        across = snapshot.sent_lines(job, search="user100", page=1)
        assert snapshot.sent_lines(job, search="user100", page=99).page == across.pages
        assert across.found == len([n for n in range(1, 10_031) if "user100" in f"user{n}@"])
