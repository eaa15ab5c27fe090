"""Bent requests to pages, and whatever of a request is not its body: headers, cookies, addresses."""

from __future__ import annotations

import json
import random
from urllib.parse import quote, urlencode

from django.conf import settings

from tests.cloud.books import member
from tests.fuzz.api_requests import bent_manifest, header_text
from tests.fuzz.mutator import ODD_BYTES, ODD_TEXTS, bent_bytes, bent_fields, bent_json, bent_text, sometimes
from tests.fuzz.target import CSRF, FORM, SYNCS, Sent, Target
from tests.licensesync.world import account

PAGES = (
    "", "setup", "account/sign-in", "account/preferences", "enterprises/octo/licensing", "enterprises/octo/people",
    "enterprises/octo/licensing/report.csv", "enterprises/octo/licensing/history.csv",
    "enterprises/octo-server/settings/license/sent", "healthz",
    "enterprises/octo-server/settings/dotcom_connection", "enterprises/octo-server/settings/license",
    "enterprises/octo-server/settings/seats", "enterprises/octo/settings/members",
    "enterprises/octo/settings/domains/octo.example", "enterprises/octo/settings/domains", "api/v3/app", "app",
    "enterprises/octo/licensing/duplicates", "enterprises/octo/licensing/savings", "enterprises/octo/licensing/changes",
    "enterprises/octo/licensing/changes/1", "enterprises/octo/people/people.csv", "enterprises/octo/settings/addresses",
    "account/tokens", "api/docs",
)  # fmt: skip
QUERY = {
    "page": "1",
    "q": "mona",
    "which": "all",
    "state": "open",
    "deployment": "both",
    "server": "ghes1.octo.example",
    "domain": "octo.example",
    "sort": "-since",
    "kind": "secondary",
    "assigned": "bill",
    "from": "2026-01-01",
    "to": "1",
    "reason": "joined",
    "before": "1.97.5",
    "code": "c",
    "next": "/",
    "partial": "on",
}
HEADERS = {
    "Content-Type": ("text/plain", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300,
                     "a/b; charset=utf-7", "application/json; charset=nonsense", "\xff", ""),
    "Content-Encoding": ("gzip", "zstd", "br, gzip", "x" * 500),
    "Content-Length": ("-1", "0", "1e3", "99999999999999999999", "x", "\xb2", "5, 5", " 7"),
    "Transfer-Encoding": ("chunked", "gzip, chunked", "x"),
    "Host": ("", "x", "localhost:99999", "localhost:x", "a" * 300, "[::1", "[::1]:80", "evil.example",
             "LOCALHOST", "\xe9", "localhost,evil.example", "127.0.0.1:80@evil.example"),
    "X-Forwarded-For": ("1.2.3.4", "x", "::1, 1.2.3.4", ", ," * 100),
    "X-Forwarded-Host": ("evil.example", "\xff", "localhost"),
    "X-Forwarded-Proto": ("https", "javascript", ""),
    "X-Forwarded-Port": ("443", "-1", "x"),
    "Forwarded": ("for=1.2.3.4;host=evil.example;proto=https",),
    "Range": ("bytes=0-", "bytes=-1", "bytes=9-1", "bytes=" + "0-1," * 500, "x=1-2", "bytes=\xb2-"),
    "If-None-Match": ('"x"', "*", 'W/"' + "x" * 5000, '"'),
    "If-Match": ("*", '"x"'),
    "If-Modified-Since": ("Mon, 02 Mar 2026 09:30:00 GMT", "x", "Mon, 99 Mar 0000 99:99:99 GMT", "9" * 400),
    "If-Unmodified-Since": ("Thu, 01 Jan 1970 00:00:00 GMT",),
    "Accept-Language": ("fr;q=1e9", "x" * 600, "-" * 400, "a-" * 300, "en;q=\xb2", "*, *;q=0", "fr" + ",fr" * 900),
    "Accept-Encoding": ("gzip;q=x", "*", "br" * 500),
    "Origin": ("null", "https://evil.example", "http://[", "x"),
    "Referer": ("http://[", "https://evil.example/\xff", "x" * 8000),
    "X-HTTP-Method-Override": ("DELETE",),
    "Authorization": ("Basic " + "x" * 6000, "Bearer", "Digest \xff", "token " + "\xe9" * 50),
    "Content-Digest": ("sha-256=:x:", "sha-256=" + ":" * 3000, "md5=:eA==:"),
    "User-Agent": ("\xff" * 100, "x" * 8000),
    "HX-Request": ("true", "\xff"),
    "Expect": ("100-continue", "x"),
}  # fmt: skip
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("account/sign-in", {"login": "olivia", "password": "wrong", "next": "/"}),
    ("account/link", {"secret": "lss_" + "A" * 43}),
    ("account/language", {"language": "fr", "next": "/account/preferences"}),
    ("account/theme", {"theme": "dark", "next": "/"}),
    ("account/preferences", {"language": "fr", "theme": "auto", "time_zone": "Europe/Paris"}),
    ("account/password", {"oldpassword": "x", "password1": "y", "password2": "y"}),
    ("enterprises/octo/settings/domains/new", {"domain": "stra\u00dfe.example", "confirmed": "on"}),
    ("enterprises/octo/licensing/seats", {"seats_purchased": "20"}),
    ("enterprises/octo/licensing/duplicates/decide",
     {"do": "assign", "entry": "1", "assignee": "bill", "reason": "different", "fix": "1", "query": "?state=open"}),
    ("enterprises/octo/settings/addresses", {"managed_users": "on"}),
    ("account/tokens", {"name": "ci", "scope": "read:enterprise", "days": "30"}),
    ("enterprises/octo-server/settings/license/edit",
     {"customer": "Octo", "kind": "standard", "seats": "10", "expires_on": "2027-01-01"}),
    ("enterprises/octo-server/settings/seats/source",
     {"kind": "ghes", "base_url": "https://ghes.octo.example", "user_name": "a", "token": "b", "path": "c.csv"}),
    ("enterprises/octo-server/settings/seats/refresh", {"allow_shrink": "on"}),
    ("enterprises/octo-server/settings/license/sync", {"allow_shrink": "on"}),
    ("enterprises/octo-server/settings/license/sync/cancel", {"job": "1"}),
    ("enterprises/octo-server/settings/dotcom_connection/enable", {"cloud_url": "http://localhost:8000"}),
    ("enterprises/octo-server/settings/dotcom_connection/license_sync", {"license_sync": "enabled"}),
)  # fmt: skip


