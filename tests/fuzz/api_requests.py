"""Bent requests to the API: one function for each kind of thing that comes in from outside."""

from __future__ import annotations

import base64
import json
import random
import struct
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import zstandard
from django.utils import timezone

from tests.fuzz.mutator import bent_bytes, bent_fields, bent_json, bent_text, bent_value, odd_value, sometimes
from tests.fuzz.target import FRESH_SYNC_ID, SYNC_ID, SYNCS, Sent, Target, opening_of
from wire import signing
from wire.parts import content_digest, pack

DIRECT = "/api/v3/enterprises/octo/enterprise-installations"
SEGMENT = "ABCDEFGHabcdefgh0123456789-_"


def opening(target: Target, chance: random.Random) -> Sent:
    """Of a sync."""
    return by_server(target, "POST", SYNCS, bent_json(opening_of(target, chance), chance))


def part(target: Target, chance: random.Random) -> Sent:
    """Of a sync: bent lines, bent frames, wrong digests, numbers and ids."""
    lines = sometimes(bent_lines, chance.choice(target.lines), chance, 0.6)
    body = sometimes(bent_frame, pack(lines), chance, 0.5)
    number = str(sometimes(bent_text, "2", chance, 0.15))
    sync_id = str(sometimes(bent_text, SYNC_ID, chance, 0.1))
    digest = str(sometimes(bent_text, content_digest(body), chance, 0.15))
    path = f"{SYNCS}/{quote_odd(sync_id)}/parts/{quote_odd(number)}"
    return by_server(target, "PUT", path, body, {"Content-Digest": header_text(digest)})


