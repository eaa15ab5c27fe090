"""GitHub Connect as a browser does it: from the server's page to the cloud's consent page and back."""

from functools import partial
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cloud.models import Ledger
from cloud.services import remove_installation
from connect import handshake
from connect.models import Connection, Server
from enterprises.models import User
from licensesync import services
from tests.support.line import connect, make_ledger, make_server
from tests.support.wsgi_adapter import WsgiAdapter


class ConnectForms(HTMLParser):
    """The hidden fields of each form of the consent page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and fields.get("type") == "hidden" and self.forms:
            self.forms[-1][fields["name"]] = fields["value"]

    def of_account(self, slug: str) -> dict[str, str]:
        return next(form for form in self.forms if form.get("account") == slug)


@pytest.fixture
def browser(owner: User) -> Client:
    """Signed in as the owner, and as strict about forged requests as a real one."""
    client = Client(enforce_csrf_checks=True, HTTP_HOST="localhost:8000")
    client.force_login(owner)
    return client


def enable(browser: Client, server: Server) -> str:
    """Press "Enable GitHub Connect"; return where the browser is sent."""
    slug = server.enterprise.slug
    browser.get(reverse("licensesync:connection", args=[slug]))
    token = browser.cookies[next(name for name in browser.cookies if "csrf" in name)].value
    answer = browser.post(
        reverse("licensesync:connection_enable", args=[slug]),
        {"cloud_url": "http://localhost:8000", "csrfmiddlewaretoken": token},
    )
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def consent(browser: Client, address: str, account: str) -> str:
    """Press "Connect" beside an account; return where the browser is sent."""
    parts = urlsplit(address)
    page = browser.get(f"{parts.path}?{parts.query}")
    form = ConnectForms(page.content.decode()).of_account(account)
    answer = browser.post(parts.path, form)
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def test_the_owner_goes_to_the_cloud_and_comes_back_connected(
    browser: Client, server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    back = consent(browser, enable(browser, server), "octo")

    brought = parse_qs(urlsplit(back).query)
    connection = handshake.finish(
        connection=server.connection,
        code=brought["code"][0],
        state=brought["state"][0],
        session_state=browser.session[f"connect_state_{server.pk}"],
        by=owner,
        at=timezone.now(),
        adapter=cloud,
    )

    assert back.startswith("http://localhost:8000/enterprises/octo-server/settings/dotcom_connection/complete?")
    assert connection.is_connected
    assert connection.installation_id == ledger.installations.get().pk


def test_the_address_holds_no_secret_but_the_state(browser: Client, server: Server, ledger: Ledger) -> None:
    address = enable(browser, server)

    server.connection.refresh_from_db()
    assert set(parse_qs(urlsplit(address).query)) == {"manifest", "state"}
    assert "PRIVATE" not in address
    assert len(address) < 4_000


def test_starting_again_makes_the_first_answer_worthless(
    browser: Client, server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    first = parse_qs(urlsplit(consent(browser, enable(browser, server), "octo")).query)
    enable(browser, server)

    with pytest.raises(handshake.StateMismatch):
        handshake.finish(
            connection=server.connection,
            code=first["code"][0],
            state=first["state"][0],
            session_state=browser.session[f"connect_state_{server.pk}"],
            by=owner,
            at=timezone.now(),
            adapter=cloud,
        )

    assert Connection.objects.get(pk=server.connection.pk).state == Connection.State.PENDING


def test_what_the_former_account_goes_on_counting_is_said(
    browser: Client, connection: Connection, owner: User, cloud: WsgiAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)
    make_ledger("other", owner=owner)
    monkeypatch.setattr(handshake, "finish", partial(handshake.finish, adapter=cloud))

    page = browser.get(consent(browser, enable(browser, connection.server), "other"), follow=True).content.decode()

    assert "this server is connected to other" in page
    assert "People already synced still count in octo" in page


def test_connection_in_the_way_leads_to_the_page_that_says_which(
    browser: Client, server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connected under the same name while the owner was on the cloud; removed there, and connected from the page."""
    monkeypatch.setattr(handshake, "finish", partial(handshake.finish, adapter=cloud))
    back = consent(browser, enable(browser, server), "octo")
    other = connect(make_server("other", hostname=server.hostname, owner=owner), ledger.enterprise, owner=owner)

    page = browser.get(back, follow=True)

    assert page.redirect_chain[0][0] == reverse("licensesync:decision", args=["octo-server"])
    assert str(other.server.server_id) in page.content.decode()
    assert "by olivia" in " ".join(page.content.decode().split())
    remove_installation(installation=ledger.installations.get(), by=owner, at=timezone.now())
    page = browser.get(consent(browser, enable(browser, server), "octo"), follow=True)
    assert Connection.objects.get(pk=server.connection.pk).is_connected
    decided = browser.get(reverse("licensesync:decision", args=["octo-server"])).content.decode()
    assert "Nothing to decide" in decided
