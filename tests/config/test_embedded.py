"""What one machine alone gets by default."""

from pathlib import Path

from config.embedded import (
    SOCKET_PATH_BYTES,
    broker_socket,
    generated_encryption_keys,
    generated_secret_key,
    keep_address,
    kept_address,
)
from config.env import check_encryption_keys


def test_generated_secrets_stay_the_same(tmp_path: Path) -> None:
    assert generated_secret_key(tmp_path) == generated_secret_key(tmp_path)
    assert generated_encryption_keys(tmp_path) == generated_encryption_keys(tmp_path)
    check_encryption_keys(generated_encryption_keys(tmp_path))


def test_broker_listens_in_the_data_folder() -> None:
    assert broker_socket(Path("/srv/licensesync")) == Path("/srv/licensesync/valkey.sock")


def test_long_data_folder_gets_a_short_socket_of_its_own() -> None:
    long = Path("/srv") / ("x" * 100)

    assert len(str(broker_socket(long))) <= SOCKET_PATH_BYTES
    assert broker_socket(long) != broker_socket(long / "other")


def test_address_of_the_last_start_is_kept(tmp_path: Path) -> None:
    assert kept_address(tmp_path) == ""

    keep_address(tmp_path, "http://localhost:8300")

    assert kept_address(tmp_path) == "http://localhost:8300"
