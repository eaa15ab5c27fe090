"""From signing in to one number: two processes, two databases, two host names, a real browser, in French."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import assert_accessible
from tests.support.hosts import Host

OCTO = Path(__file__).parents[1] / "data" / "octo"
SERVERS = ("ghes1", "ghes2", "ghes3")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    """A cloud named 127.0.0.1 and a server's console named localhost, both running."""
    cloud = Host(role="cloud", name="127.0.0.1", folder=tmp_path / "cloud")
    server = Host(role="server", name="localhost", folder=tmp_path / "server", CLOUD_URLS=cloud.url)
    with cloud.running(), server.running():
        yield server, cloud


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A French browser."""
    context = browser.new_context(locale="fr-FR")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.mark.timeout(240)
def test_an_owner_connects_enables_syncs_and_reads_the_number(hosts: tuple[Host, Host], page: Page) -> None:
    server, cloud = hosts
    cloud_password, token = _found_cloud(cloud)
    server_password = _found_servers(server)
    for slug in SERVERS[1:]:
        server.manage_all(
            ["connect_enterprise", slug, "--cloud-url", cloud.url, "--account", "octo", "--token", token],
            ["license_sync", slug, "enable"],
            ["license_sync", slug, "now", "--wait"],
        )

    _sign_in(page, server, "olivia", server_password)
    page.goto(f"{server.url}/enterprises/ghes1/settings/dotcom_connection")
    page.get_by_role("button", name="Activer GitHub Connect").click()
    _fill_sign_in(page, "carla", cloud_password)
    page.get_by_role("button", name=re.compile("Connecter Octo")).click()

    expect(page).to_have_url(f"{server.url}/enterprises/ghes1/settings/dotcom_connection")
    select = page.get_by_label("Le serveur peut synchroniser le nombre et l'utilisation de licences utilisateur")
    select.select_option(label="Activé")
    page.get_by_role("button", name="Enregistrer").click()
    page.goto(f"{server.url}/enterprises/ghes1/settings/license")
    page.get_by_role("button", name="Aperçu").click()
    expect(page.get_by_text("Rien n'a été appliqué")).to_be_visible(timeout=60_000)
    expect(page.locator(".Stat", has_text="Licences ensuite")).to_contain_text("81")
    assert_accessible(page)
    page.get_by_role("button", name="Synchroniser maintenant").click()
    expect(page.get_by_text("Reçu signé par").first).to_be_visible(timeout=60_000)
    assert_accessible(page)
    page.get_by_role("link", name="Voir dans Octo ce que cette synchronisation a changé").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Ce que la synchronisation de ghes1"))
    assert_accessible(page)

    page.goto(f"{cloud.url}/enterprises/octo/licensing")
    figures = page.locator(".Saved-figures")
    expect(figures).to_contain_text("113")
    expect(figures).to_contain_text("81")
    expect(figures).to_contain_text("32")
    _assert_one_person_is_explained(page, cloud)
    assert _consumed_on_command_line(cloud) == json.loads((OCTO / "expected.json").read_text())["total_seats_consumed"]


def _assert_one_person_is_explained(page: Page, cloud: Host) -> None:
    """m8 is a member and has one account on ghes1: one license, and the page says why."""
    page.goto(f"{cloud.url}/enterprises/octo/people?q=m8")
    page.get_by_role("link", name="m8", exact=True).click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("ghes1.octo.example:81")
    expect(main).to_contain_text("une seule licence")
    assert_accessible(page)


def _found_cloud(cloud: Host) -> tuple[str, str]:
    made, _imported, token = cloud.manage_all(
        ["create_enterprise", "octo", "--deployment=cloud", "--name=Octo", "--owner=carla", "--seats=100", "--json"],
        ["import_members", "octo", str(OCTO / "members.ndjson")],
        ["create_api_token", "carla", "--scope", "admin:enterprise"],
    )
    return json.loads(made)["password"], token.strip()


def _found_servers(server: Host) -> str:
    made = server.manage_all(
        *(
            [
                *("create_enterprise", slug, "--deployment=server", "--owner=olivia", "--json"),
                *(f"--hostname={slug}.octo.example", "--server-version=3.19.1"),
            ]
            for slug in SERVERS
        ),
        *(["import_seats", slug, str(OCTO / f"seats-{slug}.octo.example.ndjson")] for slug in SERVERS),
    )
    password: str = json.loads(made[0])["password"]
    return password


def _sign_in(page: Page, host: Host, username: str, password: str) -> None:
    page.goto(f"{host.url}/")
    _fill_sign_in(page, username, password)
    expect(page.get_by_role("heading", level=1)).to_contain_text("entreprises")


def _fill_sign_in(page: Page, username: str, password: str) -> None:
    page.locator("input[name=login]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("main button[type=submit]").click()


def _consumed_on_command_line(cloud: Host) -> int:
    return int(json.loads(cloud.manage("consumed_licenses", "octo", "--format", "json"))["total_seats_consumed"])
