"""The command line, as a shell uses it."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def test_output_that_nobody_reads_to_its_end_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "LICENSESYNC_DATA_DIR": str(tmp_path)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert (ended.stderr, ended.returncode) == ("", 141)
