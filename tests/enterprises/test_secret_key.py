"""A new SECRET_KEY ends nothing while the old one is in SECRET_KEY_FALLBACKS; without it, what it signed is over."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from enterprises.models import User
from enterprises.services import sign_in_link

FORM = {"language": "", "theme": "auto", "time_zone": ""}
SAVED = "Your preferences are saved."


def is_signed_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def signed_in_with_a_message(owner: User) -> Client:
    """A browser that holds a session, and a message in a signed cookie that no page has shown yet."""
    browser = Client()
    browser.force_login(owner)
    browser.post("/account/preferences", FORM)
    return browser


@pytest.fixture
def old_key(settings: Settings) -> str:
    """The key that everything of these tests is signed with first."""
    key = "the-former-key-" * 5
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, []
    return key


def test_session_and_signed_cookie_outlive_the_key(owner: User, old_key: str, settings: Settings) -> None:
    browser = signed_in_with_a_message(owner)

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the-newer-key-" * 5, [old_key]

    assert SAVED in browser.get("/account/preferences").content.decode()
    assert is_signed_in(browser)


def test_without_the_former_key_both_are_over(owner: User, old_key: str, settings: Settings) -> None:
    browser = signed_in_with_a_message(owner)

    settings.SECRET_KEY = "the-newer-key-" * 5

    assert not is_signed_in(browser)
    browser.force_login(owner)
    assert SAVED not in browser.get("/account/preferences").content.decode()


def test_session_that_was_used_meanwhile_needs_the_former_key_no_more(
    owner: User, old_key: str, settings: Settings
) -> None:
    used, idle = signed_in_with_a_message(owner), signed_in_with_a_message(owner)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the-newer-key-" * 5, [old_key]
    assert is_signed_in(used)

    settings.SECRET_KEY_FALLBACKS = []

    assert (is_signed_in(used), is_signed_in(idle)) == (True, False)


def test_link_depends_on_no_key(owner: User, old_key: str, settings: Settings, client: Client) -> None:
    secret = sign_in_link(user=owner, at=timezone.now()).secret

    settings.SECRET_KEY = "the-newer-key-" * 5

    assert client.post("/account/link", {"secret": secret})["Location"] == "/"
    assert is_signed_in(client)
