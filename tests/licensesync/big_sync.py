"""A program of its own: import, sync and export very many seats in a fresh database, and print what it took as JSON."""

import io
import json
import os
import resource
import sys
import time
from collections.abc import Iterator

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

from licensesync import services  # noqa: E402
from licensesync.exporting import export_now  # noqa: E402
from licensesync.usage_files import usage_file  # noqa: E402
from tests.factories import NOW  # noqa: E402
from tests.licensesync.world import account, make_world  # noqa: E402


class Lines(io.RawIOBase):
    """NDJSON that is made while it is read, so that the file itself takes no memory."""

    def __init__(self, accounts: int) -> None:
        self._lines = self._make(accounts)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while len(self._rest) < len(buffer) and (line := next(self._lines, b"")):
            self._rest += line
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    @staticmethod
    def _make(accounts: int) -> Iterator[bytes]:
        for number in range(accounts):
            yield account(number + 1, created_at="2024-01-02T03:04:05Z", role="user") + b"\n"


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(accounts: int) -> None:
    call_command("migrate", verbosity=0)
    world = make_world(accounts=0)
    began = time.monotonic()
    services.import_seats(server=world.server, stream=io.BufferedReader(Lines(accounts)), by=None, at=NOW)
    imported = time.monotonic()
    job = world.sync()
    synced = time.monotonic()
    peak = peak_mb()
    file = export_now(server=world.server, clock=world.clock, wait=lambda _seconds: None, show=lambda _count: None)
    exported = time.monotonic()
    downloaded = sum(map(len, usage_file(world.server, file)))
    result = {
        "state": job.state,
        "accounts": job.accounts,
        "parts": job.part_count,
        "import_seconds": round(imported - began, 1),
        "sync_seconds": round(synced - imported, 1),
        "peak_mb": peak,
        "file_state": file.state,
        "file_accounts": file.accounts,
        "file_bytes": downloaded,
        "export_seconds": round(exported - synced, 1),
        "download_seconds": round(time.monotonic() - exported, 1),
        "file_peak_mb": peak_mb(),
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]))
