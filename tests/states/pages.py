"""What an owner reads: the License page, the GitHub Connect page and the status command, taken apart."""

import http.client
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.test.html import Element, parse_html

from enterprises.models import User

_CSRF = "c" * 32


@dataclass(frozen=True)
class Said:
    """What one page says of a state or a failure, and what it offers to press or to follow.

    ``label`` is what stands above the sentence; ``code`` is the state's or the failure's, where one is told.
    """

    code: str
    label: str = ""
    sentence: str = ""
    next_step: str = ""
    offers: tuple[str, ...] = ()
    is_tried_again: bool = False


class Reader:
    """A person who is signed in and opens pages over HTTP."""

    def __init__(self, port: int, user: User) -> None:
        self._port = port
        client = Client()
        client.force_login(user)
        self.cookie = client.cookies[settings.SESSION_COOKIE_NAME].value

    def open(self, path: str) -> Element:
        """Return the main part of a page."""
        status, _location, html = self._ask("GET", path)
        assert status == HTTPStatus.OK, (path, status)
        return parse_html(re.sub(r"(?s).*(<main\b.*?</main>).*", r"\1", html))

    def press(self, path: str, **fields: str) -> str:
        """Send a form; return where it leads."""
        status, location, _html = self._ask("POST", path, urlencode({"csrfmiddlewaretoken": _CSRF} | fields))
        assert status == HTTPStatus.FOUND, (path, status)
        return location

    def follow(self, path: str) -> str:
        """Open an address that leads elsewhere; return where."""
        status, location, _html = self._ask("GET", path)
        assert status == HTTPStatus.FOUND, (path, status)
        return location

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        cookies = {settings.SESSION_COOKIE_NAME: self.cookie, settings.CSRF_COOKIE_NAME: _CSRF}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()
        finally:
            connection.close()


def status(slug: str) -> dict[str, Any]:
    """Return what the command says of a server."""
    printed = io.StringIO()
    call_command("license_sync", slug, "status", "--json", stdout=printed)
    said: dict[str, Any] = json.loads(printed.getvalue())
    return said


def nodes(root: Element, wanted: Callable[[Element], bool]) -> Iterator[Element]:
    """Yield the elements in an element that are wanted, outermost first."""
    for child in root.children:
        if isinstance(child, Element):
            if wanted(child):
                yield child
            yield from nodes(child, wanted)


def attribute(element: Element, name: str) -> str:
    return next((str(value) for key, value in element.attributes if key == name), "")


def of_class(root: Element, name: str) -> list[Element]:
    return list(nodes(root, lambda element: name in attribute(element, "class").split()))


def named(root: Element, *names: str) -> list[Element]:
    return list(nodes(root, lambda element: element.name in names))


def words(element: Element) -> str:
    """Return the text of an element, as one line; what only scripts show is left out."""
    if "WithScript" in attribute(element, "class").split():
        return ""
    parts = [words(child) if isinstance(child, Element) else str(child) for child in element.children]
    return re.sub(r" ([.,;:])", r"\1", re.sub(r"\s+", " ", " ".join(parts)).strip())


def offers(root: Element) -> tuple[str, ...]:
    """Return the words on the buttons and links of a part of a page, each once."""
    return tuple(dict.fromkeys(words(each) for each in named(root, "button", "a")))
