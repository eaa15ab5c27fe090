"""What one machine alone gets by default: secrets generated into the data folder, and the broker's socket."""

import os
import secrets
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cryptography.fernet import Fernet

from config.env import Misconfigured

# The kernel limits a socket's path to 104 (macOS) or 108 (Linux) bytes; some room is left for temporary names.
SOCKET_PATH_BYTES = 96


def generated_secret_key(data_dir: Path) -> str:
    return _kept(data_dir / "secret_key", secrets.token_urlsafe(50))


def generated_encryption_keys(data_dir: Path) -> list[str]:
    return _kept(data_dir / "field_encryption_keys", Fernet.generate_key().decode()).split()


def generated_files_in_use(data_dir: Path, secret_key: str, encryption_keys: list[str]) -> list[Path]:
    """Those of the two files that the settings come from; what the environment gives is kept elsewhere."""
    files = {"secret_key": [secret_key], "field_encryption_keys": encryption_keys}
    paths = {data_dir / name: used for name, used in files.items()}
    return [path for path, used in paths.items() if path.is_file() and path.read_text(encoding="ascii").split() == used]


def keep_generated(data_dir: Path, name: str, value: str) -> None:
    """Puts another value in place of a generated one, whole or not at all."""
    handle, draft = tempfile.mkstemp(dir=data_dir, prefix=f".{name}.")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(value)
        file.flush()
        os.fsync(handle)
    Path(draft).replace(data_dir / name)


def broker_socket(data_dir: Path) -> Path:
    """Where the embedded broker listens: in the data folder, or where that is too long, in a folder of its own."""
    socket = data_dir / "valkey.sock"
    if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES:
        return socket
    name = sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"licensesync-{os.getuid()}-{name}" / "valkey.sock"


def kept_address(data_dir: Path) -> str:
    """Where the console of this data folder answered last; empty before its first start."""
    try:
        return (data_dir / "address").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def keep_address(data_dir: Path, address: str) -> None:
    """For the commands that are typed beside the console: the links they print have to lead there."""
    (data_dir / "address").write_text(f"{address}\n", encoding="ascii")


def _kept(path: Path, fresh: str) -> str:
    """The content of the file, after writing ``fresh`` into it where it did not exist.

    Several processes may start at once: each writes a file of its own and links it into place, so one of them wins
    and all read the same value.
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", encoding="ascii") as draft:
                draft.write(fresh)
                draft.flush()
                # Somebody else was faster: theirs is read below.
                with suppress(FileExistsError):
                    os.link(draft.name, path)
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise Misconfigured(f"LICENSESYNC_DATA_DIR cannot hold the generated secrets: {error}.") from error
