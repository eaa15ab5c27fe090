"""The skeleton of every page, the error pages, and what no template may do."""

import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from tests.look.styleguide import confirmation, signed_out

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMPONENTS = sorted((ROOT / "templates/components").glob("*.html"))
ICON = re.compile(r'(?:components/icon\.html" with name|icon)="([a-z-]+)"')

pytestmark = pytest.mark.urls("tests.look.urls")


def page(query: str = "") -> str:
    return confirmation(RequestFactory().get(f"/{query}")).content.decode()


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(("side", "badge"), [("server", "Server"), ("cloud", "Cloud")])
def test_page_says_which_side_one_is_on(side: str, badge: str) -> None:
    html = page(f"?side={side}")

    assert f"SideBadge--{side}" in html
    assert re.search(rf"</svg>\s*{badge}\s*</span>", html)


def test_page_leads_past_the_navigation_first() -> None:
    body = page().partition("<body>")[2]

    assert body.strip().startswith('<a class="SkipLink" href="#main">')


def test_page_marks_where_one_is() -> None:
    marked = re.findall(r'aria-current="page"', page())

    # The navigation stands twice: beside the page, and in the menu of narrow screens. One of them is always hidden.
    assert len(marked) == 2


def test_page_carries_language_and_theme() -> None:
    with translation.override("fr"):
        html = page("?theme=dark")

    assert '<html lang="fr"' in html
    assert 'data-color-mode="dark"' in html


def test_sign_out_is_a_post() -> None:
    assert re.search(r'<form[^>]*method="post"[^>]*action="/sign-out"', page())


def test_page_says_what_it_is_not() -> None:
    assert "Independent, not affiliated with GitHub. Sends nothing to github.com." in page()


def test_signed_out_page_offers_only_language_and_theme() -> None:
    html = signed_out(RequestFactory().get("/")).content.decode()

    assert "Français" in html
    assert "Sign out" not in html
    assert "SideBadge" not in html


@pytest.mark.parametrize("name", ["400", "500", "503"])
def test_error_page_needs_no_request(name: str) -> None:
    html = render_to_string(f"{name}.html")

    assert re.search(rf'ErrorPage-code">\s*{name}\s*</p>', html)
    assert "<h1" in html


@pytest.mark.parametrize(("name", "code"), [("403", "403"), ("403_csrf", "403"), ("404", "404")])
def test_error_page_stands_in_the_shell(name: str, code: str) -> None:
    html = render_to_string(f"{name}.html", request=RequestFactory().get("/nowhere"))

    assert re.search(rf'ErrorPage-code">\s*{code}\s*</p>', html)
    assert "SkipLink" in html


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_template_has_no_inline_script_or_style(path: Path) -> None:
    html = path.read_text(encoding="utf-8")

    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|\bhx-on|javascript:", html)


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_component_opens_with_its_parameters(path: Path) -> None:
    html = path.read_text(encoding="utf-8")
    opening = html.partition("#}")[0] if html.startswith("{#") else html.partition("{% endcomment %}")[0]

    assert "Parameters" in opening


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_template_names_only_icons_that_exist(path: Path) -> None:
    named = set(ICON.findall(path.read_text(encoding="utf-8")))

    assert named <= {icon.stem for icon in (ROOT / "templates/components/octicons").glob("*.svg")}
