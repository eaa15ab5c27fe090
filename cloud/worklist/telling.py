"""Tell entries of the worklist, and what they proved, to programs: the same to the command and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from cloud.models import Saving
    from cloud.people import Person
    from cloud.worklist.entries import Entry


def entry_values(entry: Entry) -> dict[str, Any]:
    """An entry as plain values: names are English, sentences in the language of the moment."""
    suspect = entry.suspect
    return {
        "id": suspect.pk,
        "state": suspect.state,
        "state_at": _iso(suspect.state_at),
        "kind": suspect.kind,
        "score": suspect.score,
        "licenses_at_stake": suspect.licenses_at_stake,
        "licenses_freed": suspect.licenses_freed,
        "people": [_person(person) for person in (entry.first, entry.second) if person],
        "evidence": [
            {
                "first_address": proof.first_address,
                "first_role": proof.first_role,
                "second_address": proof.second_address,
                "second_role": proof.second_role,
            }
            for proof in entry.proofs
        ],
        "fixes": [{"number": way.number, "sentence": way.sentence, "text": way.letter} for way in entry.ways],
        "outcome": entry.outcome,
        "assignee": suspect.assignee.username if suspect.assignee else None,
        "reason": suspect.reason,
    }


def saving_values(row: Saving) -> dict[str, Any]:
    """What a revision proved, as plain values."""
    return {
        "revision": row.revision,
        "at": _iso(row.at),
        "cause": row.cause,
        "hostname": row.hostname,
        "entries": row.entries,
        "licenses": row.licenses,
        "entries_parted": row.entries_parted,
        "licenses_back": row.licenses_back,
    }


def _person(person: Person) -> dict[str, Any]:
    accounts = [f"{account.installation.hostname}:{account.user_id}" for account in person.accounts]
    return {"id": person.license.pk, "label": person.license.label, "server_accounts": accounts}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
