"""Reads the configuration from environment variables and stops the start with one sentence where it is wrong."""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet


class Misconfigured(SystemExit):
    """A variable is missing or malformed.

    It is a SystemExit, so that every program of the project (manage.py, gunicorn, celery) ends with the sentence
    alone: whoever starts it needs the name of the variable, not a stack trace.
    """


class Environment:
    """One place to look a variable up: ``NAME``, or the file that ``NAME_FILE`` points to."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding white space; an empty one counts as not set."""
        value = self._variables.get(name, "").strip()
        pointer = self._variables.get(f"{name}_FILE", "").strip()
        if value and pointer:
            raise Misconfigured(f"Both {name} and {name}_FILE are set; keep one of them.")
        if pointer:
            value = self._read(f"{name}_FILE", pointer)
        return value or default

    def required(self, name: str, why: str) -> str:
        value = self.text(name)
        if not value:
            raise Misconfigured(f"{name} is not set: {why}.")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise Misconfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
        return value

    def words(self, name: str, default: str = "") -> list[str]:
        """Values separated by commas or white space."""
        return [word for word in re.split(r"[,\s]+", self.text(name, default)) if word]

    def existing_file(self, name: str) -> str:
        value = self.text(name)
        if value and not Path(value).is_file():
            raise Misconfigured(f"{name} names a file that does not exist: {value!r}.")
        return value

    def origin(self, name: str, default: str) -> str:
        """An http or https address without a path, and without its trailing slash."""
        value = self.text(name, default).rstrip("/")
        if split_web_address(name, value).path:
            raise Misconfigured(f"{name} must be scheme, host and port only, without a path, not {value!r}.")
        return value

    def addresses(self, name: str, default: str = "") -> list[str]:
        """http or https addresses, each without its trailing slash."""
        values = [value.rstrip("/") for value in self.words(name, default)]
        for value in values:
            split_web_address(name, value)
        return values

    def proxy(self, name: str) -> str:
        """An http or https address that may carry ``user:password@``; no message repeats it."""
        value = self.text(name).rstrip("/")
        parts = _absolute(value)
        if value and (parts is None or parts.path or parts.query or parts.fragment or re.search(r"\s", value)):
            raise Misconfigured(
                f"{name} must be an address such as http://user:password@proxy.example:3128, "
                "with what is special in user and password percent-encoded."
            )
        return value

    def bearer_token(self, name: str) -> str:
        """A secret that travels in a header, long enough not to be guessed; empty where none is set."""
        value = self.text(name)
        if value and not re.fullmatch(r"[\x21-\x7e]{24,}", value):
            raise Misconfigured(f"{name} must be at least 24 characters of ASCII without spaces.")
        return value

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        try:
            return [ip_network(value) for value in self.words(name)]
        except ValueError as error:
            raise Misconfigured(f"{name} must list IP addresses or networks: {error}.") from error

    def resolvers(self, name: str) -> list[tuple[str, int]]:
        """Addresses of DNS servers with their ports: ``192.0.2.1``, ``192.0.2.1:5353`` or ``[2001:db8::1]:5353``."""
        return [_address_and_port(name, value) for value in self.words(name)]

    @staticmethod
    def _read(name: str, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{name} names a file that cannot be read: {path!r} ({error}).") from error


def _address_and_port(name: str, value: str) -> tuple[str, int]:
    address, port = value, "53"
    if match := re.fullmatch(r"\[(.+)\]:([0-9]{1,5})|([^:]+):([0-9]{1,5})", value):
        address, port = (match[1], match[2]) if match[1] else (match[3], match[4])
    try:
        parsed = ip_address(address)
    except ValueError:
        parsed = None
    if parsed is None or not 0 < int(port) < 65_536:
        raise Misconfigured(f"{name} must list IP addresses such as 192.0.2.53 or 192.0.2.53:5353, not {value!r}.")
    return str(parsed), int(port)


def split_web_address(name: str, value: str) -> SplitResult:
    """Takes an address apart.

    :raises Misconfigured: it is not an absolute http or https address, or it carries a password, query or fragment.
    """
    parts = _absolute(value)
    if parts is None or parts.username or parts.query or parts.fragment:
        raise Misconfigured(f"{name} must be an address such as https://licenses.example, not {value!r}.")
    return parts


def _absolute(value: str) -> SplitResult | None:
    """The parts of an http or https address with a host; None for anything else."""
    try:
        parts = urlsplit(value)
        # Reading the port is what checks it.
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_whole else None


def check_encryption_keys(keys: list[str]) -> None:
    """Says here what would otherwise only be found out at the first secret that is stored."""
    for key in keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise Misconfigured(
                "FIELD_ENCRYPTION_KEYS must list keys of 32 bytes in URL-safe base64, the newest first."
            ) from error


env = Environment(os.environ)
