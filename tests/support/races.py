"""Races that need no luck: eight threads meet right before one statement, and go on when nobody can come nearer.

`race` runs them. The context managers take a guard away, for the control that shows what happens without it.
"""

import copy
import re
import threading
import time
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar, cast, overload
from unittest import mock

from django.db import connection, connections
from django.db.models import Field, Model, QuerySet

THREADS: Final = 8
_PATIENCE: Final = 30.0
# How often PostgreSQL is asked who waits for whom, as long as somebody is on the way.
_LOOK_AGAIN: Final = 0.01
_WAITING = "SELECT count(*) FROM unnest(%s::int[]) AS pid WHERE pg_blocking_pids(pid) && %s::int[]"

Result = TypeVar("Result")
Refusal = TypeVar("Refusal", bound=Exception)


@overload
def race(
    act: Callable[[int], Result], *, before: str = "", meanwhile: Callable[[], object] | None = None
) -> list[Result]: ...


@overload
def race(
    act: Callable[[int], Result],
    *,
    before: str = "",
    meanwhile: Callable[[], object] | None = None,
    refusals: tuple[type[Refusal], ...],
) -> list[Result | Refusal]: ...


def race(
    act: Callable[[int], Result],
    *,
    before: str = "",
    meanwhile: Callable[[], object] | None = None,
    refusals: tuple[type[Exception], ...] = (),
) -> list[Any]:
    """What `act(0)` to `act(7)` return when they run at the same moment, each with a database connection of its own.

    ``before`` is a regular expression: every thread stands still before its first statement that matches, until each
    of the others stands there too, waits for a lock that one of them holds, or is over. Then ``meanwhile`` runs in a
    thread of its own until it is over or waits, and all go on. Without ``before`` they meet before they begin.

    SQLite lets one transaction in at a time, so there they stand before the transaction that the statement is in.

    Exceptions among ``refusals`` are results, others are raised here.
    """
    place = _Place(before)

    def run(number: int) -> Result | Exception:
        with place.racer(number):
            try:
                return act(number)
            except refusals as refusal:
                return refusal

    def interrupt(happen: Callable[[], object]) -> None:
        with place.bystander(THREADS):
            happen()

    with ThreadPoolExecutor(THREADS + 1) as pool:
        runs = [pool.submit(run, number) for number in range(THREADS)]
        try:
            place.wait_for(set(range(THREADS)))
            if meanwhile is not None:
                interruption = pool.submit(interrupt, meanwhile)
                place.wait_for({THREADS})
        finally:
            place.open()
        results = [one.result() for one in runs]
        if meanwhile is not None:
            interruption.result()
    assert place.is_known, f"Nobody came to {before!r}."
    return results


class _Place:
    """Where the racers stand, and who is still: stands there, or is over."""

    def __init__(self, before: str) -> None:
        in_transactions = "BEGIN IMMEDIATE|" if connection.vendor == "sqlite" else ""
        self._before = re.compile(in_transactions + before) if before else None
        self._changed = threading.Condition()
        self._is_open = False
        self._still: set[int] = set()
        self._backends: dict[int, int] = {}
        self.is_known = not before

    @contextmanager
    def racer(self, number: int) -> Iterator[None]:
        """Stop at the place on the way."""
        with self.bystander(number), connection.execute_wrapper(partial(self._stop, number)):
            if self._before is None:
                self._stand(number)
            yield

    @contextmanager
    def bystander(self, number: int) -> Iterator[None]:
        """Pass the place without stopping. Connected beforehand, so that connecting does not part anybody."""
        connection.ensure_connection()
        try:
            with self._changed:
                if connection.vendor == "postgresql":
                    self._backends[number] = connection.connection.info.backend_pid
            yield
        finally:
            connections.close_all()
            with self._changed:
                self._still.add(number)
                self._changed.notify_all()

    def wait_for(self, numbers: Set[int]) -> None:
        """Return when each of them is still, or waits for a lock of another one."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with self._changed:
                self._changed.wait_for(lambda: numbers <= self._still, timeout=_LOOK_AGAIN)
                # Whoever waits for one of those that are still at this moment goes on waiting.
                moving = numbers - self._still
            if not moving or self._count_waiting(moving) == len(moving):
                return
        raise AssertionError("Somebody neither came to the place nor waited for a lock.")

    def open(self) -> None:
        """Let everybody go on."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def _stop(self, number: int, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if self._before is not None and self._before.search(sql):
            self._stand(number)
        return execute(sql, *arguments)

    def _stand(self, number: int) -> None:
        with self._changed:
            self.is_known = True
            self._still.add(number)
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._is_open, timeout=_PATIENCE):
                raise AssertionError("The others did not come.")
            self._still.discard(number)

    def _count_waiting(self, numbers: Set[int]) -> int:
        with self._changed:
            backends = dict(self._backends)
        if not numbers <= backends.keys():
            return 0
        with connection.cursor() as cursor:
            cursor.execute(_WAITING, [[backends[number] for number in numbers], list(backends.values())])
            return int(cursor.fetchone()[0])


@contextmanager
def without_lock(model: type[Model]) -> Iterator[None]:
    """Let `select_for_update` read the rows of a model without holding them."""
    hold = QuerySet.select_for_update

    def select(rows: QuerySet[Model], *arguments: Any, **options: Any) -> QuerySet[Model]:
        return rows.all() if rows.model is model else hold(rows, *arguments, **options)

    with mock.patch.object(QuerySet, "select_for_update", select):
        yield


@contextmanager
def without_condition(model: type[Model]) -> Iterator[None]:
    """Look first and write then: a conditional UPDATE or DELETE is one of whatever rows met the condition before."""
    change, remove = QuerySet.update, QuerySet.delete

    def seen(rows: QuerySet[Model]) -> QuerySet[Model]:
        return model._base_manager.filter(pk__in=list(rows.values_list("pk", flat=True)))

    def update(rows: QuerySet[Model], **changes: Any) -> int:
        return change(seen(rows) if rows.model is model else rows, **changes)

    def delete(rows: QuerySet[Model]) -> tuple[int, dict[str, int]]:
        if rows.model is not model:
            return remove(rows)
        found = list(rows.values_list("pk", flat=True))
        remove(model._base_manager.filter(pk__in=found))
        return len(found), {}

    with mock.patch.object(QuerySet, "update", update), mock.patch.object(QuerySet, "delete", delete):
        yield


@contextmanager
def without_unique(model: type[Model], name: str) -> Iterator[None]:
    """Drop a unique constraint, or the uniqueness of a field, for the length of the block; the table is empty after."""
    constraint = next((one for one in model._meta.constraints if one.name == name), None)

    def switch(*, is_on: bool) -> None:
        with connection.schema_editor() as editor:
            if constraint is not None:
                (editor.add_constraint if is_on else editor.remove_constraint)(model, constraint)
                return
            field = cast("Field[Any, Any]", model._meta.get_field(name))
            loose = copy.copy(field)
            # The second remembers the first.
            vars(loose).update(_unique=False, unique=False)
            editor.alter_field(model, *((loose, field) if is_on else (field, loose)))

    switch(is_on=False)
    try:
        yield
    finally:
        model._base_manager.all().delete()
        switch(is_on=True)
