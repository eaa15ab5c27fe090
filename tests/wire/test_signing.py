"""Signatures: every verifier takes one type and one algorithm, and the key that it is given."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from wire import signing
from wire.messages import Account, Manifest
from wire.signing import ClockSkew, KeyInvalid, SignatureInvalid

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = Account(slug="octo", name="Octo", kind="enterprise")
TYP = "test+jwt"
APP_KEY = signing.new_app_key()
OTHER_APP_KEY = signing.new_app_key()
KEY = signing.new_identity_key()
OTHER_KEY = signing.new_identity_key()


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed() -> str:
    return signing.sign(ACCOUNT, typ=TYP, key=KEY)


def test_verify_gives_back_what_was_signed() -> None:
    assert signing.verify(signed(), Account, typ=TYP, key=KEY.public_key()) == ACCOUNT


def test_sign_names_its_key() -> None:
    token = signing.sign(ACCOUNT, typ=TYP, key=KEY, kid="k1")

    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": "k1", "typ": TYP}


PAYLOAD = msgspec.json.encode(ACCOUNT)
PUBLIC_PEM = signing.public_text(KEY.public_key())
HEADER, BODY, SIGNATURE = signed().split(".")

FORGED = {
    "another key": signing.sign(ACCOUNT, typ=TYP, key=OTHER_KEY),
    "another type": signing.sign(ACCOUNT, typ="other+jwt", key=KEY),
    "no type": jwt.PyJWS().encode(PAYLOAD, KEY, "EdDSA", {"typ": ""}),
    "alg none": f"{segment({'alg': 'none', 'typ': TYP})}.{segment(PAYLOAD)}.",
    "HS256 with the public key": jwt.PyJWS().encode(PAYLOAD, "x" + PUBLIC_PEM, "HS256", {"typ": TYP}),
    "RS256 with a key of its own": jwt.PyJWS().encode(PAYLOAD, APP_KEY, "RS256", {"typ": TYP}),
    "ES256 with a key of its own": jwt.PyJWS().encode(
        PAYLOAD, ec.generate_private_key(ec.SECP256R1()), "ES256", {"typ": TYP}
    ),
    "key in the header": jwt.PyJWS().encode(
        PAYLOAD, OTHER_KEY, "EdDSA", {"typ": TYP, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": PUBLIC_PEM}}
    ),
    "other payload": f"{HEADER}.{segment({'slug': 'evil', 'name': 'E', 'kind': 'enterprise'})}.{SIGNATURE}",
    "other shape": jwt.PyJWS().encode(b"[]", KEY, "EdDSA", {"typ": TYP}),
    "detached payload": f"{HEADER}..{SIGNATURE}",
    "unknown critical header": jwt.PyJWS().encode(PAYLOAD, KEY, "EdDSA", {"typ": TYP, "crit": ["x"], "x": 1}),
    "no signature": f"{HEADER}.{BODY}.",
    "two segments": f"{HEADER}.{BODY}",
    "nested without end": f"{segment(b'[' * 5000)}.{BODY}.{SIGNATURE}",
    "not ASCII": "é.é.é",
    "nothing": "",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_verify_refuses(token: str) -> None:
    with pytest.raises(SignatureInvalid):
        signing.verify(token, Account, typ=TYP, key=KEY.public_key())


def manifest(**changes: object) -> Manifest:
    fields: dict[str, object] = {
        "server_id": "3f1c2a9e-0000-4000-8000-000000000001",
        "hostname": "ghes.octo.example",
        "version": "3.19.1",
        "http_only": False,
        "callback": "https://ghes.octo.example/enterprises/octo/settings/dotcom_connection/complete",
        "audience": "https://cloud.example",
        "app_key": signing.public_pem(APP_KEY.public_key()),
        "server_key": signing.public_text(KEY.public_key()),
        "issued_at": NOW,
    }
    return msgspec.convert(fields | changes, Manifest)


def test_manifest_is_read_with_the_key_that_it_names() -> None:
    token = signing.sign(manifest(), typ=signing.MANIFEST, key=KEY)

    assert signing.read_manifest(token) == manifest()


BAD_MANIFESTS = {
    "signed by another key": signing.sign(manifest(), typ=signing.MANIFEST, key=OTHER_KEY),
    "a receipt": signing.sign(manifest(), typ=signing.RECEIPT, key=KEY),
    "no key": signing.sign(manifest(server_key="none"), typ=signing.MANIFEST, key=KEY),
    "not a manifest": signing.sign(ACCOUNT, typ=signing.MANIFEST, key=KEY),
    "no token": "manifest",
    "nested without end": ".".join([HEADER, segment(b'{"x":' + b"[" * 200_000), SIGNATURE]),
}


@pytest.mark.parametrize("token", BAD_MANIFESTS.values(), ids=BAD_MANIFESTS.keys())
def test_read_manifest_refuses(token: str) -> None:
    with pytest.raises(SignatureInvalid):
        signing.read_manifest(token)


def test_app_jwt_is_accepted() -> None:
    token = signing.app_jwt(42, key=APP_KEY, at=NOW)

    signing.verify_app_jwt(token, key=APP_KEY.public_key(), at=NOW)

    assert signing.app_jwt_issuer(token) == "42"


@pytest.mark.parametrize("minutes", [-1, 1, 9, 10])
def test_app_jwt_is_accepted_within_its_life_and_a_minute(minutes: int) -> None:
    token = signing.app_jwt(42, key=APP_KEY, at=NOW)

    signing.verify_app_jwt(token, key=APP_KEY.public_key(), at=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("minutes", [-2, 11, 60])
def test_app_jwt_of_another_time_tells_about_clocks(minutes: int) -> None:
    token = signing.app_jwt(42, key=APP_KEY, at=NOW)

    with pytest.raises(ClockSkew):
        signing.verify_app_jwt(token, key=APP_KEY.public_key(), at=NOW + timedelta(minutes=minutes))


def claims(**changes: object) -> dict[str, object]:
    times = {"iat": NOW.timestamp(), "exp": (NOW + timedelta(minutes=9)).timestamp()}
    return {"iss": "42"} | times | changes


BAD_APP_JWTS = {
    "another key": jwt.encode(claims(), OTHER_APP_KEY, "RS256"),
    "another algorithm": jwt.encode(claims(), APP_KEY, "RS512"),
    "PSS": jwt.encode(claims(), APP_KEY, "PS256"),
    "alg none": f"{segment({'alg': 'none', 'typ': 'JWT'})}.{segment(claims())}.",
    "HS256": jwt.encode(claims(), "s" * 64, "HS256"),
    "a manifest's type": jwt.encode(claims(), APP_KEY, "RS256", {"typ": signing.MANIFEST}),
    "an hour long": jwt.encode(claims(exp=(NOW + timedelta(hours=1)).timestamp()), APP_KEY, "RS256"),
    "times that compare with nothing": jwt.encode(claims(iat=float("nan"), exp=float("nan")), APP_KEY, "RS256"),
    "times as text": jwt.encode(claims(iat="0", exp="inf"), APP_KEY, "RS256"),
    "no times": jwt.encode({"iss": "42"}, APP_KEY, "RS256"),
    "no JWT": "42",
}


@pytest.mark.parametrize("token", BAD_APP_JWTS.values(), ids=BAD_APP_JWTS.keys())
def test_verify_app_jwt_refuses(token: str) -> None:
    with pytest.raises(SignatureInvalid) as refusal:
        signing.verify_app_jwt(token, key=APP_KEY.public_key(), at=NOW)

    assert not isinstance(refusal.value, ClockSkew)


def test_app_jwt_with_a_forged_signature_says_nothing_about_clocks() -> None:
    token = signing.app_jwt(42, key=OTHER_APP_KEY, at=NOW)

    with pytest.raises(SignatureInvalid) as refusal:
        signing.verify_app_jwt(token, key=APP_KEY.public_key(), at=NOW + timedelta(hours=2))

    assert not isinstance(refusal.value, ClockSkew)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", f"{segment({'alg': 'RS256'})}.{segment([])}.x"])
def test_app_jwt_issuer_refuses_what_is_no_jwt(token: str) -> None:
    with pytest.raises(SignatureInvalid):
        signing.app_jwt_issuer(token)


def test_keys_come_back_from_their_texts() -> None:
    app, identity = (
        signing.load_app_key(signing.private_pem(APP_KEY)),
        signing.load_identity_key(signing.private_pem(KEY)),
    )

    assert signing.public_pem(app.public_key()) == signing.public_pem(APP_KEY.public_key())
    assert signing.read_public_key(signing.public_text(identity.public_key())) == KEY.public_key()


def test_keys_of_the_other_kind_are_refused() -> None:
    with pytest.raises(KeyInvalid):
        signing.load_app_key(signing.private_pem(KEY))
    with pytest.raises(KeyInvalid):
        signing.load_identity_key(signing.private_pem(APP_KEY))


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "é" * 43, "+" * 43, "B" * 43])
def test_read_public_key_refuses(text: str) -> None:
    with pytest.raises(KeyInvalid):
        signing.read_public_key(text)


def test_read_app_key_refuses_small_and_foreign_keys() -> None:
    small = rsa.generate_private_key(public_exponent=65_537, key_size=1024).public_key()  # noqa: S505 (refused below)
    unusual = rsa.generate_private_key(public_exponent=3, key_size=2048).public_key()

    for pem in (signing.public_pem(small), signing.public_pem(unusual), "-----BEGIN PUBLIC KEY-----", ""):
        with pytest.raises(KeyInvalid):
            signing.read_app_key(pem)


def test_fingerprint_is_what_people_compare() -> None:
    fingerprint = signing.fingerprint(signing.public_text(KEY.public_key()))

    assert [len(group) for group in fingerprint.split(" ")] == [4] * 16