def header(target: Target, chance: random.Random) -> Sent:
    """One to three odd headers beside a request that is otherwise in order."""
    names = chance.sample(list(HEADERS), chance.randint(1, 3))
    headers = {name: header_text(chance.choice(HEADERS[name])) for name in names}
    if chance.random() < 0.4:
        headers = {"Authorization": f"token {target.server_token}"} | headers
        return Sent("POST", SYNCS, json.dumps(target.opening).encode(), headers=headers)
    path = chance.choice(PAGES)
    method = chance.choice(("GET", "GET", "HEAD", "POST", "OPTIONS", "TRACE", "PUT"))
    body = urlencode({"csrfmiddlewaretoken": CSRF}).encode() if method == "POST" else b""
    return Sent(method, f"/{path}", body, FORM, headers, is_signed_in=chance.random() < 0.5)


def cookie(_target: Target, chance: random.Random) -> Sent:
    """Sessions and the other cookies, bent; quoted ones may hold what no header can."""
    names = (
        settings.SESSION_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
        settings.LANGUAGE_COOKIE_NAME,
        "messages",
        "theme",
    )
    values = [
        bent_text("a" * 32, chance),
        '"\\000\\000aaaaaaaa"',
        '"\\377' * 9,
        "fr",
        "x" * 4000,
        f'"{chance.choice(ODD_TEXTS)}"',
    ]
    jar = "; ".join(f"{chance.choice(names)}={chance.choice(values)}" for _each in range(chance.randint(1, 4)))
    method = chance.choice(("GET", "GET", "POST"))
    body = (
        urlencode({"csrfmiddlewaretoken": bent_text(CSRF, chance)}, errors="replace").encode()
        if method == "POST"
        else b""
    )
    return Sent(method, f"/{chance.choice(PAGES)}", body, FORM, extra={"HTTP_COOKIE": header_text(jar)})


