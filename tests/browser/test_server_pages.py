"""The server's pages in a real browser: every state accessible and narrow, and what happens while one looks on."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from connect.models import Connection
from connect.services import register_server
from enterprises.models import User
from licensesync.models import SyncJob
from tests.factories import make_server_enterprise, make_user
from tests.licensesync.world import CLOUD_URL, ndjson
from tests.licensesync_pages import scenes, sources, usage_files
from tests.licensesync_pages.scenes import Place, Stage
from tests.support.axe import assert_accessible, assert_no_horizontal_overflow
from tests.support.browser import Pages

NewStage = Callable[[], Stage]


@pytest.fixture
def olivia(transactional_db: None) -> User:
    """Owns every server of a test."""
    return make_user("olivia")


@pytest.fixture
def new_stage(olivia: User, settings: Settings) -> NewStage:
    """Makes a server as create_enterprise leaves it."""
    settings.CLOUD_URLS = [CLOUD_URL]

    def make() -> Stage:
        enterprise = make_server_enterprise(owner=olivia)
        server = register_server(
            enterprise=enterprise, hostname="ghes1.octo.example", version="3.19.1", at=timezone.now()
        )
        return Stage(server, olivia, timezone.now())

    return make


def sign_in(page: Page, live_server: LiveServer, user: User) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])


@pytest.fixture
def signed_in(page: Page, live_server: LiveServer, olivia: User) -> Page:
    sign_in(page, live_server, olivia)
    return page


@pytest.fixture
def bare(pages: Pages, live_server: LiveServer, olivia: User) -> Iterator[Page]:
    """The owner's browser without JavaScript."""
    with pages.fresh(has_javascript=False) as page:
        sign_in(page, live_server, olivia)
        yield page


def open_page(page: Page, live_server: LiveServer, stage: Stage, name: str) -> None:
    page.goto(live_server.url + reverse(f"licensesync:{name}", args=[stage.slug]))


PLACES = [*scenes.PLACES, *sources.PLACES, *usage_files.PLACES]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("places", "language", "theme", "width"),
    [(PLACES[0::2], "en", "light", 1280), (PLACES[1::2], "fr", "dark", 320)],
    ids=["english-light-wide", "french-dark-narrow"],
)
def test_every_state_is_accessible_and_fits(
    signed_in: Page,
    live_server: LiveServer,
    new_stage: NewStage,
    places: list[Place],
    language: str,
    theme: str,
    width: int,
) -> None:
    User.objects.update(language=language, theme=theme)
    signed_in.set_viewport_size({"width": width, "height": 900})

    for place in places:
        stage = new_stage()
        place.scene(stage)
        signed_in.goto(live_server.url + place.path(stage))
        assert_accessible(signed_in)
        assert_no_horizontal_overflow(signed_in)


def test_progress_moves_on_by_itself_and_slows_down_at_the_end(
    signed_in: Page, live_server: LiveServer, new_stage: NewStage
) -> None:
    stage = new_stage()
    scenes.uploading(stage)
    open_page(signed_in, live_server, stage, "license")
    expect(signed_in.locator(".Meter-text", has_text="2 of 5 parts")).to_be_visible()
    expect(signed_in.get_by_text("every two seconds")).to_be_visible()
    expect(signed_in.get_by_text("Refresh to see where it stands.")).to_be_hidden()

    SyncJob.objects.update(parts_sent=4)
    expect(signed_in.locator(".Meter-text", has_text="4 of 5 parts")).to_be_visible()
    SyncJob.objects.update(state=SyncJob.State.CANCELLED, finished_at=timezone.now())

    expect(signed_in.get_by_role("button", name="Sync now")).to_be_visible()
    expect(signed_in.locator("#license-sync-said")).to_have_text(
        "The last sync was cancelled. Nothing was changed on the cloud."
    )
    expect(signed_in.locator("[hx-trigger]")).to_have_attribute("hx-trigger", "every 15s")


def test_setup_is_counted_down_and_its_end_shows_by_itself(
    signed_in: Page, live_server: LiveServer, new_stage: NewStage
) -> None:
    stage = new_stage()
    scenes.setup_pending(stage)
    open_page(signed_in, live_server, stage, "connection")
    expect(signed_in.get_by_text(re.compile(r"Time left: [34]m \d+s"))).to_be_visible()

    Connection.objects.update(pending_until=timezone.now())

    expect(signed_in.get_by_text("The 5 minutes for it are over.")).to_be_visible()


