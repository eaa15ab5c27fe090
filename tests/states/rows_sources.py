"""What goes wrong where seats are fetched from: at GHES, on the way to it, and with a watched file."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.fernet import Fernet
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from enterprises.secrets import WrongEncryptionKey
from licensesync.failures import explain
from licensesync.models import SeatSource, SourceConfig
from licensesync.sources.choosing import Choice, choose
from licensesync.sources.failure import SourceFailure
from licensesync.sources.files import folder_of
from licensesync.sources.refreshing import Refresher
from tests.proxies.proxies import ForwardProxy, write_certificates
from tests.states import pages
from tests.states.pages import Said
from tests.states.rows import Cause, failure
from tests.states.scene import Scene
from tests.support.ghes import Ghes
from tests.support.ghes_behavior import TOKEN, USER
from tests.support.hosts import free_port

NOWHERE = "https://ghes.invalid"


def read_source(scene: Scene) -> Said:
    """Read why the last refresh changed nothing: on the Seats page, the License page and from the command."""
    page = scene.reader.open(scene.page("seats"))
    panel = next(pages.nodes(page, lambda element: pages.attribute(element, "id") == "seat-source"))
    (notice,) = pages.of_class(panel, "Notice--error")
    sentence = pages.words(pages.named(notice, "strong")[0])
    source = pages.status(scene.slug)["source"]
    assert (source["error"], source["next_step"] in pages.words(notice)) == (sentence, True)
    assert sentence in pages.words(scene.reader.open(scene.page("connection")))
    (header,) = pages.of_class(panel, "Panel-header")
    offers = tuple(dict.fromkeys(pages.offers(notice) + pages.offers(header)))
    again = explain(source["error_code"]).is_transient
    return Said(source["error_code"], "", sentence, source["next_step"], offers, again)


def source(code: str) -> Callable[[Cause], Cause]:
    """Declare what makes a refresh fail."""
    return failure(code, read_source)


def _refresh(scene: Scene) -> None:
    with suppress(SourceFailure):
        Refresher(wait=lambda _seconds: None).refresh(scene.server)


def _from_ghes(scene: Scene, base_url: str, token: str = TOKEN) -> None:
    choice = Choice(kind=SeatSource.Kind.GHES, base_url=base_url, user_name=USER, token=token)
    choose(server=scene.server, choice=choice, by=None, at=timezone.now(), is_operator=True)


def _ghes(scene: Scene, **behavior: Any) -> Ghes:
    """A GHES with all accounts that are held, which behaves as told."""
    stand_in = scene.stack.enter_context(Ghes(**{"accounts": 24, "unready": 0, **behavior}))
    _from_ghes(scene, stand_in.url)
    return stand_in


def _refresh_from(scene: Scene, **behavior: Any) -> None:
    _ghes(scene, **behavior)
    _refresh(scene)


@source("source_dns")
def name_of_ghes_does_not_resolve(scene: Scene) -> None:
    """The name of GHES is not known to this console's resolver."""
    _from_ghes(scene, NOWHERE)
    _refresh(scene)


@source("source_refused")
def nobody_listens_at_ghes(scene: Scene) -> None:
    """Nothing listens at the port of GHES."""
    _from_ghes(scene, f"http://127.0.0.1:{free_port()}")
    _refresh(scene)


