"""Somebody who knows nothing of a broken connection finds the cause and the next step on the pages alone."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.conf import settings
from django.utils import translation
from playwright.sync_api import Page, ViewportSize, expect

from enterprises.models import User
from tests.states import pages as pages_of_states
from tests.states import rows_cloud, rows_network, rows_sources
from tests.states.fixtures import scene, world
from tests.states.scene import Scene
from tests.support.browser import Pages

__all__ = ["scene", "world"]
pytestmark = pytest.mark.xdist_group("states")

LICENSE: Final = {"en": "License", "fr": "Licence"}
LOOK: Final = ViewportSize(width=1280, height=860)
BROKEN: Final[list[tuple[Callable[[Scene], None], str, str]]] = [
    (rows_network.name_does_not_resolve, "en", "light"),
    (rows_network.proxy_wants_another_password, "fr", "dark"),
    (rows_network.certificate_of_somebody_else, "en", "dark"),
    (rows_cloud.removed_on_the_cloud, "fr", "light"),
    (rows_sources.token_of_ghes_has_expired, "en", "light"),
]


@pytest.mark.parametrize(("cause", "language", "theme"), BROKEN, ids=lambda each: getattr(each, "__name__", each))
def test_newcomer_finds_the_cause_and_the_next_step(
    pages: Pages, scene: Scene, cause: Callable[[Scene], None], language: str, theme: str
) -> None:
    cause(scene)
    User.objects.filter(pk=scene.owner.pk).update(language=language, theme=theme)
    with translation.override(language):
        said = pages_of_states.status(scene.slug)
    with pages.fresh(base_url=scene.console.url) as page:
        page.set_viewport_size(LOOK)
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": scene.reader.cookie, "url": scene.console.url}]
        )

        page.goto("/")
        expect(page.get_by_text(said["reason"] or said["remarks"][0])).to_be_visible()
        page.get_by_role("link", name=said["next_step"] or scene.slug, exact=True).click()
        page.get_by_role("navigation").get_by_role("link", name=LICENSE[language]).click()
        _find(page, said)
        page.get_by_role("navigation").get_by_role("link", name="GitHub Connect").click()
        _find(page, said)
        # Nothing of the page asks for something in the background any more, when the rows are undone.
        page.goto("about:blank")


def _find(page: Page, said: dict[str, Any]) -> None:
    """In one look: why, what next, and where; nothing of it has to be scrolled to."""
    main = page.get_by_role("main")
    for text in filter(None, (said["reason"], said["next_step"], *said["remarks"])):
        expect(main.get_by_text(text).first).to_be_in_viewport()
    expect(main.locator(".Notice-link").first).to_be_in_viewport()
    expect(main.locator(".Notice--success")).to_have_count(0)
