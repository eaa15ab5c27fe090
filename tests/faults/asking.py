"""How a row asks the long-lived process beside a side (``tests.faults.helper``)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from config.children import end_with_parent
from tests.support.hosts import ROOT


class HelperError(AssertionError):
    """What the helper was asked to do went wrong there."""


class Helper:
    """The long-lived process of ``tests.faults.helper``."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.helper"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=end_with_parent(),
            )
        self._log = log

    def begin(self, call: str, *words: Any, **options: Any) -> None:
        """Ask, and let it work; the answer is fetched by ``end``, before the next question."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"call": call, "words": words, "options": options}) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise HelperError(f"The helper ended:\n{self._log.read_text()}")
        answered = json.loads(line)
        if "error" in answered:
            raise HelperError(answered["error"])
        return answered["answer"]

    def __call__(self, call: str, *words: Any, **options: Any) -> Any:
        self.begin(call, *words, **options)
        return self.end()

    def stop(self) -> None:
        """End it; one that hangs is killed, so that what hung is what fails and not every test that follows.

        :raises HelperError: it hung
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._process, self._process.stdin, self._process.stdout:
            self._process.stdin.close()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired as late:
                self._process.kill()
                raise HelperError(f"The helper hung:\n{self._log.read_text()}") from late