@source("source_tls")
def certificate_of_ghes_is_its_own(scene: Scene) -> None:
    """GHES has a certificate of an authority that this console does not trust."""
    folder = Path(scene.stack.enter_context(TemporaryDirectory()))
    _authority, chain = write_certificates(folder, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    stand_in = scene.stack.enter_context(Ghes(context=context))
    _from_ghes(scene, f"https://localhost:{stand_in.server_port}")
    _refresh(scene)


@source("source_proxy")
def proxy_knows_no_way_to_ghes(scene: Scene) -> None:
    """The proxy does not let this console through to GHES."""
    port = scene.stack.enter_context(ForwardProxy("octo", "right", {}).serving())
    scene.configure(HTTPS_PROXY=f"http://octo:right@127.0.0.1:{port}")
    _from_ghes(scene, NOWHERE)
    _refresh(scene)


@source("source_timeout")
def ghes_is_silent(scene: Scene) -> None:
    """The connection stands, and GHES does not answer."""
    scene.be_impatient()
    _refresh_from(scene, trouble="silent")


@source("source_address")
def name_leads_to_this_machine(scene: Scene) -> None:
    """The name that an owner entered leads to this machine itself."""
    _ghes(scene)
    SourceConfig.objects.update(may_be_local=False)
    _refresh(scene)


@source("source_auth")
def token_of_ghes_has_expired(scene: Scene) -> None:
    """The token of the site administrator was revoked, or has expired."""
    _ghes(scene).behave(token="another-token-1")
    _refresh(scene)


@source("source_not_allowed")
def user_is_no_site_administrator(scene: Scene) -> None:
    """GHES answers 404, as it does to who is no site administrator."""
    _refresh_from(scene, trouble="not_allowed")


@source("source_not_ours")
def page_in_place_of_a_list(scene: Scene) -> None:
    """A sign-in page answers in place of the report."""
    _refresh_from(scene, trouble="login_page")


@source("source_rate_limited")
def ghes_limits_requests(scene: Scene) -> None:
    """GHES answers 429, with Retry-After."""
    _refresh_from(scene, trouble="rate_limited", retry_after=600)


@source("source_server_error")
def ghes_is_in_maintenance(scene: Scene) -> None:
    """GHES answers 502, as while it is in maintenance."""
    _refresh_from(scene, trouble="server_error")


@source("source_not_ready")
def report_takes_long(scene: Scene) -> None:
    """GHES answers 202 for longer than two minutes: it is still making its report."""
    _refresh_from(scene, trouble="never_ready")


@source("source_unfinished")
def half_a_report(scene: Scene) -> None:
    """The connection to GHES breaks in the middle of the report."""
    _refresh_from(scene, trouble="cut")


@source("source_too_large")
def report_without_end(scene: Scene) -> None:
    """GHES announces a report of a terabyte."""
    _refresh_from(scene, trouble="huge")


@source("source_invalid")
def report_of_another_version(scene: Scene) -> None:
    """The report lacks a column that is needed."""
    _refresh_from(scene, trouble="wrong_columns")


@source("source_shrink")
def most_accounts_are_gone(scene: Scene) -> None:
    """The report lists only two of 24 accounts."""
    _refresh_from(scene, accounts=2)


def _watch(scene: Scene) -> Path:
    folder = Path(scene.stack.enter_context(TemporaryDirectory()))
    scene.configure(DATA_DIR=folder)
    call_command("seat_source", scene.slug, "file", "--path", "all_users.csv", "--json", stdout=_Nowhere())
    place = folder_of(scene.server)
    place.mkdir(parents=True)
    return place / "all_users.csv"


class _Nowhere:
    """What a command says that nobody reads."""

    def write(self, _text: str) -> None:
        """Forget it."""


@source("source_file_missing")
def nobody_wrote_the_file(scene: Scene) -> None:
    """Nobody has put the file into the folder."""
    _watch(scene)
    _refresh(scene)


@source("source_file_refused")
def file_is_a_link(scene: Scene) -> None:
    """The watched file is a link to another file."""
    _watch(scene).symlink_to("/etc/hostname")
    _refresh(scene)


@source("source_internal")
def key_of_the_token_is_lost(scene: Scene) -> None:
    """The key that the token was encrypted with is not configured any more."""
    _ghes(scene)
    with override_settings(FIELD_ENCRYPTION_KEYS=[Fernet.generate_key().decode()]), suppress(WrongEncryptionKey):
        _refresh(scene)


def read_busy(scene: Scene) -> Said:
    """Read what the command says; the page shows that a refresh is under way."""
    (panel,) = pages.of_class(scene.reader.open(scene.page("seats")), "Meter")
    assert pages.words(panel) == "Refreshing seats"
    return replace(Said("", "", scene.refusal), is_tried_again=True)


@failure("source_busy", read_busy)
def refresh_is_under_way(scene: Scene) -> None:
    """Another worker is reading the report already."""
    _ghes(scene)
    SourceConfig.objects.update(lease_until=timezone.now() + timedelta(minutes=5))
    scene.command("refresh_seats", scene.slug)
