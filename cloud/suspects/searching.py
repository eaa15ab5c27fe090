"""Search an account for people who are probably one: without the ledger's lock, which only the writing takes.

The books may change meanwhile. Every change raises their revision, so that under the lock one number tells whether
what was read still holds; where it does not, the search begins again.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_noop as _

from cloud.locks import locked
from cloud.models import Ledger, SuspectRun
from cloud.staging import Pieces, analyze, temporary_table
from cloud.suspects import addresses, comparing, runs, weighing
from cloud.suspects.runs import ClaimLost
from cloud.suspects.writing import write_pairs

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]

MAX_ATTEMPTS: Final = 3
_TABLES: Final = (
    (addresses.KNOWN, addresses.KNOWN_COLUMNS, ""),
    (addresses.PLACES, addresses.PLACES_COLUMNS, addresses.PLACES_KEY),
    (comparing.DOMAINS, comparing.DOMAINS_COLUMNS, "domain"),
    (comparing.CANDIDATES, comparing.CANDIDATES_COLUMNS, ""),
    (comparing.MEETING, comparing.MEETING_COLUMNS, comparing.MEETING_KEY),
    (weighing.PAIRS, weighing.PAIRS_COLUMNS, weighing.PAIRS_KEY),
)

Step = SuspectRun.Step
State = SuspectRun.State


def search(run_id: int, clock: Clock) -> None:
    """Do a search that waits, unless somebody else is at it."""
    run = runs.claim(run_id, clock())
    if run is None:
        return
    try:
        if run.claim > runs.MAX_CLAIMS:
            run.revision, run.basis = run.ledger.revision, runs.basis_of(run.ledger)
            _fail(run, _("It was begun several times, and no worker came to its end."), clock())
        elif not any(_attempt(run, clock) for _number in range(MAX_ATTEMPTS)):
            _fail(run, _("The books changed each time while they were searched."), clock())
    except ClaimLost:
        logger.warning("Another worker took a search over.", extra={"run_id": run.pk})
    except BaseException:
        # Whatever it was, the next tick tries again and need not wait for the lease to end.
        runs.give_back(run)
        raise


def _attempt(run: SuspectRun, clock: Clock) -> bool:
    """Search the books as they are now; whether they still were so at the end."""
    ledger = Ledger.objects.get(pk=run.ledger_id)
    held = comparing.domains_of([ledger])[ledger.pk]
    run.revision, run.basis = ledger.revision, runs.basis_of(ledger)
    with ExitStack() as tables:
        for name, columns, key in _TABLES:
            tables.enter_context(temporary_table(name, columns, key=key))
        _read(run, ledger, held, clock)
        _weigh(run, clock)
        return _write(run, clock)


def _read(run: SuspectRun, ledger: Ledger, held: list[str], clock: Clock) -> None:
    reading: list[tuple[str, Callable[[], None]]] = [
        (Step.READ, lambda: addresses.read_members(ledger)),
        (Step.READ, lambda: addresses.read_primaries(ledger)),
        (Step.READ, lambda: addresses.read_secondaries(ledger)),
        (Step.READ, lambda: addresses.read_places(ledger)),
        (Step.COMPARE, lambda: comparing.find_company_domains(ledger, held)),
        (Step.COMPARE, comparing.compare_addresses),
        (Step.COMPARE, comparing.compare_mailboxes),
        (Step.COMPARE, comparing.compare_local_parts),
    ]
    for number, (step, work) in enumerate(reading):
        runs.advance(run, clock(), step=step, done=number, total=len(reading))
        work()


def _weigh(run: SuspectRun, clock: Clock) -> None:
    pieces = Pieces(weighing.PAIRS, weighing.PAIRS_COLUMNS)
    ranges = weighing.boundaries()
    domains = frozenset(comparing.domains_of([run.ledger])[run.ledger_id])
    for number, (start, end) in enumerate(ranges):
        runs.advance(run, clock(), step=Step.WEIGH, done=number, total=len(ranges))
        for row in weighing.weigh(start, end, domains):
            pieces.add(row)
    pieces.finish()
    analyze(weighing.PAIRS)


def _write(run: SuspectRun, clock: Clock) -> bool:
    runs.advance(run, clock(), step=Step.WRITE, done=0, total=1)
    with locked(run.ledger_id) as ledger:
        if not _is_current(run, ledger):
            return False
        at = clock()
        listed, added = write_pairs(ledger, at)
        _end(run, at, state=State.DONE, done=1, listed=listed, added=added)
    return True


def _is_current(run: SuspectRun, ledger: Ledger) -> bool:
    """Whether the books, and what they are searched by, are what was read."""
    return (ledger.revision, runs.basis_of(ledger)) == (run.revision, run.basis)


def _fail(run: SuspectRun, why: str, at: datetime) -> None:
    _end(run, at, state=State.FAILED, error=why)


def _end(run: SuspectRun, at: datetime, **fields: object) -> None:
    runs.end(run, at, revision=run.revision, basis=run.basis, **fields)
