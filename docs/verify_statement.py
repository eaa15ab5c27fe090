"""Check a license statement offline: python verify_statement.py FILE.json [FINGERPRINT]; needs only `cryptography`."""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

results, KEPT = [], ("server_id", "revision", "accounts", "sha256", "taken_at")


def check(holds, line):
    results.append(bool(holds))
    print("ok     " if holds else "FAILED ", "".join(sign if sign.isprintable() else "?" for sign in line))


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def opened(jws, keys, kind):  # What a compact JWS signs, and the id of the key that did.
    signed, _, signature = jws.rpartition(".")
    header, body = (json.loads(decoded(part)) for part in signed.split("."))
    if (header["typ"], header["alg"]) != (f"licensesync-{kind}+jwt", "EdDSA"):
        raise ValueError(kind)
    Ed25519PublicKey.from_public_bytes(decoded(keys[header["kid"]])).verify(decoded(signature), signed.encode())
    return body, header["kid"]


def verify(file, wanted):
    keys = {}
    for key in file["keys"]:  # The oldest first; each later one comes with the word of the one before it.
        word = opened(key["endorsement"], keys, "receipt-key") if keys else key["endorsement"]
        expected = ({"kid": key["kid"], "x": key["x"]}, list(keys)[-1]) if keys else ""
        check(word == expected, f"key {key['kid']} is {'vouched for by the one before it' if keys else 'the first'}")
        keys[key["kid"]] = key["x"]
    prints = [hashlib.sha256(key.encode()).hexdigest() for key in keys.values()]
    said, kid = opened(file["jws"], keys, "statement")
    check(file["format"] == said["format"] == 1 and file["statement"] == said, f"the statement is what {kid} signed")
    check(kid == list(keys)[-1] and (not wanted or wanted in prints), f"{kid} has the fingerprint {prints[-1]}")
    end, counts = said.get("month_end"), [day for day in (said.get("before"), *said["days"]) if day]
    for now in filter(None, (end, said)):
        left, saved = now["purchased"] - now["consumed"], now["counted_apart"] - now["consumed"]
        check((now["available"], now["saved"]) == (left, saved), f"{left} are available and {saved} saved")
    if end:
        peak = max(counts[0]["consumed"], *(day["peak"] for day in said["days"]), 0)
        same = all(end[name] == counts[-1][name] for name in ("consumed", "counted_apart", "purchased"))
        check(same and end["peak"] == peak, f"{said['month']} ended with {end['consumed']} licenses, its last count")
    apart = said["cloud_licenses"] + sum(server["accounts"] for server in said["servers"])
    check(said["counted_apart"] == apart == said["cloud_licenses"] + said["server_accounts"], "apart = cloud + servers")
    for server in filter(lambda one: one["revision"], said["servers"]):
        given, signer = opened(server["receipt"], keys, "receipt")
        same = (given["sync_id"], given["account"]) == (server["snapshot_id"], said["account"]["slug"])
        held = f"{server['hostname']}: {server['accounts']} accounts, {server['sha256']}, receipt of {signer}"
        check(same and all(given[name] == server[name] for name in KEPT), held)


try:
    once = {"object_pairs_hook": lambda pairs: len(dict(pairs)) == len(pairs) and dict(pairs)}  # No name stands twice.
    verify(json.loads(Path(sys.argv[1]).read_text("utf-8"), **once), "".join(sys.argv[2:]).replace(" ", "").lower())
except Exception as error:
    check(False, f"this is no statement, or a signature in it is wrong ({type(error).__name__})")
sys.exit(print("The statement is whole.") if all(results) else "Do not trust this statement.")
