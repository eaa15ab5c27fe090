"""What every page owes its readers, as assertions for the browser: accessible, and nothing wider than the screen."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[1] / "vendor/axe/axe.min.js"

# Elements that stick out to the right although no ancestor scrolls or clips them.
WIDER_THAN_SCREEN = """
(width) => [...document.body.querySelectorAll("*")]
  .filter((element) => element.getBoundingClientRect().right > width + 1)
  .filter((element) => {
    for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== "visible") return false;
    }
    return true;
  })
  .map((element) => element.outerHTML.slice(0, 160))
"""

# A color on its way from one theme to the other is neither; what never ends is taken away.
AT_REST = """
() => document.getAnimations().forEach((animation) =>
  animation.effect.getComputedTiming().endTime === Infinity ? animation.cancel() : animation.finish())
"""


@cache
def axe_source() -> str:
    return AXE.read_text(encoding="utf-8")


def assert_accessible(page: Page, *, only_colors: bool = False) -> None:
    """Every rule of axe-core on the page as it stands now, open menus and dialogs included.

    Only that of colors for a page that was looked at in another theme: nothing else of it has changed.
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(axe_source())
    page.evaluate(AT_REST)
    only = {"runOnly": ["color-contrast"]} if only_colors else {}
    violations: list[dict[str, Any]] = page.evaluate(
        "(options) => axe.run(options).then((results) => results.violations)", {"resultTypes": ["violations"], **only}
    )

    assert not violations, f"{page.url}\n" + "\n".join(describe(violation) for violation in violations)


def describe(violation: dict[str, Any]) -> str:
    places = "\n".join(f"  {node['html'][:160]}\n    {node['failureSummary']}" for node in violation["nodes"])
    return f"{violation['id']}: {violation['help']}\n{places}"


def assert_no_horizontal_overflow(page: Page, widths: tuple[int, ...] = (320, 768, 1012)) -> None:
    """On a telephone, a tablet and a small screen nobody scrolls sideways; what is wide scrolls inside itself."""
    before = page.viewport_size
    found: dict[int, list[str]] = {}
    for width in widths:
        page.set_viewport_size({"width": width, "height": 640})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found[width] = page.evaluate(WIDER_THAN_SCREEN, width)
    if before is not None:
        page.set_viewport_size(before)

    assert not found, f"{page.url} is wider than the screen: {found}"
