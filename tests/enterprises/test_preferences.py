"""Language, theme and time zone follow the person; the browser remembers the first two for the sign-in page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from enterprises.middleware import preferences
from enterprises.models import User
from enterprises.preferences import theme_cookie_name


def test_language_is_kept_for_the_person(owner_client: Client, owner: User) -> None:
    answer = owner_client.post("/account/language", {"language": "fr", "next": "/account/preferences"})

    owner.refresh_from_db()
    assert (answer["Location"], owner.language) == ("/account/preferences", "fr")
    assert owner_client.get("/", headers={"accept-language": "en"})["Content-Language"] == "fr"


def test_language_of_somebody_not_signed_in_is_the_browsers(client: Client, db: None) -> None:
    client.post("/account/language", {"language": "fr"})

    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "fr"
    assert 'lang="fr"' in client.get("/account/sign-in").content.decode()


def test_own_language_wins_over_the_browsers(owner_client: Client, owner: User) -> None:
    owner.language = "en"
    owner.save()

    assert owner_client.get("/", headers={"accept-language": "fr"})["Content-Language"] == "en"


def test_theme_is_kept_and_shown(owner_client: Client, owner: User) -> None:
    owner_client.post("/account/theme", {"theme": "dark"})

    owner.refresh_from_db()
    assert owner.theme == "dark"
    assert 'data-color-mode="dark"' in owner_client.get("/").content.decode()


def test_theme_of_somebody_not_signed_in_is_the_browsers(client: Client, db: None) -> None:
    client.post("/account/theme", {"theme": "dark"})

    assert client.cookies[theme_cookie_name()].value == "dark"
    assert 'data-color-mode="dark"' in client.get("/account/sign-in").content.decode()


@pytest.mark.parametrize(("path", "name"), [("/account/theme", "theme"), ("/account/language", "language")])
def test_nonsense_changes_nothing(path: str, name: str, owner_client: Client, owner: User) -> None:
    before = getattr(owner, name)

    owner_client.post(path, {name: "<script>"})

    owner.refresh_from_db()
    assert getattr(owner, name) == before


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
def test_form_leads_back_to_one_of_our_pages(target: str, client: Client, db: None) -> None:
    assert client.post("/account/theme", {"theme": "dark", "next": target})["Location"] == "/"


def test_all_preferences_are_saved(owner_client: Client, owner: User) -> None:
    given = {"language": "fr", "theme": "light", "time_zone": "Europe/Paris"}

    answer = owner_client.post("/account/preferences", given)

    owner.refresh_from_db()
    assert answer["Location"] == "/account/preferences"
    assert (owner.language, owner.theme, owner.time_zone) == ("fr", "light", "Europe/Paris")


def test_saving_is_answered_in_the_language_that_was_chosen(owner_client: Client) -> None:
    given = {"language": "fr", "theme": "light", "time_zone": "UTC"}

    page = owner_client.post("/account/preferences", given, follow=True, headers={"accept-language": "en"})

    assert "Vos préférences sont enregistrées." in page.content.decode()


def test_unknown_time_zone_is_refused(owner_client: Client) -> None:
    given = {"language": "", "theme": "auto", "time_zone": "Moon/Base"}

    assert owner_client.post("/account/preferences", given).status_code == 422


@pytest.mark.parametrize(("zone", "hour"), [("Europe/Paris", 14), ("", 12), ("Gone/Away", 12)])
def test_time_zone_applies_to_the_request_only(zone: str, hour: int) -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    shown: list[int] = []

    def view(request: HttpRequest) -> HttpResponse:
        shown.append(timezone.localtime(noon).hour)
        return HttpResponse()

    request = RequestFactory().get("/")
    request.user = User(username="olivia", time_zone=zone)
    with translation.override("en"):
        preferences(view)(request)

    assert shown == [hour]
    assert timezone.localtime(noon).hour == 12
