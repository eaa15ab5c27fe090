"""docs/licensing.md as it is walked: the demo, a real browser, and a number that gets smaller."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.journey.licensing_walk import walk
from tests.support.hosts import ROOT, Host
from tests.support.screenshots import sign_in

DOCUMENT = ROOT / "docs" / "licensing.md"


@pytest.mark.timeout(240)
def test_the_walk_ends_with_a_smaller_number_and_a_proof(tmp_path: Path, page: Page) -> None:
    host = Host(role="both", name="localhost", folder=tmp_path, has_demo=True)
    shown: list[str] = []

    with host.running():
        sign_in(page, host)
        before, after, mended, ledger = walk(page, host, shown.append)

    assert mended >= 3
    assert after == before - mended
    assert re.search(rf"Sync of ghes2\.octo\.example.*\b{mended}\b", ledger, re.DOTALL)
    assert re.findall(r"images/(licensing-[a-z-]+)\.png", DOCUMENT.read_text("utf-8")) == shown
