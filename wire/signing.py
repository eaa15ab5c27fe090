"""Sign and verify what travels: every verifier accepts one ``typ`` and one algorithm.

The key is always chosen by the caller (from the installation or the pinned keys), never by the
token. App JWTs are RS256 as on GitHub; manifests, receipts and usage files are Ed25519.
"""

import base64
import binascii
import hashlib
import math
from datetime import datetime, timedelta
from typing import Final

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wire.messages import Manifest, MessageT, read_message

MANIFEST: Final = "licensesync-manifest+jwt"
RECEIPT: Final = "licensesync-receipt+jwt"
USAGE: Final = "licensesync-usage+jwt"
RECEIPT_KEY: Final = "licensesync-receipt-key+jwt"
STATEMENT: Final = "licensesync-statement+jwt"

APP_JWT_LEEWAY = timedelta(seconds=60)
APP_JWT_LIFETIME = timedelta(minutes=9)
_APP_JWT_MAX_LIFETIME = timedelta(minutes=10)
_RSA_BITS = (2048, 4096)
_RSA_EXPONENT = 65_537


class SignatureInvalid(ValueError):
    """A token is not what it should be: type, algorithm, signature or content."""


class KeyInvalid(ValueError):
    """A received public key is none of the kind that is asked for."""


class ClockSkew(SignatureInvalid):
    """An App JWT whose times lie in the future, or in the past, by this end's clock."""


def sign(payload: msgspec.Struct, *, typ: str, key: Ed25519PrivateKey, kid: str = "") -> str:
    """Return ``payload`` as a compact JWS (EdDSA) of the given type."""
    headers = {"typ": typ} | ({"kid": kid} if kid else {})
    return jwt.PyJWS().encode(msgspec.json.encode(payload), key, "EdDSA", headers)


def verify(token: str, kind: type[MessageT], *, typ: str, key: Ed25519PublicKey) -> MessageT:
    """Return the payload of a compact JWS that ``key`` signed.

    :raises SignatureInvalid: anything about it is wrong.
    """
    try:
        verified = jwt.PyJWS().decode_complete(token, key, algorithms=["EdDSA"])
        if verified["header"].get("typ") != typ:
            raise SignatureInvalid("the token is of another type")
        return read_message(verified["payload"], kind)
    except (jwt.InvalidTokenError, ValueError) as error:
        if isinstance(error, SignatureInvalid):
            raise
        raise SignatureInvalid("the token cannot be verified") from error


def kid_of(token: str) -> str:
    """Return the key id that a token claims; it says nothing about who signed it.

    :raises SignatureInvalid: it is no JWS
    """
    try:
        return str(jwt.get_unverified_header(token).get("kid", ""))
    except (jwt.InvalidTokenError, ValueError) as error:
        raise SignatureInvalid("not a JWS") from error


def read_manifest(token: str) -> Manifest:
    """Return a server's manifest, verified with the identity key that it names.

    That proves possession of the key; whether it is the key of the server one knows is for the
    caller to compare.

    :raises SignatureInvalid: anything about it is wrong.
    """
    try:
        unverified = jwt.PyJWS().decode_complete(token, options={"verify_signature": False})
        claimed = read_message(unverified["payload"], Manifest)
        key = read_public_key(claimed.server_key)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise SignatureInvalid("the manifest cannot be read") from error
    return verify(token, Manifest, typ=MANIFEST, key=key)


def app_jwt(issuer: int | str, *, key: rsa.RSAPrivateKey, at: datetime) -> str:
    """Return the JWT (RS256) with which an App proves who it is, as on GitHub.

    The issuer is the App id; before there is one, at a conversion, it is the server id.
    """
    claims = {"iss": str(issuer), "iat": at, "exp": at + APP_JWT_LIFETIME}
    return jwt.encode(claims, key, "RS256")


