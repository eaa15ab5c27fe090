"""What PostgreSQL's run leaves out: only what others cover, and nothing that was changed since."""

from pathlib import Path

import pytest

from tests.support import covered
from tests.support.record_covered import needless, shape, write_list

FILE = "tests/some/test_it.py"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a test that the list names."""
    monkeypatch.setattr(covered, "ROOT", tmp_path)
    monkeypatch.setattr(covered, "LIST", tmp_path / "covered.txt")
    monkeypatch.setenv(covered.VARIABLE, covered.LEFT_OUT)
    file = tmp_path / FILE
    file.parent.mkdir(parents=True)
    file.write_text("@mark\ndef test_one():\n    assert 1\n")
    write_list([(FILE, "test_one")], covered.LIST)
    return file


class Item:
    """As much of a test as is looked at."""

    name = "test_one"
    cls = None

    def __init__(self, path: Path, *marks: str) -> None:
        self.path = path
        self.marks = marks

    def get_closest_marker(self, name: str) -> bool:
        return name in self.marks


def is_left_out(item: Item) -> bool:
    return bool(covered.left_out([item]))  # type: ignore[list-item]


def test_listed_test_is_left_out(written: Path) -> None:
    assert is_left_out(Item(written))


@pytest.mark.parametrize(
    "change", ["@other\ndef test_one():\n    assert 1\n", "@mark\ndef test_one():\n    assert 2\n"]
)
def test_changed_test_runs_again(written: Path, change: str) -> None:
    written.write_text(change)

    assert not is_left_out(Item(written))


def test_what_runs_on_postgresql_alone_stays(written: Path) -> None:
    assert not is_left_out(Item(written, "postgres"))


def test_whoever_does_not_use_the_runner_runs_all(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(covered.VARIABLE)

    assert not is_left_out(Item(written))


def test_each_statement_is_sent_by_a_test_that_stays() -> None:
    one, two, three = keys = [("t.py", name) for name in ("one", "two", "three")]
    sent = {one: {"a", "b"}, two: {"b"}, three: {"a", "c"}}

    left_out = needless(sent, {one: 3.0, two: 2.0, three: 1.0})

    assert left_out == [one]
    assert set().union(*(sent[key] for key in keys if key not in left_out)) == {"a", "b", "c"}


def test_where_values_decide_nothing_is_left_out() -> None:
    race, other = ("tests/cloud/test_races.py", "one"), ("t.py", "two")

    assert needless({race: {"a"}, other: {"a"}}, {race: 2.0, other: 1.0}) == [other]


@pytest.mark.parametrize("count", [1, 3])
def test_shape_of_a_statement_is_the_same_for_any_number_of_values(count: int) -> None:
    assert shape(f"SELECT 1 WHERE id IN ({', '.join(['%s'] * count)})") == "SELECT 0 WHERE id IN (%s)"
