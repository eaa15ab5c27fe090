"""What a spreadsheet would take for a formula is text in the report, in every spelling that one accepts."""

import pytest

from enterprises.csv_cells import cell


@pytest.mark.parametrize("start", ["\n=", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_cell_of_the_report_is_no_formula(start: str) -> None:
    assert cell(f"{start}1+1") == f"'{start}1+1"


def test_cell_in_the_middle_of_words_stays_as_it_is() -> None:
    assert cell("mona=lisa") == "mona=lisa"
