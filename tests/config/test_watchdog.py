"""The process that ends what a dead supervisor left."""

import signal
import subprocess
import sys

from config.watchdog import end, orphans


def test_orphans_are_what_was_started_and_not_ended_latest_first() -> None:
    assert orphans(["+1\n", "+2\n", "+3\n", "-2\n"]) == [3, 1]


def test_ended_group_that_is_named_twice_is_no_error() -> None:
    assert orphans(["+1\n", "-1\n", "-1\n"]) == []


def test_end_stops_a_whole_group() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as child:
        end([child.pid])

        assert child.wait(timeout=20) == -signal.SIGTERM
