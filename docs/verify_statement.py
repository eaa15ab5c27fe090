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
        expected = ({"kid": key["kid"], "x": key["x"]}, list(keys)[-1]) if keys else ""
        word = opened(key["endorsement"], keys, "receipt-key") if keys else key["endorsement"]
        check(word == expected, f"key {key['kid']} is {'vouched for by the one before it' if keys else 'the first'}")
        keys[key["kid"]] = key["x"]
    prints = [hashlib.sha256(key.encode()).hexdigest() for key in keys.values()]
    said, kid = opened(file["jws"], keys, "statement")
    check(file["format"] == said["format"] == 1 and file["statement"] == said, f"the statement is what {kid} signed")
    check(kid == list(keys)[-1] and (not wanted or wanted in prints), f"{kid} has the fingerprint {prints[-1]}")
    check(said["available"] == said["purchased"] - said["consumed"], "available = purchased - consumed")
    check(said["counted_apart"] == said["cloud_licenses"] + said["server_accounts"], "counted apart = cloud + servers")
    check(said["server_accounts"] == sum(one["accounts"] for one in said["servers"]), "servers = sum of each server")
    check(said["saved"] == said["counted_apart"] - said["consumed"], "saved = counted apart - consumed")
    check(all(day["consumed"] <= day["peak"] for day in said["days"]), "no day ends above its peak")
    for server in filter(lambda one: one["revision"], said["servers"]):
        given, signer = opened(server["receipt"], keys, "receipt")
        same = all(given[name] == server[name] for name in KEPT) and given["sync_id"] == server["snapshot_id"]
        held = f"{server['hostname']}: {server['accounts']} accounts, {server['sha256']}, receipt of {signer}"
        check(same and given["account"] == said["account"]["slug"], held)


try:
    once = {"object_pairs_hook": lambda pairs: len(dict(pairs)) == len(pairs) and dict(pairs)}  # No name stands twice.
    verify(json.loads(Path(sys.argv[1]).read_text("utf-8"), **once), "".join(sys.argv[2:]).replace(" ", "").lower())
except Exception as error:
    check(False, f"this is no statement, or a signature in it is wrong ({type(error).__name__})")
sys.exit(print("The statement is whole.") if all(results) else "Do not trust this statement.")
