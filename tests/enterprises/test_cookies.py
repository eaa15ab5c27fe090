"""Cookies ignore ports: every one carries the mark of its console, so that two of them on one host do not mix."""

from django.conf import settings
from django.test import Client


def test_every_cookie_carries_the_mark_of_its_console(owner_client: Client) -> None:
    mark = settings.SESSION_COOKIE_NAME.rpartition("_")[2]
    owner_client.get("/account/preferences")
    owner_client.post("/account/theme", {"theme": "dark"})
    owner_client.post("/account/language", {"language": "fr"})

    owner_client.post("/account/preferences", {"language": "fr", "theme": "dark", "time_zone": ""})

    assert len(owner_client.cookies) == 5
    assert [name for name in owner_client.cookies if mark not in name] == []


def test_message_is_shown_once_though_another_console_left_one(owner_client: Client) -> None:
    owner_client.cookies["messages"] = "of another console"
    owner_client.post("/account/preferences", {"language": "", "theme": "dark", "time_zone": ""})

    shown = [b"Your preferences are saved." in owner_client.get("/account/preferences").content for _time in range(2)]

    assert shown == [True, False]
    assert owner_client.cookies["messages"].value == "of another console"
