"""Answer "304 Not Modified" to whoever has the answer already.

Lists of people carry the state of the books as their ETag, so that a script that asks again costs a few small queries
and no person is read. Short answers carry the digest of their own bytes. All tags are weak: they say that two answers
mean the same.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header, parse_etags

from cloud.api.bodies import answer
from cloud.models import Ledger
from enterprises.api import JSON

# Count it up whenever the same books are answered in another form.
FORM: Final = 1


def books_tag(request: HttpRequest, ledger: Ledger, *more: object) -> str:
    """The tag of an answer that depends on nothing but the books, the address, and ``more``.

    ``ledger`` is as this request read it. It has the revision, which every sync and import of members counts up, the
    purchased seats and the settings; domains decide which addresses are shown; servers give their names, and say
    whether they are connected and when they last synced.
    """
    now = [getattr(ledger, field.attname) for field in Ledger._meta.concrete_fields]
    domains = ledger.domains.order_by("pk").values_list()
    servers = ledger.installations.order_by("pk").values_list("pk", "hostname", "state", "last_sync_at")
    state = (FORM, now, list(domains), list(servers), request.build_absolute_uri(), more)
    return _tag(repr(state).encode())


def unless_known(request: HttpRequest, tag: str, make: Callable[[], HttpResponse]) -> HttpResponse:
    """304 where the caller has the answer of this tag, else what ``make`` makes, with the tag."""
    is_known = _names(request.headers.get("If-None-Match", ""), tag)
    response = HttpResponse(status=304) if is_known else make()
    if is_known:
        del response["Content-Type"]
    response["ETag"] = tag
    # A cache may keep it for its own caller, and asks each time whether it is still true.
    response["Cache-Control"] = "private, no-cache"
    return response


def short_answer(request: HttpRequest, payload: Any) -> HttpResponse:
    """An answer that costs little to make, and nothing to send to whoever has it."""
    return unless_known(request, _tag(msgspec.json.encode(payload)), lambda: answer(payload))


def short_file(request: HttpRequest, content: bytes, name: str) -> HttpResponse:
    """A JSON file that costs little to make, to be kept under its name."""
    response = unless_known(request, _tag(content), lambda: HttpResponse(content, content_type=JSON))
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    return response


def _tag(state: bytes) -> str:
    return f'W/"{hashlib.sha256(state).hexdigest()[:32]}"'


def _names(header: str, tag: str) -> bool:
    """Whether If-None-Match names the tag, compared weakly (RFC 9110, 13.1.2)."""
    return any(known == "*" or known.removeprefix("W/") == tag.removeprefix("W/") for known in parse_etags(header))
