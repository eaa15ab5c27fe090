"""People, tokens, links and enterprises from the shell: one clear line, or JSON, or one sentence of refusal."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cloud.models import Ledger
from connect.models import Server
from enterprises.access import authenticate_token
from enterprises.models import AuditEvent, Enterprise, Role, RoleName, SignInLink, User
from tests.factories import make_cloud_enterprise

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    output = StringIO()
    call_command(*words, stdout=output)
    (line,) = output.getvalue().splitlines()
    return line


def run_json(*words: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run(*words, "--json"))
    return result


def test_new_user_signs_in_with_the_printed_password(client: Client) -> None:
    made = run_json("create_user", "Olivia")

    answer = client.post("/account/sign-in", {"login": "olivia", "password": made["password"]})
    assert answer["Location"] == "/"


def test_user_line_says_the_password_once() -> None:
    line = run("create_user", "olivia")

    assert line.startswith("Created user olivia with the password ")
    assert User.objects.get().check_password(line.split()[6])


def test_username_is_taken_in_any_case(owner: User) -> None:
    with pytest.raises(CommandError, match=r"That username is taken|already exists"):
        run("create_user", "OLIVIA")


def test_deleted_user_is_gone_with_what_opened_doors(client: Client, stranger: User, owner: User) -> None:
    token = run_json("create_api_token", "olivia", "--scope", "read:enterprise")["token"]
    run("sign_in_link", "olivia")
    client.force_login(owner)

    assert run("delete_user", "Olivia") == "Deleted user olivia."

    assert [user.username for user in User.objects.all()] == ["sam"]
    assert authenticate_token(token) is None
    assert not SignInLink.objects.exists()
    assert client.get("/")["Location"] == "/account/sign-in"
    assert AuditEvent.objects.get(action="user.destroy").target == "olivia"


def test_only_owner_is_not_deleted(owner: User, server_enterprise: Enterprise, cloud_enterprise: Enterprise) -> None:
    with pytest.raises(CommandError, match="only owner of octo, octo-server"):
        run("delete_user", "olivia")

    assert User.objects.filter(username="olivia").exists()


def test_sign_in_link_is_an_address_with_the_secret_behind_the_sign(client: Client, owner: User) -> None:
    url = run("sign_in_link", "olivia")

    address, _sign, secret = url.partition("#")
    assert address.endswith("/account/link")
    assert client.post("/account/link", {"secret": secret})["Location"] == "/"


def test_sign_in_link_of_nobody_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        run("sign_in_link", "nobody")


def test_token_opens_with_its_scopes(owner: User) -> None:
    secret = run("create_api_token", "olivia", "--scope", "read:enterprise", "--expires", "30")

    token = authenticate_token(f"Bearer {secret}")
    assert token is not None
    assert token.scopes == ["read:enterprise"]
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days == 30


@pytest.mark.parametrize(
    "words",
    [
        ["olivia"],
        ["olivia", "--scope", "repo"],
        ["nobody", "--scope", "read:enterprise"],
        ["olivia", "--scope", "read:enterprise", "--expires", "0"],
        ["olivia", "--scope", "read:enterprise", "--expires", "99999999999"],
    ],
)
def test_token_mistakes_are_refused(words: list[str], owner: User) -> None:
    with pytest.raises(CommandError):
        run("create_api_token", *words)


def test_revoked_tokens_open_nothing(owner: User) -> None:
    lost, kept, other = (
        run("create_api_token", "olivia", "--scope", "read:enterprise", "--name", name) for name in ("ci", "cron", "ci")
    )

    assert run_json("revoke_api_token", "Olivia", "--name", "ci") == {"username": "olivia", "revoked": ["ci", "ci"]}

    assert [authenticate_token(f"token {secret}") is not None for secret in (lost, kept, other)] == [False, True, False]
    assert AuditEvent.objects.filter(action="api_token.revoke", target="olivia").count() == 2
    assert run("revoke_api_token", "olivia") == "Revoked: cron."


@pytest.mark.parametrize("words", [["nobody"], ["olivia"], ["olivia", "--name", "ci"]])
def test_nothing_to_revoke_is_said(words: list[str], owner: User) -> None:
    with pytest.raises(CommandError):
        run("revoke_api_token", *words)


def test_server_enterprise_is_whole() -> None:
    made = run_json(
        "create_enterprise", "octo", "--deployment", "server", "--owner", "olivia", "--name", "Octo Inc.",
        "--hostname", "octo.example", "--server-version", "3.19.1",
    )  # fmt: skip

    server = Server.objects.select_related("enterprise").get()
    assert (server.hostname, server.version, server.enterprise.name) == ("octo.example", "3.19.1", "Octo Inc.")
    assert User.objects.get(username="olivia").check_password(made["password"])
    assert Enterprise.objects.owned_by(User.objects.get()).get().slug == "octo"


def test_server_enterprise_says_its_host_name(owner: User) -> None:
    line = run("create_enterprise", "octo", "--deployment", "server", "--owner", "olivia")
    named = run_json("create_enterprise", "acme", "--deployment", "server", "--hostname", "ghes.acme.example")

    assert line == "Created the server enterprise octo with the host name octo (--hostname sets it), owned by olivia."
    assert named["hostname"] == "ghes.acme.example"


def test_cloud_organization_is_whole(owner: User) -> None:
    line = run(
        "create_enterprise", "octo", "--deployment", "cloud", "--kind", "organization", "--seats", "90",
        "--owner", "olivia",
    )  # fmt: skip

    assert line == "Created the cloud organization octo, owned by olivia."
    assert Ledger.objects.get().seats_purchased == 90


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["octo", "--deployment", "server", "--seats", "3"], "--seats belongs to a cloud enterprise"),
        (["octo", "--deployment", "cloud", "--hostname", "h"], "belong to a server enterprise"),
        (["octo", "--deployment", "cloud", "--seats", "-1"], "must not be negative"),
        (["Octo!", "--deployment", "cloud"], "Use lower-case letters"),
        (["octo", "--deployment", "server", "--kind", "organization"], "always an enterprise"),
        (["elsewhere", "--deployment", "cloud"], "That short name is taken"),
        (["octo", "--deployment", "cloud", "--name", "https://a:b@c"], "looks like a password or a token"),
    ],
)
def test_enterprise_mistakes_leave_nothing(words: list[str], sentence: str, stranger: User) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("create_enterprise", *words, "--owner", "somebody")

    assert Enterprise.objects.count() == 1
    assert not User.objects.filter(username="somebody").exists()


def test_role_is_given_to_a_person_who_has_none(stranger: User) -> None:
    make_cloud_enterprise("acme")

    line = run("grant_role", "acme", stranger.username, "--role", "billing_manager")

    assert line == f"{stranger.username} is now billing manager of acme."
    assert Role.objects.get(user=stranger, enterprise__slug="acme").role == RoleName.BILLING_MANAGER
    assert AuditEvent.objects.filter(action="business.add_billing_manager", target=stranger.username).exists()


def test_role_takes_the_place_of_the_one_before(stranger: User) -> None:
    make_cloud_enterprise("acme")
    run("grant_role", "acme", stranger.username, "--role", "billing_manager")

    made = run_json("grant_role", "acme", stranger.username, "--role", "owner")

    assert made == {"enterprise": "acme", "username": stranger.username, "role": "owner", "before": "billing_manager"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["acme", "nobody", "--role", "owner"], "There is no user 'nobody'; create_user makes one."),
        (["nowhere", "olivia", "--role", "owner"], "There is no enterprise 'nowhere'; create_enterprise makes one."),
        (["acme", "olivia", "--role", "king"], "invalid choice: 'king'"),
        (["acme", "olivia"], "--role"),
    ],
)
def test_role_mistakes_are_refused(words: list[str], sentence: str, owner: User) -> None:
    make_cloud_enterprise("acme")

    with pytest.raises(CommandError, match=sentence):
        run("grant_role", *words)

    assert not Role.objects.filter(enterprise__slug="acme").exists()


def test_the_last_owner_stays_owner(owner: User, cloud_enterprise: Enterprise) -> None:
    with pytest.raises(CommandError, match="keeps at least one owner"):
        run("grant_role", "octo", "olivia", "--role", "billing_manager")

    assert Role.objects.get(user=owner).role == RoleName.OWNER


def test_one_of_two_owners_may_step_back(owner: User, stranger: User, cloud_enterprise: Enterprise) -> None:
    run("grant_role", "octo", stranger.username, "--role", "owner")

    run("grant_role", "octo", "olivia", "--role", "billing_manager")

    assert Role.objects.get(user=owner).role == RoleName.BILLING_MANAGER
