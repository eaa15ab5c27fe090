"""The page of a server's users: what it lists, where its links lead, and the exclusion list."""

from __future__ import annotations

import re

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from enterprises.models import AuditEvent, User
from licensesync.models import DormancyExclusion, SyncJob
from licensesync.users import listing as users
from tests.licensesync.world import ndjson, seat
from tests.licensesync_pages import scenes
from tests.licensesync_pages.scenes import Stage


def url(stage: Stage, name: str = "users") -> str:
    return reverse(f"licensesync:{name}", args=[stage.slug])


def listed(page: str) -> list[str]:
    return re.findall(r'<span class="Facts-help">(\d+)</span>', page)


def show(client: Client, stage: Stage, query: str = "") -> str:
    return client.get(url(stage) + query).content.decode()


def test_counts_of_the_license_page_lead_to_as_many_users(stage: Stage, owner_client: Client) -> None:
    scenes.dormant_and_suspended(stage)
    license_page = owner_client.get(reverse("licensesync:license", args=[stage.slug])).content.decode()

    links = re.findall(r'<a href="([^"]*users\?state=\w+)">(\d+)</a>', license_page)

    assert [(len(listed(owner_client.get(link).content.decode())), count) for link, count in links] == [
        (3, "3"),
        (1, "1"),
    ]


def test_thousands_are_grouped_as_on_every_page(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    seat(stage.server, ndjson(range(1, 1_002)), at=stage.at)
    lines = owner_client.get(reverse("licensesync:sent", args=[stage.slug]) + "?q=octo").content.decode()

    assert "1,001 users" in show(owner_client, stage)
    assert "1,001 lines found" in lines


def test_one_user_is_dormant_in_the_singular_in_french(stage: Stage, owner_client: Client) -> None:
    scenes.dormant_and_suspended(stage)

    page = owner_client.get(url(stage), headers={"accept-language": "fr"}).content.decode()

    labels = {label.strip() for label in re.findall(r'<span class="StateLabel[^"]*">([^<]+)</span>', page)}
    assert labels == {"Actif", "Dormant", "Suspendu"}


def test_address_holds_search_filters_and_place(
    stage: Stage, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "PAGE", 2)
    scenes.dormant_and_suspended(stage)

    page = show(owner_client, stage, "?state=dormant&q=octo")
    (following,) = re.findall(r'rel="next" href="([^"]+)"', page)
    second = owner_client.get(following.replace("&amp;", "&")).content.decode()
    (export,) = re.findall(r'href="([^"]*users\.csv[^"]*)"', second)
    written = owner_client.get(export.replace("&amp;", "&"))

    assert (listed(page), listed(second)) == (["1", "2"], ["3"])
    assert 'value="dormant" selected' in re.sub(r"\s+", " ", second)
    assert written.getvalue().count(b"\r\n") == 1 + 3
    event = AuditEvent.objects.get(action="report.download")
    assert event.after == {"report": "users", "filters": ["dormant"], "searched": True}


@pytest.mark.parametrize("query", ["?state=asleep", "?after=x", "?after=99999999999999999999", "?q=%00", "?before=-1"])
def test_address_that_makes_no_sense_shows_everybody(stage: Stage, owner_client: Client, query: str) -> None:
    stage.with_seats()

    assert len(listed(show(owner_client, stage, query))) == scenes.ACCOUNTS


def test_page_says_what_is_missing_and_where_nobody_matches(stage: Stage, owner_client: Client) -> None:
    assert "No seats yet" in show(owner_client, stage)

    stage.with_seats()

    assert "Nobody matches" in show(owner_client, stage, "?q=nobody-of-that-name")


def test_owner_excludes_an_account_and_comes_back_to_the_same_list(stage: Stage, owner_client: Client) -> None:
    scenes.dormant_and_suspended(stage)

    back = owner_client.post(url(stage, "users_exclusions") + "?state=dormant", {"user_id": "2", "action": "exclude"})
    page = show(owner_client, stage, "?excluded=excluded")

    assert back["Location"] == url(stage) + "?state=dormant"
    assert listed(page) == ["2"]
    assert "1 account on the exclusion list" in page
    owner_client.post(url(stage, "users_exclusions"), {"user_id": "2", "action": "include"})
    assert not DormancyExclusion.objects.exists()


def test_account_that_is_not_dormant_is_excluded_by_its_login(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    login = stage.server.seats.get(user_id=5).login

    assert 'name="account"' in show(owner_client, stage)
    owner_client.post(url(stage, "users_exclusions"), {"account": login, "action": "exclude"})

    assert listed(show(owner_client, stage, "?excluded=excluded")) == ["5"]


def test_account_that_the_server_lists_no_more_is_named_and_taken_off(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    DormancyExclusion.objects.create(server=stage.server, user_id=4711, added_at=stage.at)

    page = show(owner_client, stage, "?excluded=excluded")
    owner_client.post(url(stage, "users_exclusions"), {"account": "4711", "action": "include"})

    assert "Listed by the server no more: 4711" in " ".join(page.split())
    assert not DormancyExclusion.objects.exists()


@pytest.mark.parametrize("data", [{"action": "exclude"}, {"account": "zed", "action": "exclude"}, {"user_id": "1"}])
def test_mistake_changes_nothing_and_is_said(stage: Stage, owner_client: Client, data: dict[str, str]) -> None:
    stage.with_seats()

    answer = owner_client.post(url(stage, "users_exclusions"), data)

    assert [str(message.level_tag) for message in get_messages(answer.wsgi_request)] == ["error"]
    assert not DormancyExclusion.objects.exists()


def test_users_stand_under_the_license_in_the_navigation(stage: Stage, owner_client: Client) -> None:
    page = " ".join(show(owner_client, stage).split())

    current = re.findall(r'<a [^>]*aria-current="page"[^>]*>(?:(?!</a>).)*</a>', page)
    assert current
    assert [each for each in current if "License" not in each] == []


def test_billing_manager_sees_users_and_no_button(stage: Stage, client: Client, billing_manager: User) -> None:
    scenes.dormant_and_suspended(stage)
    client.force_login(billing_manager)

    page = show(client, stage)

    assert len(listed(page)) == scenes.ACCOUNTS
    assert "Exclude</" not in page
    assert 'name="action"' not in page


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (scenes.no_connection, "GitHub Connect is not enabled, so the cloud cannot be asked."),
        (scenes.sync_off, "License sync is set to Disabled, so nothing was sent."),
        (scenes.queued, "Another sync is under way. Ask again when it is over."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_question_that_cannot_be_asked_says_why(
    stage: Stage, owner_client: Client, scene: scenes.Scene, words: str
) -> None:
    scene(stage)

    page = owner_client.post(url(stage, "users_suspending"), follow=True).content.decode()

    assert words in page
    assert not SyncJob.objects.filter(kind=SyncJob.Kind.PREVIEW).exists()
