"""Reads the commands out of docs/operations.md, and types them into a shell as somebody would who follows it."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text()
_BLOCK = re.compile(r"^```sh (?P<where>\w+)\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
_DONE = "-- typed --"


def commands(*, where: str, step: str) -> list[str]:
    """The blocks of a numbered step that are typed there: ``server`` and ``cloud`` include what both have in common."""
    section = re.search(rf"^### {re.escape(step)}.*?(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
    assert section is not None, step
    return [found["commands"] for found in _BLOCK.finditer(section[0]) if found["where"] in {where, "both"}]


class Shell:
    """A shell that lives on from command to command, on a machine whose folders and addresses are others."""

    def __init__(self, environment: Mapping[str, str], folder: Path, places: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._bash = subprocess.Popen(
            ["bash", "-e", "-u", "-o", "pipefail"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, block: str) -> str:
        """Type a block, wait for its end, and return what it printed; a command that fails ends it all."""
        for written, here in self._places.items():
            block = block.replace(written, here)
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{block}\necho; echo '{_DONE}'\n")
        self._bash.stdin.flush()
        printed: list[str] = []
        for line in self._bash.stdout:
            if line.strip() == _DONE:
                return "".join(printed).strip()
            printed.append(line)
        raise AssertionError(f"A command failed with {self._bash.wait()}:\n{block}\n{''.join(printed)}")

    def close(self) -> None:
        self._bash.communicate(timeout=10)
