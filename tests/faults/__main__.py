"""``python -m tests.faults [--database postgres|sqlite] [WORD ...]``: the table of faults, fault by fault.

Prints ``fault | database | result``; words choose the faults that have one of them in their names.
"""

import argparse
import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory

from tests.faults.rigs import running_rig
from tests.faults.rows import DATABASES, Row, run
from tests.faults.table import ROWS

_voice = threading.Lock()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--database", choices=DATABASES, action="append", help="both unless given")
    parser.add_argument("word", nargs="*", help="only faults with one of these words in their names")
    options = parser.parse_args(arguments)
    chosen = [each for each in ROWS if not options.word or any(word in each.name for word in options.word)]
    # Both at once: much of the time is waiting.
    with TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        # Where the suite keeps what its installations share.
        os.environ["LICENSESYNC_DATA_DIR"] = folder
        results = list(pool.map(lambda database: table(database, chosen), options.database or DATABASES))
    red = sum(results)
    say(f"{red} red" if red else "All green.")
    return 1 if red else 0


def table(database: str, chosen: list[Row]) -> int:
    """Run the rows on one kind of database, and return how many are red."""
    red = 0
    with running_rig(database) as rig:
        for each in chosen:
            if database not in each.databases:
                continue
            began = time.monotonic()
            try:
                wrong = run(rig, each)
            except Exception as error:  # noqa: BLE001 - a row that breaks is red, and the next one has its turn
                traceback.print_exc()
                wrong = [f"{type(error).__name__}: {error}"]
            red += bool(wrong)
            took = time.monotonic() - began
            say(f"{each.name:<60} | {rig.database:<10} | {'; '.join(wrong) or 'green'} ({took:.1f} s)")
    return red


def say(line: str) -> None:
    with _voice:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
