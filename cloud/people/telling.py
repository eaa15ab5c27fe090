"""Tell an explanation, or what is held about a person, to programs and as lines of text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from cloud.models import MemberAddress
from cloud.people.holding import held_about
from cloud.people.holding_words import NOT_SEARCHED, TABLES, WHEN_THE_PERSON_GOES
from enterprises.moments import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloud.changes import PersonEvent
    from cloud.models import ConsumedLicense
    from cloud.people.explaining import AccountReason, Explanation
    from cloud.people.facts import Sentence, Source


def values(explanation: Explanation) -> dict[str, Any]:
    """The explanation as plain values: names are English, sentences in the language of the moment."""
    card = explanation.card
    return license_values(explanation.license, explanation.license_sentence) | {
        "facts": [
            {"code": fact.code, "sentence": str(fact.sentence), "source": source_values(fact.source)}
            for fact in explanation.facts
        ],
        "addresses": [
            {"address": held.value, "held_as": MemberAddress.Rank(held.rank).held_as}
            for held in (card.addresses if card else ())
        ],
        "addresses_not_shown": card.addresses_not_shown if card else 0,
        "server_accounts": [account_values(reason) for reason in explanation.accounts],
        "contested": [
            {"account": other.name, "person": other.owner, "sentence": str(other.sentence)}
            for other in explanation.contested
        ],
        "changes": [_event(event) for event in explanation.events],
    }


def license_values(license_: ConsumedLicense, sentence: Sentence) -> dict[str, Any]:
    """Who it is, and why they count once, as plain values."""
    member = license_.member
    return {
        "id": license_.pk,
        "label": license_.label,
        "login": member.login if member else "",
        "name": member.name if member else "",
        "license_type": license_.license_type,
        "is_counted": license_.is_counted,
        "is_ambiguous": license_.is_ambiguous,
        "total_server_accounts": license_.server_accounts,
        "sentence": str(sentence),
    }


def held_values(license_: ConsumedLicense, at: datetime) -> dict[str, Any]:
    """Everything that is held about a person, for the person themselves."""
    return {
        "account": license_.ledger.enterprise.slug,
        "person": license_.label,
        "read_at": iso(at),
        "held": [
            {
                "table": table.table,
                "title": str(TABLES[table.table].title),
                "origin": str(TABLES[table.table].origin),
                "kept": str(TABLES[table.table].kept),
                "rows": [{name: _plain(value) for name, value in row.items()} for row in table.rows],
            }
            for table in held_about(license_, None)
        ],
        "when_the_person_goes": [str(sentence) for sentence in WHEN_THE_PERSON_GOES],
        "not_searched": str(NOT_SEARCHED),
    }


def lines(explanation: Explanation) -> Iterator[str]:
    """The explanation as lines of text."""
    told = values(explanation)
    yield f"{told['label']}: {told['sentence']}"
    for fact in told["facts"]:
        yield f"  {fact['sentence']} ({_words(fact['source'])})"
    for held in told["addresses"]:
        yield f"  {held['address']}: {held['held_as']}"
    for account in told["server_accounts"]:
        yield f"{account['account']} [{account['rule']}]: {account['sentence']} ({_words(account['source'])})"
        if account["also_held_by"]:
            yield f"  Also held by: {', '.join(account['also_held_by'])}."
        for miss in account["near_misses"]:
            yield f"  {miss['sentence']}"
    for other in told["contested"]:
        yield f"{other['account']} is {other['person']}: {other['sentence']}"
    for change in told["changes"]:
        kind = "came onto the list" if change["is_arrival"] else f"{change['accounts']:+d} server accounts"
        yield f"{change['at']}, {change['cause']}: {change['reason'] or kind}"


def account_values(reason: AccountReason) -> dict[str, Any]:
    """One server account and why it is theirs, as plain values."""
    return {
        "account": reason.name,
        "hostname": reason.account.installation.hostname,
        "user_id": reason.account.user_id,
        "primary_address": reason.account.primary_address,
        "rule": reason.account.rule,
        "sentence": str(reason.sentence),
        "also_held_by": [near.login for near in reason.other_members],
        "near_misses": [
            {"kind": miss.kind, "login": miss.member.login, "sentence": str(miss.sentence)} for miss in reason.hints
        ],
        "is_disconnected": reason.is_disconnected,
        "source": source_values(reason.source),
    }


def source_values(source: Source) -> dict[str, Any]:
    """Where a fact comes from, as plain values."""
    return {"kind": source.kind, "hostname": source.hostname, "at": iso(source.at)}


def _words(source: dict[str, Any]) -> str:
    what = f"sync of {source['hostname']}" if source["kind"] == "sync" else "import of members"
    return f"{what}, {source['at']}" if source["at"] else what


def _event(event: PersonEvent) -> dict[str, Any]:
    return {
        "revision": event.revision.number,
        "at": iso(event.revision.at),
        "cause": event.cause,
        "hostname": event.revision.hostname,
        "is_arrival": event.is_arrival,
        "accounts": event.accounts,
        "reason_code": event.reason or "",
        "reason": event.why,
    }


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value
