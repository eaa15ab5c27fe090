"""Lists who is probably the same person, as the page does, and decides what an owner may decide there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import CommandError
from django.utils import timezone

from cloud.management.naming import find_account
from cloud.models import Ledger, Suspect
from cloud.people.visible import Viewer, sight
from cloud.worklist import acting
from cloud.worklist.entries import Entry, in_words
from cloud.worklist.listing import Wanted, counts, page_of
from cloud.worklist.telling import entry_values
from enterprises.commands import ReportingCommand, find_user

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator


_PIECE: Final = 500
_ACTIONS: Final = ("list", "assign", "dismiss", "wait", "reopen", "restore")


class Command(ReportingCommand):
    help = (
        "List the pairs that are probably one person, or decide about them: assign ID... --to USER, dismiss ID... "
        "--reason REASON, wait ID... --fix NUMBER, reopen ID..., restore ID..."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("action", nargs="?", choices=_ACTIONS, default="list")
        parser.add_argument("entries", metavar="ID", nargs="*", type=int, help="numbers of entries")
        parser.add_argument("--state", choices=Suspect.State.values, default=Suspect.State.OPEN)
        parser.add_argument("--kind", choices=Suspect.Kind.values, default="")
        parser.add_argument("--server", metavar="HOST", help="only those with an account on this server")
        parser.add_argument("--assigned", metavar="USER", help="only those of this person; 'nobody' for the others")
        parser.add_argument("--to", metavar="USER", help="who takes the entries; without it nobody has them any more")
        parser.add_argument("--reason", choices=[reason for reason in Suspect.Reason.values if reason])
        parser.add_argument("--fix", metavar="NUMBER", type=int, default=1, help="which of the fixes was announced")

    def handle(self, *, cloud: str, action: str, entries: list[int], json: bool, **options: Any) -> None:
        ledger = find_account(cloud)
        if action == "list":
            self._list(ledger, _wanted(ledger, options), as_json=json)
            return
        if not entries:
            raise CommandError(f"Give the numbers of the entries to {action}; without an action they are listed.")
        changed = _decide(action, options, ledger=ledger, entries=entries, by=None, at=timezone.now())
        line = f"{changed} of {len(entries)} entries were changed."
        self.report(line, as_json=json, changed=changed, asked=len(entries))

    def _list(self, ledger: Ledger, wanted: Wanted, *, as_json: bool) -> None:
        found = list(_all_entries(ledger, wanted))
        now = counts(ledger)
        lines = [line for entry in found for line in _lines(entry)]
        lines.append(f"{len(found)} entries; {now.listed} are open or wait, {now.licenses_at_stake} licenses at stake.")
        self.report(
            "\n".join(lines),
            as_json=as_json,
            entries=[entry_values(entry) for entry in found],
            counts=now.by_state,
            licenses_at_stake=now.licenses_at_stake,
        )


def _wanted(ledger: Ledger, options: dict[str, Any]) -> Wanted:
    server = None
    if options["server"]:
        server = ledger.installations.filter(hostname=options["server"].lower()).first()
        if server is None:
            raise CommandError(f"There is no server {options['server']!r}; server_instances lists them.")
    assigned = options["assigned"]
    return Wanted(
        state=options["state"],
        kind=options["kind"],
        server=server,
        assignee=find_user(assigned) if assigned and assigned != "nobody" else None,
        unassigned=assigned == "nobody",
    )


def _all_entries(ledger: Ledger, wanted: Wanted) -> Iterator[Entry]:
    seen = sight(ledger, Viewer.OWNER)
    place = None
    while True:
        listed = page_of(ledger, wanted, after=place, size=_PIECE)
        yield from in_words(ledger, listed.entries, seen)
        place = listed.next
        if place is None:
            return


def _decide(action: str, options: dict[str, Any], **who: Any) -> int:
    decisions: dict[str, Callable[[], int]] = {
        "assign": lambda: acting.assign(to=find_user(options["to"]) if options["to"] else None, **who),
        "dismiss": lambda: acting.dismiss(reason=options["reason"] or "", **who),
        "wait": lambda: acting.announce(fix=options["fix"], **who),
        "reopen": lambda: acting.withdraw(**who),
        "restore": lambda: acting.restore(**who),
    }
    try:
        return decisions[action]()
    except acting.NotAssignable as error:
        raise CommandError(f"{options['to']} has no role in this account; grant_role gives one.") from error
    except acting.NoReason as error:
        raise CommandError("Say why, with --reason.") from error
    except acting.NoSuchFix as error:
        raise CommandError(f"No entry has a fix {options['fix']}; the list numbers them.") from error


def _lines(entry: Entry) -> Iterator[str]:
    suspect = entry.suspect
    assignee = f", assigned to {suspect.assignee.username}" if suspect.assignee else ""
    stake = f"{suspect.licenses_at_stake} at stake, score {suspect.score}"
    yield f"#{suspect.pk} {entry.title} ({suspect.kind}, {suspect.state}, {stake}{assignee})"
    for proof in entry.proofs:
        yield f"    {proof.first_address} ({proof.first_role}), {proof.second_address} ({proof.second_role})"
    for way in entry.ways:
        yield f"    {way.number}. {way.sentence}"
    if entry.outcome:
        yield f"    {entry.outcome}"
