"""Whoever reads an hour learns of which zone it is."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from licensesync.models import License, SyncJob
from tests.licensesync_pages import scenes
from tests.licensesync_pages.scenes import Stage

_HOUR = re.compile(r"(?:\b\d{1,2}(?::\d\d)? [ap]\.m\.|\b\d\d:\d\d:\d\d|, (?:noon|midnight))(?P<after>.{4})", re.DOTALL)


@pytest.mark.parametrize("name", ["connection", "license", "sync", "receipt"])
def test_every_hour_on_a_page_has_its_zone(stage: Stage, owner_client: Client, name: str) -> None:
    scenes.synced(stage)
    License.objects.update(read_at=stage.at)
    job = [SyncJob.objects.latest("pk").pk] if name in {"sync", "receipt"} else []

    page = strip_tags(owner_client.get(reverse(f"licensesync:{name}", args=[stage.slug, *job])).content.decode())

    hours = list(_HOUR.finditer(page))
    assert hours
    assert [hour[0] for hour in hours if hour["after"] != " UTC"] == []
