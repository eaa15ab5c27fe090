"""The two tables of docs/operations.md that are made of what the rows have seen, line by line."""

import re
from pathlib import Path

from tests.states.pages import Said
from tests.states.rows import Row
from tests.states.scene import Scene

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
_MONTHS = "Jan|Feb|March|April|May|June|July|Aug|Sept|Oct|Nov|Dec"
_DAY = re.compile(rf"\b(?:{_MONTHS})[a-z.]* \d{{1,2}}(?:, \d{{4}})?(?:, [\d:]+ [ap]\.m\. UTC)?")
_CLOUD = re.compile(r"127\.0\.0\.1:\d+")
_HEADS = {
    True: "| State | How it comes about | The page says | What to do |\n|---|---|---|---|\n",
    False: "| Failure | What happened | The page says | What to do | Tried again |\n|---|---|---|---|---|\n",
}


def seen(row: Row, scene: Scene) -> str:
    """Bring a row about, look, and return its line.

    :raises AssertionError: something else was brought about
    """
    row.cause(scene)
    said = row.read(scene)
    assert said.code in {row.code, ""}, f"it is {said.code}: {said.sentence}"
    return line_of(row, said)


def line_of(row: Row, said: Said) -> str:
    """Return the line of a table that says what was seen; days are left open, since they are other ones each time."""
    says = " · ".join(filter(None, (f"**{said.label}**" if said.label else "", said.sentence)))
    offers = ", ".join(f"**{each}**" for each in said.offers)
    cells = [f"`{row.code}`", row.happened, says, "<br>".join(filter(None, (said.next_step, offers)))]
    if not row.is_state:
        cells.append("by itself" if said.is_tried_again else "no")
    return _CLOUD.sub("*cloud*", _DAY.sub("*day*", f"| {' | '.join(cell.strip() for cell in cells)} |"))


def lines(is_state: bool) -> dict[str, str]:
    """Return the lines of a table as they stand in the document, by code and cause."""
    begin, end = _marks(is_state)
    body = DOCUMENT.read_text().partition(begin)[2].partition(end)[0].removeprefix("\n" + _HEADS[is_state])
    return {_key(line): line for line in body.splitlines() if line}


def key_of(row: Row) -> str:
    """Return what a line is found by."""
    return f"`{row.code}` | {row.happened}"


def write(row: Row, line: str, rows: list[Row]) -> None:
    """Put a line into its table, which keeps the order of the rows and no line that no row proves."""
    held = lines(row.is_state) | {key_of(row): line}
    ordered = [held[key_of(each)] for each in rows if each.is_state == row.is_state and key_of(each) in held]
    begin, end = _marks(row.is_state)
    before, _, rest = DOCUMENT.read_text().partition(begin)
    table = f"\n{_HEADS[row.is_state]}" + "".join(f"{each}\n" for each in ordered)
    DOCUMENT.write_text(f"{before}{begin}{table}{end}{rest.partition(end)[2]}")


def _marks(is_state: bool) -> tuple[str, str]:
    name = "states" if is_state else "failures"
    return f"<!-- {name}: written by make states -->", f"<!-- {name}: end -->"


def _key(line: str) -> str:
    return " | ".join(line.strip("| ").split(" | ")[:2])
