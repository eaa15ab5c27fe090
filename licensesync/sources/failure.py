"""Why a source gave no list."""

from licensesync.failures import explain


class SourceFailure(Exception):
    """No seats were changed. ``code`` is kept and explained, ``detail`` says which line or how many accounts.

    ``retry_after`` is in seconds, where GHES named them.
    """

    def __init__(self, code: str, *, detail: str = "", retry_after: float = 0.0) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Return the sentence in the language in use, and the detail."""
        return " ".join(filter(None, (str(explain(self.code).sentence), self.detail)))

    @property
    def is_transient(self) -> bool:
        """Whether it may be over by itself."""
        return explain(self.code).is_transient
