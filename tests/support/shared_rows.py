"""Rows that the tests of a module begin with: written once, and gone after the last of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.test import TestCase
from pytest_django import DjangoDbBlocker


@contextmanager
def shared_rows(blocker: DjangoDbBlocker) -> Iterator[None]:
    """What is written on entering stands in a transaction around those of the tests, each of which is undone alone.

    For modules without tests that commit.
    """
    with blocker.unblock():
        atomics = TestCase._enter_atomics()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        with blocker.unblock():
            TestCase._rollback_atomics(atomics)  # type: ignore[attr-defined]
