"""docs/privacy.md is whole: it names every table and every file of the data folder, and the code's durations."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps

from cloud import retention as of_cloud
from cloud.app_keys import TOKEN_LIFETIME
from cloud.models import Intake
from cloud.unfinished import LIFETIME, SILENCE
from enterprises import retention, services, uploads
from licensesync import retention as of_server

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "privacy.md").read_text()
ROWS = {
    cells[1].strip(" †"): cells[3]
    for cells in (line.split("|") for line in TEXT.splitlines() if line.startswith("| "))
    if len(cells) > 5
}


def test_every_model_stands_in_it() -> None:
    models = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    labels = {label.split(".")[0] for label in models}

    named = set(re.findall(rf"`((?:{'|'.join(sorted(labels))})\.[A-Z]\w+)`", TEXT))

    assert named == models


def test_every_file_of_the_data_folder_stands_in_it() -> None:
    """Wherever the code names one."""
    named = set(re.findall(r"`([\w./-]+)`", TEXT))
    written = {
        node.right.value
        for path in sorted(ROOT.glob("config/**/*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and isinstance(node.right, ast.Constant)
        and ast.unparse(node.left) in {"DATA_DIR", "settings.DATA_DIR", "data_dir"}
    }

    assert {"licensesync.sqlite3", "secret_key", "up.lock", "broker"} <= written
    assert written - {"test.sqlite3"} <= named


def days(count: int) -> timedelta:
    return timedelta(days=count)


@pytest.mark.parametrize(
    ("row", "words", "kept", "meant"),
    [
        ("Lines that were sent", "30 days", of_server.KEEP_SENT_AFTER_THE_END, days(30)),
        ("Sync jobs", "400 days", of_server.KEEP_JOBS, days(400)),
        ("Snapshots on their way in", "a day", SILENCE, days(1)),
        ("Snapshots on their way in", "7 days", LIFETIME[Intake.Kind.USAGE], days(7)),
        ("Snapshots on their way in", "an hour", LIFETIME[Intake.Kind.PREVIEW], timedelta(hours=1)),
        ("Ended snapshots", "30 days", of_cloud.KEEP_ENDED, days(30)),
        ("Licenses by day", "Five years", of_cloud.KEEP_HISTORY, days(5 * 366)),
        ("Pairs of people", "400 days", of_cloud.KEEP_PAIRS, days(400)),
        ("Searches", "30 days", of_cloud.KEEP_ENDED, days(30)),
        ("Files between", "An hour", uploads.KEPT_FOR, timedelta(hours=1)),
        ("Sign-in links", "15 minutes", services.LINK_LIVES, timedelta(minutes=15)),
        ("API tokens", "30 days", retention.KEEP_CLOSED_TOKENS, days(30)),
        ("Tokens and one-time codes", "An hour", TOKEN_LIFETIME, timedelta(hours=1)),
        ("What owners are mailed", "400 days", retention.KEEP_NOTICES, days(400)),
        ("Mail", "30 days", retention.KEEP_MAIL, days(30)),
    ],
)
def test_durations_are_those_of_the_code(row: str, words: str, kept: timedelta, meant: timedelta) -> None:
    (said,) = (how_long for what, how_long in ROWS.items() if what.startswith(row))

    assert words in said
    assert kept == meant
