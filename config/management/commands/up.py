"""Runs everything on one machine: broker, migrations, web, worker and beat."""

import fcntl
import os
import socket
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from config.broker import broker_command
from config.embedded import broker_socket, keep_address, kept_address
from config.keys import refuse_wrong_keys
from config.supervisor import NotStarted, Program, Supervisor, own_environment
from connect.services import follow_cloud
from enterprises.setup_codes import needs_first_owner, setup_secret

STOP_ORDER = ("web", "beat", "worker", "broker")
CELERY = (sys.executable, "-m", "celery", "--app", "config", "--quiet")


class Command(BaseCommand):
    """Prepare, start, look after, stop."""

    help = "Runs the whole console on this machine: broker, migrations, web, worker and beat, until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: 8000)")
        parser.add_argument("--no-demo", action="store_true", help="do not fill an empty database with the demo world")

    def handle(self, *, host: str, port: int, no_demo: bool, **_options: Any) -> None:
        settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The lock first: where this very console holds the port, that is what to say.
        with lock(settings.DATA_DIR):
            check_port(host, port)
            self.run(host, port, wants_demo=not no_demo)

    def run(self, host: str, port: int, *, wants_demo: bool) -> None:
        environment = own_environment(LICENSESYNC_ROLE=settings.ROLE)
        environment.setdefault("BASE_URL", f"http://localhost:{port}")
        supervisor = Supervisor(environment, settings.BASE_DIR, self.say)
        try:
            if not os.environ.get("REDIS_URL") and not os.environ.get("REDIS_URL_FILE"):
                supervisor.start(broker())
            if not supervisor.is_stopping:
                how = self.prepare(supervisor, environment["BASE_URL"], wants_demo=wants_demo)
            for program in (worker(), beat(), web(host, port)):
                if not supervisor.is_stopping:
                    supervisor.start(program)
            if not supervisor.is_stopping:
                self.say(f"\nThe console answers on {environment['BASE_URL']}\n{how}\nStop it with Ctrl-C.\n")
            supervisor.watch()
        except NotStarted as error:
            raise CommandError(str(error)) from error
        finally:
            supervisor.stop(STOP_ORDER)
        self.say("Stopped.")

    def prepare(self, supervisor: Supervisor, address: str, *, wants_demo: bool) -> str:
        """Brings database and static files up to date; answers how to sign in."""
        call_command("migrate", verbosity=0, interactive=False)
        refuse_wrong_keys()
        call_command("collectstatic", verbosity=0, interactive=False)
        move_to(address)
        is_half_made = unfinished_demo().exists()
        is_empty = needs_first_owner() or is_half_made
        secret = setup_secret() if is_empty and not wants_demo and not is_half_made else ""
        connections.close_all()
        if is_empty and wants_demo:
            return make_demo(supervisor, *(["--reset"] if is_half_made else []))
        if secret:
            return f"Create the first owner on {address}/setup with the one-time code {secret}"
        return "Sign in as before; who forgot the password runs: .venv/bin/python manage.py sign_in_link USER"

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def move_to(address: str) -> None:
    """With another port than the last time, servers find the cloud of this same console where it now answers."""
    before = kept_address(settings.DATA_DIR)
    if settings.ROLE == "both" and before not in {"", address}:
        follow_cloud(before=before, after=address)
    keep_address(settings.DATA_DIR, address)


def unfinished_demo() -> Path:
    """Lies there while the demo world is being made: whoever is interrupted then begins anew at the next start."""
    folder: Path = settings.DATA_DIR
    return folder / "demo-unfinished"


def make_demo(supervisor: Supervisor, *options: str) -> str:
    """Fills the database; answers how to sign in.

    It is a process of its own, since it has to know the address that people will use, and is ended by a stop.
    """
    unfinished_demo().touch()
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "seed_demo", *options]
    with tempfile.TemporaryFile("w+") as said:
        code = supervisor.run(command, said)
        if code == 0:
            unfinished_demo().unlink()
        elif not supervisor.is_stopping:
            raise CommandError("The demo world could not be made; --no-demo starts without it.")
        said.seek(0)
        return said.read().strip()


def check_port(host: str, port: int) -> None:
    """:raises CommandError: somebody else listens there, or the address is not ours"""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"Port {port} on {host} cannot be used ({error}): choose another one with --port (make run PORT=8001)."
            ) from error


def lock(data_dir: Path) -> IO[str]:
    """Held as long as the file is open.

    :raises CommandError: the data folder is already in use
    """
    file = (data_dir / "up.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise CommandError(f"The console already runs on {data_dir}: stop it, or set LICENSESYNC_DATA_DIR.") from error
    return file


def broker() -> Program:
    where = broker_socket(settings.DATA_DIR)
    where.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if where.parent.stat().st_uid != os.getuid():
        raise CommandError(f"{where.parent} belongs to somebody else: set LICENSESYNC_DATA_DIR to a shorter path.")
    folder = settings.DATA_DIR / "broker"
    folder.mkdir(mode=0o700, exist_ok=True)
    return Program("broker", broker_command(where, folder), is_ready=broker_answers)


def web(host: str, port: int) -> Program:
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "--bind", bind]
    reach = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return Program("web", [*gunicorn, "config.wsgi"], stop_seconds=15, is_ready=lambda: listens(reach, port))


def worker() -> Program:
    options = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")
    return Program("worker", [*CELERY, "worker", *options], stop_seconds=30)


def beat() -> Program:
    return Program("beat", [*CELERY, "beat", "--loglevel", "WARNING"])


def broker_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.BROKER_CACHE_URL, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
