"""What every request passes first: whom to believe about the caller, its id, and headers Django has no setting for."""

import re
import uuid
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase

from enterprises.log_context import lines_carry

View = Callable[[HttpRequest], HttpResponseBase]

_FORWARDED = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_PORT"),
    "HTTP_X_REQUEST_ID",
)
_REQUEST_ID = re.compile(r"[\w.:=+/-]{8,100}", re.ASCII)


def trusted_proxies(get_response: View) -> View:
    """Believes X-Forwarded-* and X-Request-ID only from TRUSTED_PROXIES; from anybody else they are dropped.

    The caller's address is the last one in X-Forwarded-For that is not itself a trusted proxy: everything before it
    was written by the caller.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not _is_trusted(request.META.get("REMOTE_ADDR", "")):
            for header in _FORWARDED:
                request.META.pop(header, None)
            return get_response(request)
        chain = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        for hop in reversed(chain):
            if not _is_address(hop):
                break
            request.META["REMOTE_ADDR"] = hop
            if not _is_trusted(hop):
                break
        return get_response(request)

    return middleware


def request_id(get_response: View) -> View:
    """Gives the request an id that its log lines, its answer and the tasks that it sends carry.

    A trusted proxy may have given it one already; what is no id by its length and characters is not taken over.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        known = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        with lines_carry(request_id=known):
            response = get_response(request)
        response.headers["X-Request-ID"] = known
        return response

    return middleware


def sound_cookies(get_response: View) -> View:
    """Refuses cookies with a NUL, which quoted ones can hold: no database need be asked about such a session."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if any("\0" in value for value in request.COOKIES.values()):
            raise BadRequest("A cookie holds a NUL character.")
        return get_response(request)

    return middleware


def permissions_policy(get_response: View) -> View:
    """The console needs no camera, place or payment: neither does anything that might be smuggled into a page."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        return response

    return middleware


def _is_trusted(address: str) -> bool:
    if not _is_address(address):
        return False
    # A socket of both protocols shows IPv4 callers in IPv6 clothes.
    parsed = ip_address(address)
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(plain in network for network in settings.TRUSTED_PROXIES)


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