def app_jwt_issuer(token: str) -> str:
    """Return the App id that an App JWT claims; only good for choosing the key.

    :raises SignatureInvalid: it is no JWT, or names no App.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError) as error:
        raise SignatureInvalid("not a JWT") from error
    return str(claims.get("iss", ""))


def verify_app_jwt(token: str, *, key: rsa.RSAPublicKey, at: datetime) -> None:
    """Accept an App JWT of ``key`` that is valid ``at`` this time, give or take a minute.

    :raises ClockSkew: signed by the key, but for another time.
    :raises SignatureInvalid: anything else about it is wrong.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        if jwt.get_unverified_header(token).get("typ", "JWT") != "JWT":
            raise SignatureInvalid("the token is of another type")
        issued, expires = _finite(claims["iat"]), _finite(claims["exp"])
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, SignatureInvalid):
            raise
        raise SignatureInvalid("the JWT cannot be verified") from error
    now, leeway = at.timestamp(), APP_JWT_LEEWAY.total_seconds()
    if expires - issued > _APP_JWT_MAX_LIFETIME.total_seconds() + leeway:
        raise SignatureInvalid("the JWT lives longer than ten minutes")
    if issued > now + leeway or expires < now - leeway:
        raise ClockSkew("the JWT is for another time; compare the clocks of both hosts")


def _finite(claim: object) -> float:
    """Return a time claim; NaN, which compares as neither late nor early, is none."""
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim):
        raise SignatureInvalid("a time of the JWT is no number")
    return float(claim)


def new_identity_key() -> Ed25519PrivateKey:
    """Return a new Ed25519 key."""
    return Ed25519PrivateKey.generate()


def new_app_key() -> rsa.RSAPrivateKey:
    """Return a new RSA key for an App; takes about 0.1 s."""
    return rsa.generate_private_key(public_exponent=_RSA_EXPONENT, key_size=_RSA_BITS[0])


def private_pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    """Return a private key as PKCS #8 PEM, to be encrypted at rest."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode("ascii")


def load_identity_key(pem: str) -> Ed25519PrivateKey:
    """Return the Ed25519 key of a PEM that this product wrote."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyInvalid("not an Ed25519 private key")
    return key


def load_app_key(pem: str) -> rsa.RSAPrivateKey:
    """Return the RSA key of a PEM that this product wrote."""
    # It was stored by us under authenticated encryption; checking its numbers again takes 0.1 s each time.
    key = serialization.load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyInvalid("not an RSA private key")
    return key


def public_text(key: Ed25519PublicKey) -> str:
    """Return an Ed25519 public key as it travels: 43 characters of base64url."""
    return base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode("ascii")


def read_public_key(text: str) -> Ed25519PublicKey:
    """Return the Ed25519 public key of its travelling form.

    :raises KeyInvalid: it is none.
    """
    try:
        raw = base64.b64decode(f"{text}=", altchars=b"-_", validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw)
    except (binascii.Error, ValueError) as error:
        raise KeyInvalid("not an Ed25519 public key") from error
    if public_text(key) != text:
        # Keys are compared as text, so each has one spelling only.
        raise KeyInvalid("not the canonical text of an Ed25519 public key")
    return key


def public_pem(key: rsa.RSAPublicKey) -> str:
    """Return an RSA public key as SubjectPublicKeyInfo PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def read_app_key(pem: str) -> rsa.RSAPublicKey:
    """Return the RSA public key of a received PEM: 2048 to 4096 bits, exponent 65537.

    :raises KeyInvalid: it is none of that kind.
    """
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (UnsupportedAlgorithm, ValueError) as error:
        raise KeyInvalid("not a public key") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyInvalid("not an RSA public key")
    low, high = _RSA_BITS
    if not low <= key.key_size <= high or key.public_numbers().e != _RSA_EXPONENT:
        raise KeyInvalid("the RSA key must have 2048 to 4096 bits and the exponent 65537")
    return key


def fingerprint(public_key: str) -> str:
    """Return what people compare: SHA-256 of a public key's text, in groups of four digits."""
    digest = hashlib.sha256(public_key.encode()).hexdigest()
    return " ".join(digest[start : start + 4] for start in range(0, 64, 4))


def is_fingerprint(text: str, public_key: str) -> bool:
    """Whether somebody wrote the fingerprint of this key: with or without its blanks, in colons or in capitals."""
    return _digits(text) == _digits(fingerprint(public_key))


def _digits(text: str) -> str:
    return "".join(text.split()).replace(":", "").lower()
