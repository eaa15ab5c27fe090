"""Sources on the command line: chosen, refreshed and shown in one line, or as JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from connect.models import Server
from licensesync.models import SourceConfig
from tests.licensesync.world import make_server, ndjson, seat
from tests.sources.helper import from_ghes, held, write_file
from tests.support.ghes import Ghes
from tests.support.ghes_behavior import TOKEN, USER

pytestmark = [pytest.mark.django_db, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture
def server(db: None) -> Server:
    return make_server("ghes1")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def as_json(*arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return read


def test_ghes_is_chosen_with_a_token_from_a_file_and_refreshed(server: Server, ghes: Ghes, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")

    line = run("seat_source", "ghes1", "ghes", "--base-url", ghes.url, "--user", USER, "--token-file", str(token))
    assert line == f"The seats of ghes1.octo.example come from GHES at {ghes.url}."
    ghes.behave(unready=0)
    line = run("refresh_seats", "ghes1")
    shown = as_json("seat_source", "ghes1")

    assert line.startswith(
        "ghes1.octo.example holds 3 accounts, 3 of them with a license: 3 added, 0 changed, 0 removed"
    )
    assert (shown["kind"], shown["seats_from"], shown["accounts"], shown["error_code"]) == ("ghes", "ghes", 3, "")
    assert TOKEN not in str(shown)
    with pytest.raises(CommandError, match=r"^Enter the token"):
        run("seat_source", "ghes1", "ghes", "--base-url", "https://ghes2.octo.example", "--user", USER)


def test_failed_refresh_is_one_sentence_with_its_next_step(server: Server, ghes: Ghes) -> None:
    seat(server, ndjson([1]))
    from_ghes(server, ghes, token="wrong-token-1")
    with pytest.raises(CommandError, match=r"^GHES does not accept the user and the token\. Choose Change source"):
        run("refresh_seats", "ghes1")

    assert "Seats: Import, 1 accounts, taken at " in run("license_sync", "ghes1", "status")
    status = as_json("license_sync", "ghes1", "status")["source"]
    assert (status["error_code"], status["last_success"]) == ("source_auth", None)
    assert status["last_attempt"] is not None
    assert "GHES does not accept the user" in run("seat_source", "ghes1")


def test_large_shrink_needs_the_word_of_whoever_types(server: Server, ghes: Ghes) -> None:
    seat(server, ndjson(range(1, 101)))
    ghes.behave(unready=0)
    from_ghes(server, ghes)
    with pytest.raises(CommandError, match=r"97 of 100 accounts.*--allow-shrink"):
        run("refresh_seats", "ghes1")

    assert as_json("refresh_seats", "ghes1", "--allow-shrink")["removed"] == 97
    assert len(held(server)) == 3


def test_watched_file_is_named_with_its_folder(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    shown = as_json("seat_source", "ghes1", "file", "--path", "lists/all.csv")
    assert (shown["kind"], shown["path"], shown["folder"]) == ("file", "lists/all.csv", f"{tmp_path}/seats/ghes1")
    with pytest.raises(CommandError, match=r"^The watched file is not there\."):
        run("refresh_seats", "ghes1")

    write_file(server, ndjson([1, 2]), path="lists/all.csv")
    assert as_json("refresh_seats", "ghes1")["added"] == 2
    assert "has not changed since it was read" in run("refresh_seats", "ghes1")


def test_imports_alone_have_nothing_to_refresh(server: Server) -> None:
    assert run("seat_source", "ghes1") == "The seats of ghes1.octo.example come from imports alone."
    with pytest.raises(CommandError, match="has no source but imports"):
        run("refresh_seats", "ghes1")


def test_source_can_be_taken_back(server: Server, ghes: Ghes) -> None:
    from_ghes(server, ghes)
    run("seat_source", "ghes1", "import")
    assert SourceConfig.objects.get(server=server).token == ""


def test_token_file_that_is_not_there_is_named(server: Server) -> None:
    with pytest.raises(CommandError, match="cannot be read as a token"):
        run("seat_source", "ghes1", "ghes", "--base-url", "https://ghes.octo.example", "--token-file", "/no/such/file")
