"""Decide whether a server's request to be connected may be shown to a person at all."""

import ipaddress
import re
import uuid
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from enterprises import audit
from wire import signing
from wire.messages import FORMATS, ErrorCode, Manifest

MAX_MANIFEST_LENGTH: Final = 10_000
MAX_AGE: Final = timedelta(minutes=15)
# A browser carries the manifest, so nothing can correct the server's clock by ours here.
MAX_FUTURE: Final = timedelta(minutes=5)
MAX_VERSION_LENGTH: Final = 32
MAX_FEATURES: Final = 50

_HOSTNAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_CALLBACK_PATH = re.compile(r"(?:/[\w.~-]+)*/enterprises/[a-z0-9-]{1,60}/settings/dotcom_connection/complete", re.ASCII)
_PLAIN = re.compile(r"[\x20-\x7e]*")


class HandshakeRefused(Exception):
    """GitHub Connect goes no further; the code is the API's, the sentence is for people."""

    def __init__(self, code: ErrorCode, sentence: str | Promise) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return str(self.sentence)


class RequestInvalid(HandshakeRefused):
    """The manifest is not one that may be shown or accepted."""

    def __init__(self, sentence: str | Promise, code: ErrorCode = ErrorCode.INVALID_REQUEST) -> None:
        super().__init__(code, sentence)


def read_request(manifest_jws: str, at: datetime) -> Manifest:
    """The manifest of a server that asks to be connected to this cloud, now.

    :raises RequestInvalid: not signed by the key it names, meant for another cloud, too old, or with a callback that
        would carry the code to somebody else
    Source: docs/wire.md, "Connect".
    """
    if len(manifest_jws) > MAX_MANIFEST_LENGTH:
        raise RequestInvalid(_("The request to connect is too long."))
    try:
        manifest = signing.read_manifest(manifest_jws)
        signing.read_app_key(manifest.app_key)
    except (signing.SignatureInvalid, signing.KeyInvalid, RecursionError) as error:
        raise RequestInvalid(_("The request to connect is damaged or was not signed by its server.")) from error
    _check_audience(manifest)
    _check_age(manifest, at)
    _check_server(manifest)
    _check_callback(manifest)
    return manifest


def _check_audience(manifest: Manifest) -> None:
    if manifest.audience != settings.BASE_URL:
        raise RequestInvalid(_("The request to connect is meant for another cloud."))
    if not set(FORMATS) & set(manifest.formats):
        raise RequestInvalid(_("The server and this cloud share no format."), ErrorCode.UNSUPPORTED_FORMAT)


def _check_age(manifest: Manifest, at: datetime) -> None:
    issued_at = manifest.issued_at
    if issued_at > at + MAX_FUTURE:
        raise RequestInvalid(
            _("The clock of the server is ahead of this cloud's. Set the clocks, then start again on the server."),
            ErrorCode.CLOCK_SKEW,
        )
    if issued_at < at - MAX_AGE:
        raise RequestInvalid(
            _("The request to connect has expired. Start again on the server; if this comes back, set the clocks."),
            ErrorCode.CLOCK_SKEW,
        )


def _check_server(manifest: Manifest) -> None:
    if not is_canonical_uuid(manifest.server_id):
        raise RequestInvalid(_("The server's id is malformed."))
    if not is_hostname(manifest.hostname) or audit.looks_secret(manifest.hostname):
        raise RequestInvalid(_("The server's host name is malformed."))
    is_version = len(manifest.version) <= MAX_VERSION_LENGTH and _PLAIN.fullmatch(manifest.version)
    if not is_version or len(manifest.features) > MAX_FEATURES or audit.looks_secret(manifest.version):
        raise RequestInvalid(_("The request to connect is malformed."))


def _check_callback(manifest: Manifest) -> None:
    """The code travels to the callback, so it must be the server's own page: its host, its path, and no detour."""
    try:
        callback = urlsplit(manifest.callback)
        has_port = callback.port is None or callback.port > 0
    except ValueError as error:
        raise RequestInvalid(_("The address to return to is malformed.")) from error
    host = callback.hostname or ""
    is_bare = callback.username is None and not callback.query and not callback.fragment
    # Browsers read some odd spellings (a backslash, for one) differently than we do.
    is_spelled_out = manifest.callback == callback.geturl() and (is_hostname(host) or is_loopback(host))
    if not (has_port and is_bare and is_spelled_out and _CALLBACK_PATH.fullmatch(callback.path)):
        raise RequestInvalid(_("The address to return to is malformed."))
    if not _is_confidential(callback):
        raise RequestInvalid(_("The address to return to must be an https address."))
    if host != manifest.hostname and not is_loopback(host):
        raise RequestInvalid(_("The address to return to is on another host than the server."))


def _is_confidential(address: SplitResult) -> bool:
    return address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname or ""))


def is_loopback(host: str) -> bool:
    """Whether a name or address never leaves the machine."""
    if host == "localhost" or (host.endswith(".localhost") and is_hostname(host)):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_hostname(text: str) -> bool:
    """Whether a text is a lower-case host name or IPv4 address."""
    return bool(_HOSTNAME.fullmatch(text))


def is_canonical_uuid(text: str) -> bool:
    """Whether a text is a UUID in its one lower-case form with hyphens."""
    try:
        return len(text) == 36 and str(uuid.UUID(text)) == text
    except ValueError:
        return False