def test_progress_is_readable_without_javascript(bare: Page, live_server: LiveServer, new_stage: NewStage) -> None:
    stage = new_stage()
    scenes.first_sync_pending(stage)
    open_page(bare, live_server, stage, "license")

    bare.get_by_role("button", name="Sync now").click()
    expect(bare.get_by_text("Waiting for a free worker").first).to_be_visible()
    expect(bare.get_by_text("Refresh to see where it stands.")).to_be_visible()
    expect(bare.get_by_text("every two seconds")).to_be_hidden()
    SyncJob.objects.update(state=SyncJob.State.UPLOADING, parts_sent=1, opened_at=timezone.now(), **scenes.FROZEN)
    bare.get_by_role("link", name="Refresh").click()

    expect(bare.locator(".Meter-text", has_text="1 of 5 parts")).to_be_visible()


def test_choosing_a_value_sends_nothing_before_it_is_saved(
    signed_in: Page, live_server: LiveServer, new_stage: NewStage
) -> None:
    stage = new_stage()
    scenes.sync_off(stage)
    open_page(signed_in, live_server, stage, "connection")
    # The page's own style sheets and scripts may still be on their way.
    signed_in.wait_for_load_state("networkidle")
    requests: list[str] = []
    signed_in.on("request", lambda request: requests.append(request.method))

    signed_in.get_by_label("Server can sync user license count and usage").select_option(label="Enabled")
    before = list(requests)
    signed_in.get_by_role("button", name="Save").click()

    expect(signed_in.get_by_text("License sync is enabled.")).to_be_visible()
    assert before == []


def test_disable_asks_in_a_dialog(signed_in: Page, live_server: LiveServer, new_stage: NewStage) -> None:
    stage = new_stage()
    scenes.sync_off(stage)
    open_page(signed_in, live_server, stage, "connection")

    signed_in.get_by_role("link", name="Disable GitHub Connect").click()

    dialog = signed_in.get_by_role("dialog", name="Disable GitHub Connect?")
    expect(dialog).to_contain_text("the GitHub App of this server is deleted")
    expect(dialog).to_contain_text("the credentials are deleted")
    assert_accessible(signed_in)


def test_disable_asks_on_a_page_without_javascript(bare: Page, live_server: LiveServer, new_stage: NewStage) -> None:
    stage = new_stage()
    scenes.sync_off(stage)
    open_page(bare, live_server, stage, "connection")

    bare.get_by_role("link", name="Disable GitHub Connect").click()
    bare.get_by_role("link", name="Cancel").click()

    stage.connection.refresh_from_db()
    expect(bare.get_by_role("heading", level=1)).to_have_text("GitHub Connect")
    assert stage.connection.state == Connection.State.CONNECTED


def test_seats_are_imported_by_dropping_a_file(signed_in: Page, live_server: LiveServer, new_stage: NewStage) -> None:
    stage = new_stage()
    open_page(signed_in, live_server, stage, "seats")
    data = signed_in.evaluate_handle(
        "(text) => { const data = new DataTransfer(); data.items.add(new File([text], 'seats.ndjson')); return data; }",
        ndjson([1, 2, 3]).decode(),
    )

    signed_in.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": data})
    signed_in.get_by_role("button", name="Preview the import").click()
    expect(signed_in.get_by_text("login3")).to_be_visible()
    signed_in.get_by_role("button", name="Apply").click()

    expect(signed_in.get_by_text("The seats were imported: 3 added")).to_be_visible()


def test_pages_obey_the_security_policy(signed_in: Page, live_server: LiveServer, new_stage: NewStage) -> None:
    stage = new_stage()
    scenes.uploading(stage)
    said: list[str] = []
    signed_in.on("console", lambda message: said.append(message.text))
    signed_in.on("pageerror", lambda error: said.append(str(error)))

    open_page(signed_in, live_server, stage, "license")
    with signed_in.expect_response(lambda response: "/sync/progress" in response.url) as polled:
        SyncJob.objects.update(parts_sent=3)

    assert polled.value.status == 200
    assert said == []
