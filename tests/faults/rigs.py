"""The rigs of the two databases, and how one is started."""

import os
import resource
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import LiteralString

import psycopg

from tests.faults.asking import Helper
from tests.faults.installations import ComposeSide, EmbeddedSide
from tests.faults.limits import limited
from tests.faults.rig import Rig
from tests.faults.sides import Side
from tests.support.console import is_gone, wait_until
from tests.support.hosts import processes
from tests.support.services import Service, create_database, start_postgres


class OnPostgres(Rig):
    """As docker-compose.yml has it: one PostgreSQL with a database for each side, a broker each."""

    database = "PostgreSQL"

    def _start(self, stack: ExitStack) -> None:
        # A commit that was answered is kept, also where the server is killed a moment later.
        self.postgres: Service
        self.postgres, url = start_postgres(self.folder, "synchronous_commit=on")
        stack.callback(self.postgres.kill)
        address = url.rpartition("/")[0]
        self._address = f"{address}/postgres"
        create_database(url, "server")
        self.cloud = ComposeSide("cloud", self.folder, f"{address}/cloud", BASE_URL=self.line.url)
        self.server = ComposeSide("server", self.folder, f"{address}/server", **self.server_variables)
        self.server.services.run(*self.server.services.command("migrate"))
        for name in ("cloud", "clone"):
            create_database(url, name, template="server")
        self._clone_url = f"{address}/clone"
        self.cloud.start(stack)
        self.server.start(stack)

    @contextmanager
    def full_disk(self, side: Side, part: str) -> Iterator[None]:
        # Not even its log can be written any more, so it goes down; then there is room again.
        with limited(self._processes, resource.RLIMIT_FSIZE, **self.postgres.owner):
            yield
        self.restart_postgres()

    def _processes(self) -> list[int]:
        return [self.postgres.pid, *(pid for pid, parent, _command in processes() if parent == self.postgres.pid)]

    @contextmanager
    def unanswered_commits(self) -> Iterator[None]:
        """A time that ends with the death of PostgreSQL, also where it fails: else everybody would wait for ever."""
        try:
            yield
        finally:
            self.restart_postgres()

    def answer_no_commit(self) -> None:
        """From now on a commit waits for a standby that does not exist: it is written, and not answered."""
        self._execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        self._execute("SELECT pg_reload_conf()")

    def has_unanswered_commit(self) -> bool:
        return bool(self._execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))

    def restart_postgres(self) -> None:
        """Kill it, with all of its processes, and start it again on its data; commits are answered."""
        if self.postgres.runs:
            # It forks nobody any more, so that none of its processes is left out.
            os.kill(self.postgres.pid, signal.SIGSTOP)
        pids = self._processes()
        self.postgres.kill()
        for pid in pids:
            # Each leads a group of its own, and may have seen the end of its parent already.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: all(is_gone(pid) for pid in pids), 20)
        (self.folder / "postgres" / "data" / "postgresql.auto.conf").write_text("")
        self.postgres.start()

    def _execute(self, statement: LiteralString) -> int:
        """Run a statement, and return the number that it answers."""
        with psycopg.connect(self._address, autocommit=True) as connection:
            found = connection.execute(statement)
            return int(found.fetchall()[0][0]) if found.description else 0

    def _copy(self) -> Helper:
        file, address = self.folder / "server.tar.gz", self.folder / "clone_database_url"
        address.write_text(self._clone_url)
        self.server.manage("backup", str(file))
        environment = self.server.environment | {"DATABASE_URL_FILE": str(address)}
        helper = Helper(environment, self.folder / "clone-helper.log")
        helper("manage", ["restore", str(file)])
        return helper


class OnSqlite(Rig):
    """As ``make run`` has it: everything embedded, one ``manage.py up`` for each side."""

    database = "SQLite"

    def _start(self, stack: ExitStack) -> None:
        self.cloud = EmbeddedSide("cloud", self.folder, BASE_URL=self.line.url)
        self.server = EmbeddedSide("server", self.folder, **self.server_variables)
        self.cloud.start(stack)
        self.server.start(stack)

    def _copy(self) -> Helper:
        """The folder as it lies on a disk that was copied."""
        folder = self.folder / "clone-data"
        folder.mkdir()
        original = Path(self.server.environment["LICENSESYNC_DATA_DIR"])
        for key in ("secret_key", "field_encryption_keys"):
            shutil.copy(original / key, folder / key)
        name = "licensesync.sqlite3"
        with closing(sqlite3.connect(original / name)) as held, closing(sqlite3.connect(folder / name)) as copy:
            held.backup(copy)
        environment = self.server.environment | {"LICENSESYNC_DATA_DIR": str(folder)}
        return Helper(environment, self.folder / "clone-helper.log")

    def full_disk(self, side: Side, part: str) -> AbstractContextManager[None]:
        return side.limited(part, resource.RLIMIT_FSIZE)


RIGS = {"postgres": OnPostgres, "sqlite": OnSqlite}


@contextmanager
def running_rig(database: str) -> Iterator[Rig]:
    """A rig that runs and is connected."""
    # Not pytest's tmp_path: nobody but its owner may enter that, and PostgreSQL may have to run as somebody else.
    folder = Path(tempfile.mkdtemp(prefix=f"licensesync-faults-{database}-"))
    try:
        with RIGS[database](folder).running() as rig:
            yield rig
    finally:
        shutil.rmtree(folder, ignore_errors=True)