def commit(target: Target, chance: random.Random) -> Sent:
    """And where a sync stands. One with missing parts is answered, not refused."""
    sync_id = bent_text(chance.choice((SYNC_ID, FRESH_SYNC_ID)), chance) if chance.random() < 0.8 else SYNC_ID
    method = chance.choice(("POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
    tail = str(sometimes(bent_text, "/commit", chance, 0.3))
    return by_server(target, method, f"{SYNCS}/{quote_odd(sync_id)}{quote_odd(tail, '/')}", bent_json({}, chance))


def record(target: Target, chance: random.Random) -> Sent:
    """The connection record."""
    valid = {
        "server_id": target.server.server_id, "hostname": "ghes1.octo.example", "http_only": False, "version": "3.19",
        "license_public_key": "k", "license_hash": "h", "customer_name": "Octo", "dormancy_threshold_days": 90,
        "features": [{"name": "license_sync", "enabled_at": "2026-03-02T09:30:00Z"}], "dormant_users": 0,
        "license_consuming_seats": 2,
    }  # fmt: skip
    return by_server(target, "PUT", "/api/v3/enterprise-installation/connection", bent_json(valid, chance))


def manifest(target: Target, chance: random.Random) -> Sent:
    """What a server asks to be connected with, and its proof, by an owner's token."""
    body = {
        "manifest": sometimes(bent_text, bent_manifest(target, chance), chance, 0.3),
        "proof": sometimes(bent_text, target.proof, chance, 0.2),
    }
    headers = {"Authorization": f"Bearer {target.owner_token}"}
    if chance.random() < 0.2:
        return Sent("POST", DIRECT, bent_json(body, chance), headers=headers)
    return Sent("POST", DIRECT, json.dumps(body).encode(), headers=headers)


def next_key(target: Target, chance: random.Random) -> Sent:
    """The App key that shall follow, and its proof."""
    valid = {"app_key": target.manifest["app_key"], "proof": target.app_jwt}
    field = chance.choice(list(valid))
    bent = sometimes(bent_text, valid[field], chance, 0.7)
    headers = {"Authorization": f"Bearer {target.app_jwt}"}
    return Sent("PUT", "/api/v3/app/key", sometimes_json(valid | {field: bent}, chance), headers=headers)


def conversion(_target: Target, chance: random.Random) -> Sent:
    """Of a code that nobody gave, with something like a proof."""
    code = bent_text("lss_" + "A" * 43, chance)
    headers = {"Authorization": header_text(f"Bearer {bent_text(junk_token(chance), chance)}")}
    return Sent("POST", f"/api/v3/app-manifests/{quote_odd(code)}/conversions", bent_json({}, chance), headers=headers)


def app_jwt(target: Target, chance: random.Random) -> Sent:
    """A JWT with bent claims under a true signature, with a bent head, or with bent bytes."""
    now = int(timezone.now().timestamp())
    claims = {"iss": str(target.installation_id), "iat": now, "exp": now + 60, "aud": "x"}
    match chance.randrange(3):
        case 0:
            bent = bent_value(claims, chance)
            payload = json.dumps(bent).encode()
            token = jwt.PyJWS().encode(payload, target.server.key, "RS256", {"typ": "JWT"})
        case 1:
            header = bent_value({"alg": chance.choice(("RS256", "none", "HS256", "EdDSA")), "typ": "JWT"}, chance)
            token = ".".join((segment(header), segment(claims), "A" * chance.choice((0, 4, 342))))
        case _:
            token = bent_text(target.app_jwt, chance)
    return presenting(chance.choice(("Bearer ", "bearer  ", "token ")) + token, chance)


def secret_token(target: Target, chance: random.Random) -> Sent:
    """An installation's or a person's token, not quite."""
    secret = bent_text(chance.choice((target.server_token, target.owner_token)), chance)
    scheme = chance.choice(("token ", "Bearer ", "Basic ", "", "token\t", "TOKEN   "))
    return presenting(scheme + secret, chance)


def query(target: Target, chance: random.Random) -> Sent:
    """Of the reports."""
    fields = bent_fields({"page": "1", "per_page": "30", "q": "x"}, chance)
    slug = quote_odd(str(sometimes(bent_text, "octo", chance, 0.2)))
    what = chance.choice(("consumed-licenses", "license-sync-status"))
    path = f"/api/v3/enterprises/{slug}/{what}?{urlencode(fields, errors='replace')}"
    return Sent("GET", path, headers={"Authorization": f"Bearer {target.owner_token}"})


def sometimes_json(valid: dict[str, Any], chance: random.Random) -> bytes:
    return bent_json(valid, chance) if chance.random() < 0.4 else json.dumps(valid).encode()


def by_server(target: Target, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> Sent:
    return Sent(method, path, body, headers={"Authorization": f"token {target.server_token}"} | (headers or {}))


def presenting(credential: str, chance: random.Random) -> Sent:
    path = chance.choice(
        ("/app", "/app/installations", "/app/installations/1", "/enterprise-installation/license-syncs/x",
         "/enterprises/octo/consumed-licenses")
    )  # fmt: skip
    return Sent("GET", f"/api/v3{path}", headers={"Authorization": header_text(credential)})


def bent_manifest(target: Target, chance: random.Random, share: float = 0.95) -> str:
    """Bent fields under a true signature, one of another type, or a JWS of odd parts."""
    if chance.random() < 0.1:
        return junk_token(chance)
    document = sometimes(bent_value, target.manifest, chance, share)
    typ = signing.RECEIPT if chance.random() < 0.05 else signing.MANIFEST
    return jwt.PyJWS().encode(json.dumps(document).encode(), target.server.identity, "EdDSA", {"typ": typ})


def bent_lines(lines: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return bent_bytes(lines, chance)
    return bent_json(json.loads(lines), chance) + chance.choice((b"\n", b"", b"\n\n", b"\r\n"))


def bent_frame(frame: bytes, chance: random.Random) -> bytes:
    """Frames that promise too much, too little or nothing, that follow each other, or need what is not there."""
    match chance.randrange(7):
        case 0:
            return frame + chance.choice((frame, b"\0", zstandard.compress(b""), b"\x50\x2a\x4d\x18\4\0\0\0skip"))
        case 1:
            return bomb(chance.choice((1 << 20, (16 << 20) + 1)))
        case 2:
            # The header alone: a window and a size, and nothing that keeps the promise.
            return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", chance.choice((1, 1 << 24, 1 << 62, (1 << 64) - 1)))
        case 3:
            dictionary = zstandard.ZstdCompressionDict(b"user_id emails octo.example " * 40)
            return zstandard.ZstdCompressor(dict_data=dictionary).compress(b'{"user_id":7,"emails":[]}\n')
        case 4:
            return zstandard.ZstdCompressor(write_content_size=False).compress(b'{"user_id":7,"emails":[]}\n')
        case 5:
            return chance.choice((b"", b"\x1f\x8b\x08\0", b"PK\3\4", b'{"user_id":7,"emails":[]}\n'))
        case _:
            return bent_bytes(frame, chance)


def bomb(size: int) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=True).compress(bytes(size))


def segment(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def junk_token(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return ".".join(segment(odd_value(chance)) for _each in range(3))
    return ".".join(
        "".join(chance.choices(SEGMENT, k=chance.randrange(60))) for _each in range(chance.choice((1, 3, 5)))
    )


def header_text(text: str) -> str:
    """As it stands in a header: what a server of HTTP hands on is Latin-1, and without line breaks and NUL."""
    return text.encode("utf-8", "replace").decode("latin-1").translate(dict.fromkeys((0, 10, 13)))


def quote_odd(text: str, safe: str = "") -> str:
    return quote(text, safe=safe, errors="replace")