def address(_target: Target, chance: random.Random) -> Sent:
    """Paths and queries of pages."""
    path = chance.choice(PAGES)
    if chance.random() < 0.4:
        path = quote(bent_text(path, chance), safe="/%", errors="replace")
    fields = bent_fields(dict(chance.sample(list(QUERY.items()), 3)), chance)
    query = urlencode(fields, errors="replace") if chance.random() < 0.9 else "%ff&%00=%&&=" + "a" * 5000
    return Sent("GET", f"/{path}?{query}", is_signed_in=True)


def form(_target: Target, chance: random.Random) -> Sent:
    """Every form that needs no file; some of them without being signed in."""
    path, fields = chance.choice(FORMS)
    body = urlencode([*bent_fields(fields, chance), ("csrfmiddlewaretoken", CSRF)], errors="replace").encode()
    if chance.random() < 0.1:
        body = bent_bytes(body, chance)
    is_signed_in = not path.startswith(("account/sign-in", "account/link"))
    return Sent("POST", f"/{path}", body, FORM, is_signed_in=is_signed_in)


def consent(target: Target, chance: random.Random) -> Sent:
    """The page between the two hosts, with what a server sends along."""
    fields = {
        "manifest": str(sometimes(bent_text, bent_manifest(target, chance), chance, 0.3)),
        "state": "s",
        "account": "octo",
    }
    bent = bent_fields(fields, chance) if chance.random() < 0.4 else list(fields.items())
    if chance.random() < 0.5:
        return Sent("GET", f"/enterprise-installations/new?{urlencode(bent, errors='replace')}", is_signed_in=True)
    body = urlencode([*bent, ("csrfmiddlewaretoken", CSRF)], errors="replace").encode()
    return Sent("POST", "/enterprise-installations/new", body, FORM, is_signed_in=True)


def seats_file(_target: Target, chance: random.Random) -> Sent:
    """An upload of seats: bent lines of either format, and bent borders between the fields."""
    csv = b"created_at,id,login,email,role,suspended?\n2026-01-01 00:00:00 UTC,7,mona,mona@octo.example,user,false\n"
    lines = bent_json(json.loads(account(7)), chance) + b"\n" + account(8) + b"\n"
    file = chance.choice((lines, bent_bytes(csv, chance), csv.replace(b"mona", chance.choice(ODD_BYTES))))
    return upload("enterprises/octo-server/settings/seats", file, chance)


def members_file(_target: Target, chance: random.Random) -> Sent:
    """An upload of members, in the same ways."""
    csv = b'github_com_login,github_com_name,github_com_member_roles\nmona,Mona,"octo:Member"\n'
    lines = bent_json(member(7, "mona"), chance) + b"\n" + json.dumps(member(8, "hubot")).encode() + b"\n"
    file = chance.choice((lines, bent_bytes(csv, chance), csv.replace(b"mona", chance.choice(ODD_BYTES))))
    return upload("enterprises/octo/settings/members", file, chance)


def upload(path: str, file: bytes, chance: random.Random) -> Sent:
    name = chance.choice(("seats.csv", "", "../../x", "x" * 300, 'a";b', "\u202ex.csv", "%00"))
    fields = b"".join(
        b'--border\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % part
        for part in (
            (b"csrfmiddlewaretoken", b"", CSRF.encode()),
            (b"taken_at", b"", chance.choice((b"", b"2026-01-01T00:00", b"x", b"9999-12-31T23:59"))),
            (b"file", b'; filename="%s"' % name.encode(), file),
        )
    )
    body = fields + b"--border--\r\n"
    body = bent_bytes(body, chance) if chance.random() < 0.2 else body
    return Sent("POST", f"/{path}", body, "multipart/form-data; boundary=border", is_signed_in=True, is_upload=True)
