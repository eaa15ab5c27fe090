"""Paper to write statements on: A4 with fonts of its own, a foot on each page, and the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from fpdf import FPDF
from fpdf.enums import Align

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

FONTS: Final = Path(__file__).parent / "fonts"
FAMILY: Final = "DejaVu"
MARGIN: Final = 18.0
WIDTH: Final = 210 - 2 * MARGIN
FOOT: Final = 20.0

Color = tuple[int, int, int]
INK: Final[Color] = (31, 35, 40)
MUTED: Final[Color] = (89, 99, 110)
LINE: Final[Color] = (209, 217, 224)
SHADE: Final[Color] = (246, 248, 250)
ACCENT: Final[Color] = (9, 105, 218)
BARS: Final[Color] = (128, 184, 245)
DANGER: Final[Color] = (209, 36, 47)
UNKNOWN: Final = "\N{WHITE SQUARE}"

Column = tuple[float, Literal["left", "right"]]


class Paper(FPDF):
    """A document in the making. Lengths are millimeters, sizes of type points."""

    def __init__(self, *, title: str, foot: str, language: str, at: datetime) -> None:
        super().__init__()
        self._foot = foot
        self.set_creation_date(at)
        self.set_title(title)
        self.set_lang(language)
        self.set_creator("licensesync")
        for style, name in (("", "DejaVuSansCondensed.ttf"), ("B", "DejaVuSansCondensed-Bold.ttf")):
            self.add_font(FAMILY, style, FONTS / name)
        self.set_margin(MARGIN)
        self.set_auto_page_break(auto=True, margin=FOOT)
        self.write_in(9)
        self.add_page()

    def footer(self) -> None:
        """Write what stands at the foot of each page: fpdf2 calls it."""
        self.set_y(-FOOT + 6)
        self.set_draw_color(*LINE)
        self.line(MARGIN, self.get_y() - 2, MARGIN + WIDTH, self.get_y() - 2)
        self.write_in(7, MUTED)
        self.put(WIDTH - 16, 4, self._foot)
        self.put(16, 4, str(self.page_no()), right=True)

    def write_in(self, size: float, color: Color = INK, *, bold: bool = False) -> None:
        """Choose how the next words look."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*color)

    def known(self, text: str) -> str:
        """Return the text with a square for each character that the fonts do not have."""
        has = self.fonts[FAMILY.lower()].cmap  # type: ignore[union-attr]
        return "".join(sign if ord(sign) in has else UNKNOWN for sign in text)

    def put(self, width: float, height: float, text: str, *, right: bool = False, is_filled: bool = False) -> None:
        """Write one line that is as wide as this, cut where it would be wider; the next one stands beside it."""
        shown = self.known(text)
        if self.get_string_width(shown) > width - 2:
            while shown and self.get_string_width(f"{shown}…") > width - 2:
                shown = shown[:-1]
            shown += "…"
        self.cell(width, height, shown, align=Align.R if right else Align.L, fill=is_filled)

    def heading(self, text: str) -> None:
        """Write the heading of a section, on a page that has room for what follows."""
        if self.will_page_break(28):
            self.add_page()
        self.ln(5)
        self.write_in(11, bold=True)
        self.put(WIDTH, 6, text)
        self.ln(7.5)

    def text_below(self, text: str, size: float = 8.5, color: Color = MUTED) -> None:
        """Write a paragraph over the whole width."""
        self.write_in(size, color)
        self.multi_cell(WIDTH, size * 0.5, self.known(text), align=Align.L, new_x="LMARGIN", new_y="NEXT")

    def head(self, columns: Sequence[Column], names: Iterable[str]) -> None:
        """Write the head of a table."""
        self.set_fill_color(*SHADE)
        self.write_in(7.5, MUTED, bold=True)
        for (width, side), name in zip(columns, names, strict=True):
            self.put(width, 6, name, right=side == "right", is_filled=True)
        self.ln(6.5)

    def row(self, columns: Sequence[Column], cells: Iterable[str], *, height: float = 5) -> None:
        """Write a row of a table."""
        self.write_in(8)
        for (width, side), cell in zip(columns, cells, strict=True):
            self.put(width, height, cell, right=side == "right")
        self.ln(height)

    def rule(self) -> None:
        """Draw a thin line over the whole width."""
        self.set_draw_color(*LINE)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
