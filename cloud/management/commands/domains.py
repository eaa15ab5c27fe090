"""Lists the domains of a cloud account, and does what its page of domains does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import CommandError
from django.utils import timezone

from cloud.domains import coverage, proving
from cloud.domains.names import PROBLEMS, WARNINGS, DomainInvalid, checked_domain, warning_of
from cloud.domains.resolving import Outcome
from cloud.domains.states import DomainState, domain_state, domain_states
from cloud.management.naming import find_account
from cloud.models import Ledger
from enterprises.commands import ReportingCommand
from enterprises.moments import iso

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable
    from datetime import datetime

ACTIONS = ("list", "add", "code", "verify", "approve", "delete")


class Command(ReportingCommand):
    help = "List the verified and approved domains of a cloud account; add, verify, approve or delete one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("action", choices=ACTIONS, help="code makes a new code, verify looks the record up")
        parser.add_argument("domain", metavar="DOMAIN", nargs="?", default="", help="such as octo.example")
        parser.add_argument(
            "--yes", action="store_true", help="add or approve a domain although everybody may have an address there"
        )

    def handle(self, *, cloud: str, action: str, domain: str, yes: bool, json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        if action == "list":
            self._list(ledger, as_json=json)
            return
        name, now = _checked(domain), timezone.now()
        if action in {"add", "approve"} and not yes and (warned := warning_of(name)):
            raise CommandError(f"{WARNINGS[warned]} Say --yes if it is meant.")
        before = None if action == "add" else _state(ledger, name, now)
        _DO[action](ledger, name, now)
        if before is not None and action == "delete":
            self.report(f"{before.name} was deleted.", as_json=json, deleted=_values(before))
            return
        state = _state(ledger, name, now)
        self.report(_line(state), as_json=json, domain=_values(state))

    def _list(self, ledger: Ledger, *, as_json: bool) -> None:
        states = domain_states(ledger, timezone.now(), coverage.members_by_domain(ledger))
        without = coverage.without_address(ledger).count()
        lines = [_line(state) for state in states] or [f"{ledger.enterprise.slug} has no domains."]
        lines.append(f"Members without an address on a verified or approved domain: {without}.")
        self.report("\n".join(lines), as_json=as_json, domains=[*map(_values, states)], members_without=without)


def _add(ledger: Ledger, domain: str, at: datetime) -> None:
    try:
        proving.add(ledger=ledger, domain=domain, by=None, at=at)
    except proving.DomainTaken as error:
        raise CommandError(f"{ledger.enterprise.slug} has {domain} already.") from error
    except proving.TooManyDomains as error:
        raise CommandError(f"An account has at most {proving.MAX_DOMAINS} domains.") from error


def _verify(ledger: Ledger, domain: str, at: datetime) -> None:
    challenge = ledger.challenges.select_related("ledger__enterprise").filter(domain=domain).first()
    try:
        if challenge is None:
            raise proving.CodeExpired
        outcome = proving.verify(challenge, by=None, at=at)
    except proving.CodeExpired as error:
        raise CommandError("There is no code that DNS could be asked for: the action code makes a new one.") from error
    except proving.DomainGone as error:
        raise CommandError("The domain was changed by somebody else meanwhile.") from error
    if outcome is not Outcome.FOUND:
        state = _state(ledger, domain, at)
        raise CommandError(f"{domain} could not be verified. {outcome.label} {state.next_step}")


_DO: Final[dict[str, Callable[[Ledger, str, datetime], object]]] = {
    "add": _add,
    "code": lambda ledger, domain, at: proving.renew(ledger=ledger, domain=domain, by=None, at=at),
    "verify": _verify,
    "approve": lambda ledger, domain, at: proving.approve(ledger=ledger, domain=domain, by=None, at=at),
    "delete": lambda ledger, domain, at: proving.delete(ledger=ledger, domain=domain, by=None, at=at),
}


def _checked(domain: str) -> str:
    try:
        return checked_domain(domain)
    except DomainInvalid as error:
        raise CommandError(str(PROBLEMS[error.problem])) from error


def _state(ledger: Ledger, domain: str, at: datetime) -> DomainState:
    state = domain_state(ledger, domain, at)
    if state is None:
        raise CommandError(f"{ledger.enterprise.slug} has no domain {domain}; the action list shows them.")
    return state


def _line(state: DomainState) -> str:
    parts = [f"{state.name}: {state.label}.", state.sentence, str(state.next_step), f"{state.members} members."]
    if state.challenge is not None and state.is_code_good:
        parts.append(f'{state.record_name} TXT "{state.challenge.code}"')
    return " ".join(filter(None, parts))


def _values(state: DomainState) -> dict[str, Any]:
    held, challenge = state.held, state.challenge
    return {
        "domain": state.domain,
        "state": state.standing.value,
        "label": str(state.label),
        "sentence": state.sentence,
        "next_step": str(state.next_step),
        "is_effective": state.is_effective,
        "members": state.members,
        "verified_at": iso(held.verified_at if held else None),
        "approved_at": iso(held.approved_at if held else None),
        "record_name": state.record_name,
        "record_value": challenge.code if challenge and state.is_code_good else None,
        "code_expires_at": iso(challenge.expires_at if challenge and challenge.check_at is None else None),
        "checked_at": iso(challenge.checked_at if challenge else None),
        "outcome": challenge.outcome if challenge else "",
        "record_missing_since": iso(challenge.missing_since if challenge else None),
    }
