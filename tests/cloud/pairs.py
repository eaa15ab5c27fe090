"""Pairs of people in few words, for tests that are not about finding them."""

from typing import Any

from cloud.models import ConsumedLicense, Ledger, Suspect
from cloud.suspects.evidence import Evidence, Fix, Held
from cloud.suspects.identity import identity_of, ordered
from tests.cloud.books import NOW


def held(address: str, **fields: Any) -> Held:
    whole: Any = {"address": address, "role": "primary", "installation": None, "user_id": None, **fields}
    return whole  # type: ignore[no-any-return]  # Tests give the fields that they are about.


def note_pair(ledger: Ledger, one: str, other: str, **fields: Any) -> Suspect:
    """Two people of these keys are a pair, as a search writes it."""
    first, second = ordered(one, other)
    address = second.partition(":")[2]
    evidence = Evidence(kind="secondary", score=97, first=held(address, role="secondary"), second=held(address))
    fix = Fix(action="verify", address=address, number=1, installation=None, user_id=None, more=0)
    licenses = ConsumedLicense.objects.filter(ledger=ledger)
    defaults: dict[str, Any] = {
        "identity": identity_of(first, second),
        "first_key": first,
        "second_key": second,
        "first_license": licenses.get(person_key=first),
        "second_license": licenses.get(person_key=second),
        "kind": evidence["kind"],
        "score": evidence["score"],
        "evidence": [evidence],
        "fixes": [fix],
        "licenses_at_stake": 1,
        "found_at": NOW,
        "found_revision": ledger.revision,
        "state_at": NOW,
    }
    return Suspect.objects.create(ledger=ledger, **(defaults | fields))
