"""Two hundred thousand seats are imported, synced and exported within the memory that a worker may take."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_MB = 300
ROOM_FOR_A_FILE_MB = 30


@pytest.mark.processes
@pytest.mark.timeout(400)
def test_two_hundred_thousand_seats_travel_in_bounded_memory(tmp_path: Path) -> None:
    environment = {**os.environ, "LICENSESYNC_DATA_DIR": str(tmp_path), "LICENSESYNC_ROLE": "both"}

    done = subprocess.run(
        [sys.executable, "-m", "tests.licensesync.big_sync", "200000"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )

    result = json.loads(done.stdout)
    assert (result["state"], result["accounts"], result["parts"]) == ("succeeded", 200_000, 20)
    assert result["peak_mb"] < LIMIT_MB
    # Over the wire they were there already: the file comes on top of what that took.
    assert (result["file_state"], result["file_accounts"]) == ("exported", 200_000)
    assert result["file_peak_mb"] - result["peak_mb"] < ROOM_FOR_A_FILE_MB
