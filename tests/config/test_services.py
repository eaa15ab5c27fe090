"""Database, broker and mail from one address each."""

from pathlib import Path

import pytest

from config.env import Misconfigured
from config.services import broker_addresses, database_settings, mail_settings


def test_database_address_becomes_django_settings() -> None:
    database = database_settings("postgres://user:p%40ss@db.example:5433/licenses?sslmode=require")

    assert (database["NAME"], database["HOST"], database["PORT"]) == ("licenses", "db.example", 5433)
    assert database["PASSWORD"] == "p@ss"
    assert database["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize("url", ["nonsense", "mysql://db.example/licenses", "postgres://db.example"])
def test_database_must_be_postgresql(url: str) -> None:
    with pytest.raises(Misconfigured, match="DATABASE_URL"):
        database_settings(url)


def test_malformed_database_address_does_not_repeat_the_password() -> None:
    with pytest.raises(Misconfigured) as caught:
        database_settings("mysql://user:hunter2@db.example/licenses")

    assert "hunter2" not in str(caught.value)


def test_broker_on_a_socket_is_written_for_celery_and_cache() -> None:
    assert broker_addresses("unix:///run/valkey.sock?db=3") == (
        "redis+socket:///run/valkey.sock?virtual_host=3",
        "unix:///run/valkey.sock?db=3",
    )


def test_broker_on_a_host_is_the_same_for_both() -> None:
    assert broker_addresses("rediss://broker.example:6380/1") == ("rediss://broker.example:6380/1",) * 2


def test_broker_must_be_redis() -> None:
    with pytest.raises(Misconfigured, match="REDIS_URL"):
        broker_addresses("amqp://broker.example")


def test_mail_goes_to_files_without_an_address(tmp_path: Path) -> None:
    assert mail_settings("", tmp_path)["EMAIL_FILE_PATH"] == str(tmp_path)


def test_mail_address_becomes_django_settings(tmp_path: Path) -> None:
    mail = mail_settings("smtp://robot:p%40ss@mail.example:587?tls=true&from=robot@example.org", tmp_path)

    assert (mail["EMAIL_HOST"], mail["EMAIL_PORT"], mail["EMAIL_USE_TLS"]) == ("mail.example", 587, True)
    assert mail["EMAIL_HOST_PASSWORD"] == "p@ss"
    assert mail["DEFAULT_FROM_EMAIL"] == "robot@example.org"


def test_malformed_mail_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="EMAIL_URL"):
        mail_settings("mail.example", tmp_path)
