"""Whatever is thrown at the API, it answers with a refusal in its shape, never with a 500."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from cloud import handshake
from cloud.models import Installation, Intake, Ledger
from tests.cloud_api.servers import Api, FakeServer, code_of
from wire import signing
from wire.messages import Feature, Manifest

# Attempts are counted by the minute, so the tests that count stand still in one.
NOON = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)

DIRECT = "/enterprises/octo/enterprise-installations"
DEEP = b"[" * 100_000
PATHS = ["/app", "/app/installations", "/app/installations/1", "/enterprise-installation/license-syncs/x"]


def segment(data: object) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header: object, claims: object, signature: bytes = b"x" * 256) -> str:
    return f"{segment(header)}.{segment(claims)}.{segment(signature)}"


def claims_for(installation: Installation, **changes: Any) -> dict[str, Any]:
    now = int(timezone.now().timestamp())
    return {"iss": str(installation.pk), "iat": now, "exp": now + 60} | changes


def signed(server: FakeServer, claims: dict[str, Any], **headers: Any) -> str:
    return jwt.encode(claims, server.key, "RS256", headers=headers)


RS256 = {"alg": "RS256", "typ": "JWT"}


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "JWT"},
        {"alg": "None"},
        {"alg": "HS256", "typ": "JWT"},
        {"alg": "RS512", "typ": "JWT"},
        {"alg": "EdDSA", "typ": "JWT"},
        {"alg": ["RS256"]},
        {"alg": "RS256", "crit": ["b64"], "b64": False},
        {"alg": "RS256", "jwk": {}, "kid": 7},
        {},
        [],
        b"not json",
        b"\xff\xfe",
        DEEP[:3000],
    ],
)
def test_forged_header_opens_nothing(header: object, installation: Installation) -> None:
    response = Api(f"Bearer {forged(header, claims_for(installation))}").get("/app")

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


def test_unsigned_token_opens_nothing(installation: Installation) -> None:
    token = jwt.encode(claims_for(installation), "", "none")

    assert code_of(Api(f"Bearer {token}").get("/app")) == "bad_credentials"


def test_public_key_is_no_shared_secret(installation: Installation) -> None:
    """The classic: HS256 with the public key, which everybody may know, as the secret."""
    claims = segment(claims_for(installation))
    signing_input = f"{segment({'alg': 'HS256', 'typ': 'JWT'})}.{claims}".encode()
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = hmac.sign(signing_input, installation.app_key.encode())

    response = Api(f"Bearer {signing_input.decode()}.{segment(signature)}").get("/app")

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 10**400},
        {"exp": float("nan"), "iat": float("nan")},
        {"exp": float("inf")},
        {"iat": "yesterday"},
        {"iat": None},
        {"exp": True},
        {"exp": [1]},
        {"aud": "somebody else"},
        {"sub": 7},
    ],
)
def test_odd_claims_under_a_true_signature_open_nothing(
    change: dict[str, Any], server: FakeServer, installation: Installation
) -> None:
    token = signed(server, claims_for(installation, **change))

    response = Api(f"Bearer {token}").get("/app")

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


def test_token_for_a_year_opens_nothing(server: FakeServer, installation: Installation) -> None:
    far = int((timezone.now() + timedelta(days=365)).timestamp())

    token = signed(server, claims_for(installation, exp=far))

    assert code_of(Api(f"Bearer {token}").get("/app")) == "bad_credentials"


def test_token_of_another_type_opens_nothing(server: FakeServer, installation: Installation) -> None:
    token = signed(server, claims_for(installation), typ=signing.RECEIPT)

    assert code_of(Api(f"Bearer {token}").get("/app")) == "bad_credentials"


@pytest.mark.parametrize("issuer", ["", "0", "-1", "1e3", "9" * 30, "1; drop table", "\u0661", None, {}, [1], "1\x00"])
def test_odd_app_id_opens_nothing(issuer: object, server: FakeServer, installation: Installation) -> None:
    token = forged(RS256, claims_for(installation, iss=issuer))

    assert Api(f"Bearer {token}").get("/app").status_code == 401


def test_unknown_app_id_is_gone(server: FakeServer, installation: Installation) -> None:
    response = Api(f"Bearer {server.jwt(10**15)}").get("/app")

    assert (response.status_code, code_of(response)) == (404, "installation_gone")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "credential", ["x", "Bearer", "Bearer ", "Bearer a.b", "Bearer " + "a" * 7000, "token \xe9", "Bearer a\x00b.c.d"]
)
def test_odd_authorization_header_opens_nothing(credential: str, path: str, installation: Installation) -> None:
    assert Api(credential).get(path).status_code == 401


@pytest.mark.parametrize("code", ["x", "%00", "..", "%F0%9F%98%80", "a" * 5000, "%2F%2F"])
def test_odd_code_is_refused(code: str, server: FakeServer, ledger: Ledger) -> None:
    response = Api(f"Bearer {server.proof()}").post(f"/app-manifests/{code}/conversions")

    assert response.status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"nul", DEEP[:1000], b"[" * 200_000, b'{"manifest": "' + b"x" * 1000], ids=len
)
def test_malformed_json_is_a_400(body: bytes, owner_api: Api) -> None:
    response = owner_api.post(DIRECT, body)

    assert response.status_code in {400, 422}
    assert code_of(response) == "invalid_request"


@pytest.mark.parametrize("body", [[], {}, {"manifest": 1, "proof": "x"}, {"manifest": "x", "proof": "a\x00b"}, "text"])
def test_json_of_another_shape_is_a_422(body: object, owner_api: Api) -> None:
    response = owner_api.post(DIRECT, body)

    assert (response.status_code, code_of(response)) == (422, "invalid_request")


def test_deep_unknown_field_is_no_500(owner_api: Api) -> None:
    body = b'{"manifest":"x","proof":"y","extra":' + b"[" * 50_000 + b"]" * 50_000 + b"}"

    assert owner_api.post(DIRECT, body).status_code in {400, 422}


def test_large_message_is_refused_unread(owner_api: Api) -> None:
    response = owner_api.post(DIRECT, b"", **{"Content-Length": "999999999999999"})

    assert (response.status_code, code_of(response)) == (413, "payload_too_large")


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "1" * 30, "\u0661"])
def test_odd_content_length_is_refused(length: str, owner_api: Api) -> None:
    assert owner_api.post(DIRECT, b"{}", **{"Content-Length": length}).status_code in {400, 422}


def test_body_without_length_is_refused(owner_api: Api) -> None:
    response = owner_api.post(DIRECT, b"", **{"Transfer-Encoding": "chunked", "Content-Length": ""})

    assert (response.status_code, code_of(response)) == (411, "invalid_request")


@pytest.mark.parametrize("minutes", [-16, 6])
def test_manifest_of_another_time_is_refused(minutes: int, server: FakeServer, owner_api: Api) -> None:
    issued_at = timezone.now() + timedelta(minutes=minutes)

    response = owner_api.post(DIRECT, {"manifest": server.manifest(issued_at=issued_at), "proof": server.proof()})

    assert (response.status_code, code_of(response)) == (401, "clock_skew")
    assert not Installation.objects.exists()


CALLBACK = "https://ghes1.octo.example/enterprises/octo/settings/dotcom_connection/complete"
END = "/enterprises/octo/settings/dotcom_connection/complete"


@pytest.mark.parametrize(
    "change",
    [
        {"audience": "https://another.cloud.example"},
        {"server_id": "not-a-uuid"},
        {"server_id": "6F0E1D6C-8D0E-4A51-9B0C-2F8D6A2F3B11"},
        {"hostname": "GHES1.octo.example"},
        {"hostname": "ghes1.octo.example/x"},
        {"hostname": ""},
        {"hostname": f"lss_{'a' * 43}", "callback": f"https://lss_{'a' * 43}{END}"},
        {"version": f"ghp_{'a' * 20}"},
        {"version": "x" * 33},
        {"version": "3.19\x00"},
        {"app_key": "-----BEGIN PUBLIC KEY-----"},
        {"app_key": ""},
        {"formats": (99,)},
        {"features": tuple(Feature(name=str(number)) for number in range(60))},
        {"callback": f"https://evil.example{END}"},
        {"callback": f"http://ghes1.octo.example{END}"},
        {"callback": f"https://ghes1.octo.example@evil.example{END}"},
        {"callback": f"https://ghes1.octo.example:x{END}"},
        {"callback": f"https://ghes1.octo.example\\@evil.example{END}"},
        {"callback": f"https://evil.example\\.localhost{END}"},
        {"callback": f"https://ghes1.octo.example.evil.example{END}"},
        {"callback": f"{CALLBACK}?next=https://evil.example"},
        {"callback": f"{CALLBACK}?"},
        {"callback": f"{CALLBACK}#x"},
        {"callback": "https://ghes1.octo.example/elsewhere"},
        {"callback": "https://ghes1.octo.example/..%2fenterprises/octo/settings/dotcom_connection/complete"},
        {"callback": "javascript:alert(1)"},
        {"callback": f"//ghes1.octo.example{END}"},
        {"callback": f"https://[::1{END}"},
        {"callback": f"https://ghes1.octo.example\n{END}"},
    ],
)
def test_manifest_that_cannot_be_meant_is_refused(change: dict[str, Any], server: FakeServer, owner_api: Api) -> None:
    response = owner_api.post(DIRECT, {"manifest": server.manifest(**change), "proof": server.proof()})

    assert response.status_code == 422
    assert code_of(response) in {"invalid_request", "unsupported_format"}


@pytest.mark.parametrize(
    "callback",
    [
        CALLBACK,
        f"https://ghes1.octo.example:8443{END}",
        f"http://localhost:8000{END}",
        f"http://127.0.0.1:8000{END}",
        f"http://[::1]:8000{END}",
        f"http://ghes.localhost:8000{END}",
        f"https://ghes1.octo.example/behind/a/prefix{END}",
    ],
)
def test_callback_of_the_server_itself_is_accepted(callback: str, server: FakeServer) -> None:
    manifest = handshake.read_request(server.manifest(callback=callback), timezone.now())

    assert manifest.callback == callback


def test_manifest_of_another_signer_is_refused(server: FakeServer, owner_api: Api) -> None:
    honest = server.manifest()
    head, _payload, signature = honest.split(".")
    other = FakeServer(hostname="evil.example").manifest().split(".")[1]

    response = owner_api.post(DIRECT, {"manifest": f"{head}.{other}.{signature}", "proof": server.proof()})

    assert (response.status_code, code_of(response)) == (422, "invalid_request")


def test_manifest_of_another_type_is_refused(server: FakeServer, owner_api: Api) -> None:
    manifest = signing.read_manifest(server.manifest())
    relabeled = signing.sign(manifest, typ=signing.RECEIPT, key=server.identity)

    assert code_of(owner_api.post(DIRECT, {"manifest": relabeled, "proof": server.proof()})) == "invalid_request"


@pytest.mark.parametrize(
    "manifest", ["", "x", "a.b.c", "x" * 20_000, f"{segment(DEEP[:5000])}.e30.x", forged({"alg": "none"}, {})], ids=len
)
def test_junk_for_a_manifest_is_refused(manifest: str, server: FakeServer, owner_api: Api) -> None:
    response = owner_api.post(DIRECT, {"manifest": manifest, "proof": server.proof()})

    assert (response.status_code, code_of(response)) == (422, "invalid_request")


def test_weak_app_key_is_refused(server: FakeServer, owner_api: Api) -> None:
    weak = FakeServer(key=rsa.generate_private_key(public_exponent=65_537, key_size=1024))  # noqa: S505  (Weak is what it shall be.)

    response = owner_api.post(DIRECT, {"manifest": weak.manifest(), "proof": server.proof()})

    assert code_of(response) == "invalid_request"


def test_proof_is_no_receipt_or_manifest(server: FakeServer, owner_api: Api) -> None:
    response = owner_api.post(DIRECT, {"manifest": server.manifest(), "proof": server.manifest()})

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


@time_machine.travel(NOON, tick=False)
def test_who_guesses_is_slowed_down_and_nobody_else(anonymous: Api, server: FakeServer, ledger: Ledger) -> None:
    installation = server.installed(ledger)
    anonymous.credential = "token lss_guess"

    statuses = [anonymous.get("/enterprise-installation/license-syncs/x").status_code for _ in range(40)]
    last = anonymous.get("/enterprise-installation/license-syncs/x")
    honest = Api(f"Bearer {server.jwt(installation.pk)}").get("/app")

    assert statuses[0] == 401
    assert (last.status_code, code_of(last)) == (429, "rate_limited")
    assert 0 < int(last["Retry-After"]) <= 60
    assert honest.status_code == 200


@time_machine.travel(NOON, tick=False)
def test_guessing_codes_is_slowed_down(server: FakeServer, ledger: Ledger) -> None:
    api = Api(f"Bearer {server.proof()}")

    answers = [api.post(f"/app-manifests/lss_{number}/conversions") for number in range(40)]

    assert answers[0].status_code == 404
    assert answers[-1].status_code == 429


def test_refusals_speak_english_whatever_the_caller_prefers(owner_api: Api, server: FakeServer) -> None:
    response = owner_api.post(
        DIRECT, {"manifest": server.manifest(audience="x"), "proof": ""}, **{"Accept-Language": "fr"}
    )

    assert response.json()["message"] == "The request to connect is meant for another cloud."


def test_unexpected_failure_is_a_500_in_our_shape(server_api: Api, installation: Installation) -> None:
    """A row that no request can make: the stored opening is none."""
    now = timezone.now()
    broken = Intake.objects.create(
        installation=installation, snapshot_id="6f0e1d6c-8d0e-4a51-9b0c-2f8d6a2f3b11", kind="usage", opened_at=now,
        expires_at=now, opening={}, opening_digest="", opened_at_revision=0,
    )  # fmt: skip

    response = server_api.get(f"/enterprise-installation/license-syncs/{broken.snapshot_id}")

    assert (response.status_code, code_of(response)) == (500, "")
    assert "Traceback" not in response.content.decode()


def test_manifest_struct_covers_what_is_checked() -> None:
    """Who adds a field to the manifest decides here whether it needs a rule."""
    checked = {"server_id", "hostname", "version", "http_only", "callback", "audience", "app_key", "server_key"}

    assert set(Manifest.__struct_fields__) == checked | {"issued_at", "formats", "features"}


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/x%0Ay", "/%0D%0A", "/enterprise-installation/license-syncs/x%0A/y"]
)
def test_unknown_address_is_refused_in_our_shape(path: str, anonymous: Api) -> None:
    response = anonymous.call("PATCH", path)

    assert (response.status_code, code_of(response)) == (404, "")
