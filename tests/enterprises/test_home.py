"""The home page shows each of one's enterprises, its state, and what needs one."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from enterprises.models import Enterprise, User


def test_home_lists_own_enterprises_with_side_and_role(
    owner_client: Client, server_enterprise: Enterprise, cloud_enterprise: Enterprise, stranger: User
) -> None:
    page = owner_client.get(reverse("home")).content.decode()

    assert "octo-server" in page
    assert "SideBadge--server" in page
    assert "SideBadge--cloud" in page
    assert "enterprise owner" in page
    assert "elsewhere" not in page
