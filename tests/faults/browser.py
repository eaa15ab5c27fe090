"""A person's browser without a window: cookies, forms with their hidden fields, and where it was sent."""

import http.client
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit

from tests.faults.sides import Side

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """What came back, and from where; a redirect is not followed."""

    url: str
    status: int
    text: str
    location: str

    def form_with(self, **fields: str) -> dict[str, str]:
        """Return the hidden fields of the form that has these among them."""
        forms = [dict(_HIDDEN.findall(form)) for form in _FORM.findall(self.text)]
        return next(form for form in forms if fields.items() <= form.items())


@dataclass
class Browser:
    """Signed in as one person on as many sides as ``sign_in`` was told."""

    _cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    _csrf: dict[str, str] = field(default_factory=dict)

    def sign_in(self, side: Side, url: str, username: str) -> None:
        """Be somebody on the side that answers at ``url``."""
        signed_in = side.ask("sign_in", username)
        self._cookies[urlsplit(url).netloc] = dict(signed_in["cookies"])
        self._csrf[urlsplit(url).netloc] = signed_in["csrf"]

    def get(self, url: str) -> Page:
        return self._ask("GET", url)

    def post(self, url: str, **fields: str) -> Page:
        """Send a form."""
        fields = {"csrfmiddlewaretoken": self._csrf[urlsplit(url).netloc]} | fields
        return self._ask("POST", url, urlencode(fields))

    def _ask(self, method: str, url: str, body: str | None = None) -> Page:
        parts = urlsplit(url)
        cookies = self._cookies.setdefault(parts.netloc, {})
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        try:
            connection.request(method, parts._replace(scheme="", netloc="").geturl(), body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            cookies[name] = value
        return Page(url, answer.status, text, urljoin(url, answer.headers.get("Location", "")))
