"""What is larger than any import is not taken apart, nor is a file of who is not signed in: it costs time and disk."""

import io
from typing import Any

from django.test import Client

from enterprises.models import User
from enterprises.uploads import MAX_REQUEST_BYTES

HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'


class _Endless(io.RawIOBase):
    """A body of as many bytes as somebody asks for, which counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.handed_out = 0

    def read(self, size: int = -1, /) -> bytes:
        head = b"" if self.handed_out else HEAD
        self.handed_out += size
        return head.ljust(size, b"x")


def _post(client: Client, stated: int) -> tuple[int, int]:
    """Status, and how much of the body was read; from a browser that holds the page's cookie, signed in or not."""
    client.get("/account/sign-in")
    body = _Endless()
    sent: dict[str, Any] = {
        "CONTENT_TYPE": "multipart/form-data; boundary=b",
        "CONTENT_LENGTH": str(stated),
        "wsgi.input": body,
    }
    response = client.generic("POST", "/account/sign-in", **sent)
    return response.status_code, body.handed_out


def test_body_beyond_every_import_is_refused_unread(db: None) -> None:
    assert _post(Client(enforce_csrf_checks=True), MAX_REQUEST_BYTES + 1) == (413, 0)


def test_smaller_body_is_read(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    client.get("/account/preferences")

    status, handed_out = _post(client, 5_000_000)

    assert status == 403
    assert handed_out >= 5_000_000


def test_file_of_a_stranger_is_not_taken_in(db: None) -> None:
    status, handed_out = _post(Client(enforce_csrf_checks=True), 5_000_000)

    assert status == 403
    assert handed_out < 200_000
