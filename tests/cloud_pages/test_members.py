"""Importing members on a page: choose, preview, apply."""

import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cloud.models import Ledger, Member
from enterprises.models import StagedUpload

URL = "/enterprises/octo/settings/members"
ONE = b'{"id": 1, "login": "mona", "member_roles": ["octo:Member"]}\n'
TWO = ONE + b'{"id": 2, "login": "hubot", "member_roles": ["octo:Member"]}\n'


def _choose(client: Client, body: bytes, **fields: str) -> str:
    return client.post(URL, {"file": SimpleUploadedFile("members.ndjson", body), **fields})["Location"]


def test_a_chosen_file_is_previewed_and_not_applied(owner_client: Client, ledger: Ledger) -> None:
    review = owner_client.get(_choose(owner_client, TWO))

    change = review.context["change"]
    assert (change.added, change.licenses_before, change.licenses_after) == (2, 0, 2)
    assert not Member.objects.exists()


def test_apply_imports_and_forgets_the_file(owner_client: Client, ledger: Ledger) -> None:
    response = owner_client.post(_choose(owner_client, TWO), follow=True)

    assert response.redirect_chain[-1][0] == "/enterprises/octo/licensing"
    assert Member.objects.count() == 2
    assert not StagedUpload.objects.exists()


def test_a_partial_file_keeps_the_others(owner_client: Client, ledger: Ledger) -> None:
    owner_client.post(_choose(owner_client, TWO))

    owner_client.post(_choose(owner_client, ONE, partial="on"), {"partial": "on"})

    assert Member.objects.count() == 2


def test_a_bad_line_is_named_and_nothing_is_imported(owner_client: Client, ledger: Ledger) -> None:
    review = owner_client.get(_choose(owner_client, ONE + b"{broken\n"))

    assert review.status_code == 422
    assert "Line 2:" in review.content.decode()
    assert not Member.objects.exists()


def test_a_large_shrink_asks_first(owner_client: Client, ledger: Ledger) -> None:
    many = b"".join(b'{"id": %d, "login": "m%d", "member_roles": ["octo:Member"]}\n' % (n, n) for n in range(1, 60))
    owner_client.post(_choose(owner_client, many))
    url = _choose(owner_client, ONE)

    refused = owner_client.post(url)
    assert (refused.status_code, Member.objects.count()) == (409, 59)
    assert refused.context["change"].removed == 58

    owner_client.post(url, {"allow_shrink": "on"})
    assert Member.objects.count() == 1


def test_a_file_is_thrown_away(owner_client: Client, ledger: Ledger) -> None:
    url = _choose(owner_client, ONE)
    assert f'action="{url}/discard"' in owner_client.get(url).content.decode()

    response = owner_client.post(f"{url}/discard", follow=True)

    assert response.redirect_chain[-1][0] == URL
    assert "The file was thrown away. Nothing was imported." in response.content.decode()
    assert not StagedUpload.objects.exists()
    assert not Member.objects.exists()


def test_page_shows_what_a_file_looks_like(owner_client: Client, ledger: Ledger) -> None:
    page = owner_client.get(URL).content.decode()

    (example,) = re.findall(r"<code>(\{.+?\})</code>", page)
    change = owner_client.get(_choose(owner_client, example.encode())).context["change"]
    assert (change.added, change.licenses_after) == (1, 1)


def test_no_file_is_an_error_beside_the_field(owner_client: Client, ledger: Ledger) -> None:
    response = owner_client.post(URL, {})

    assert response.status_code == 422
    assert response.context["form"].errors["file"]


def test_another_owner_s_file_is_not_found(owner_client: Client, ledger: Ledger) -> None:
    from tests.factories import make_role, make_user

    url = _choose(owner_client, ONE)
    other = make_user("otto")
    make_role(other, ledger.enterprise)
    client = Client()
    client.force_login(other)

    assert client.get(url).status_code == 404
