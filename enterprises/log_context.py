"""What every log line of a piece of work carries: the request, the task and the job that it belongs to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

# The last one counts; those before it come back when it ends.
_nested: ContextVar[tuple[Mapping[str, object], ...]] = ContextVar("log_context", default=({},))


def log_context() -> Mapping[str, object]:
    """What the lines of this thread carry now, by name."""
    return _nested.get()[-1]


def begin(**fields: object) -> None:
    """Let the lines from here on carry these as well; for who cannot use ``lines_carry``."""
    _nested.set((*_nested.get(), {**log_context(), **fields}))


def end() -> None:
    """Go back to what lines carried before the last ``begin``."""
    _nested.set(_nested.get()[:-1] or ({},))


@contextmanager
def lines_carry(**fields: object) -> Iterator[None]:
    """Every line that is written meanwhile, by whomever, carries these fields."""
    begin(**fields)
    try:
        yield
    finally:
        end()
