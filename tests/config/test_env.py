"""The configuration comes from the environment, and a wrong one is said in one sentence that names it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from config.env import Environment, Misconfigured, check_encryption_keys

KEY = "c3VpdGUtc3VpdGUtc3VpdGUtc3VpdGUtc3VpdGUtc3U="
PRODUCTION = {
    "LICENSESYNC_ROLE": "server",
    "DATABASE_URL": "postgres://user:password@db.example/licensesync",
    "REDIS_URL": "redis://broker.example/0",
    "BASE_URL": "https://console.example",
    "SECRET_KEY": "x" * 60,
    "FIELD_ENCRYPTION_KEYS": KEY,
}


def start(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Starts the project with these variables only."""
    return subprocess.run(
        [sys.executable, "manage.py", "version"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "LICENSESYNC_DATA_DIR": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_text_takes_the_variable() -> None:
    assert Environment({"NAME": " value \n"}).text("NAME") == "value"


def test_text_reads_the_file_that_a_variable_names(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("value\n")

    assert Environment({"NAME_FILE": str(tmp_path / "secret")}).text("NAME") == "value"


def test_text_refuses_variable_and_file_together() -> None:
    with pytest.raises(Misconfigured, match="Both NAME and NAME_FILE are set"):
        Environment({"NAME": "a", "NAME_FILE": "/b"}).text("NAME")


def test_text_names_the_file_that_cannot_be_read() -> None:
    with pytest.raises(Misconfigured, match="NAME_FILE names a file that cannot be read"):
        Environment({"NAME_FILE": "/nowhere/secret"}).text("NAME")


def test_bearer_token_is_long_and_fits_into_a_header() -> None:
    assert Environment({}).bearer_token("NAME") == ""
    assert Environment({"NAME": "a" * 24}).bearer_token("NAME") == "a" * 24
    for poor in ("a" * 23, f"{'a' * 24} b", f"{'a' * 24}é"):
        with pytest.raises(Misconfigured, match="NAME must be at least 24 characters"):
            Environment({"NAME": poor}).bearer_token("NAME")


def test_proxy_may_carry_a_user_and_a_password() -> None:
    proxy = "http://octo:pass%40word@proxy.example:3128"

    assert Environment({"NAME": f"{proxy}/"}).proxy("NAME") == proxy
    assert not Environment({}).proxy("NAME")


@pytest.mark.parametrize("value", ["octo:planted@proxy", "http://octo:planted@proxy:x", "http://octo:planted@p/path"])
def test_malformed_proxy_is_refused_without_its_password(value: str) -> None:
    with pytest.raises(Misconfigured, match="NAME must be an address such as") as refused:
        Environment({"NAME": value}).proxy("NAME")

    assert "planted" not in str(refused.value)


def test_words_are_parted_by_commas_and_spaces() -> None:
    assert Environment({"NAME": "a, b  c,"}).words("NAME") == ["a", "b", "c"]


def test_addresses_lose_their_trailing_slash() -> None:
    assert Environment({"NAME": "https://a.example/ http://b:8000"}).addresses("NAME") == [
        "https://a.example",
        "http://b:8000",
    ]


@pytest.mark.parametrize(
    "read",
    [
        lambda env: env.required("NAME", "it is needed"),
        lambda env: env.choice("NAME", ("a", "b"), ""),
        lambda env: env.origin("NAME", ""),
    ],
)
def test_missing_value_is_named(read: Callable[[Environment], object]) -> None:
    with pytest.raises(Misconfigured, match="NAME"):
        read(Environment({}))


@pytest.mark.parametrize(
    "value",
    [
        "example.org",
        "ftp://a.example",
        "http://",
        "http://a.example:port",
        "https://u:p@a.example",
        "https://a.example?b",
    ],
)
def test_malformed_address_is_named(value: str) -> None:
    with pytest.raises(Misconfigured, match="NAME must be an address such as"):
        Environment({"NAME": value}).addresses("NAME")


def test_origin_has_no_path() -> None:
    """One sentence, and docs/operations.md says so before somebody reads it."""
    with pytest.raises(Misconfigured) as refused:
        Environment({"BASE_URL": "https://a.example/b"}).origin("BASE_URL", "")

    assert str(refused.value) == (
        "BASE_URL must be scheme, host and port only, without a path, not 'https://a.example/b'."
    )
    assert "`BASE_URL` with a path stops the start" in (settings.BASE_DIR / "docs" / "operations.md").read_text()


def test_networks_are_parsed_or_named() -> None:
    assert [str(network) for network in Environment({"NAME": "10.0.0.0/8 ::1"}).networks("NAME")] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    with pytest.raises(Misconfigured, match="NAME must list IP addresses"):
        Environment({"NAME": "here"}).networks("NAME")


def test_encryption_keys_are_checked_at_the_start() -> None:
    check_encryption_keys([KEY])

    with pytest.raises(Misconfigured, match="FIELD_ENCRYPTION_KEYS"):
        check_encryption_keys([KEY, "short"])


def test_first_start_generates_secrets_that_only_the_owner_reads(tmp_path: Path) -> None:
    assert start(tmp_path).returncode == 0

    secrets = [tmp_path / "secret_key", tmp_path / "field_encryption_keys"]
    assert [path.stat().st_mode & 0o777 for path in secrets] == [0o600, 0o600]


def test_production_start_generates_nothing(tmp_path: Path) -> None:
    assert start(tmp_path, **PRODUCTION).returncode == 0

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["LICENSESYNC_ROLE", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS"])
def test_start_without_a_needed_variable_ends_with_one_sentence(tmp_path: Path, name: str) -> None:
    ended = start(tmp_path, **{key: value for key, value in PRODUCTION.items() if key != name})

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{name} is not set: ")
    assert len(ended.stderr.splitlines()) == 1


def test_resolvers_are_addresses_with_or_without_a_port() -> None:
    listed = Environment({"NAME": "192.0.2.1, 192.0.2.2:5353 2001:DB8::1 [2001:db8::2]:5353"}).resolvers("NAME")

    assert listed == [("192.0.2.1", 53), ("192.0.2.2", 5353), ("2001:db8::1", 53), ("2001:db8::2", 5353)]
    for poor in ("dns.example", "192.0.2.1:0", "192.0.2.1:65536", "[192.0.2.1", "192.0.2.1:x", "https://192.0.2.1"):
        with pytest.raises(Misconfigured, match="NAME must list IP addresses"):
            Environment({"NAME": poor}).resolvers("NAME")
