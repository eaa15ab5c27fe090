"""The clock of a process can be moved from outside, again and again, and only for what the product calls the time."""

import os
import subprocess
import sys
from pathlib import Path

from tests.faults import clock

LOOK = """
import sys, time
from django.conf import settings
settings.configure(USE_TZ=True)
from django.utils import timezone
for _line in sys.stdin:
    print(round(timezone.now().timestamp() - time.time()), flush=True)
"""


def test_clock_follows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    with subprocess.Popen(
        [sys.executable, "-c", LOOK],
        env={"PATH": os.environ["PATH"], **clock.variables(file)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        seen = []
        for seconds in (None, 600, -600, 0):
            if seconds is not None:
                clock.move(file, seconds)
            process.stdin.write("look\n")
            process.stdin.flush()
            seen.append(int(process.stdout.readline()))
        process.stdin.close()

    assert seen == [0, 600, -600, 0]
