"""What would make two people one, and how many licenses that frees: by the rules of docs/domain.md, "Matching"."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from cloud.suspects.addresses import IDENTITY, VERIFIED
from cloud.suspects.evidence import Fix
from cloud.suspects.words import is_public

MOST_FIXES: Final = 3


@dataclass(frozen=True)
class Side:
    """One of the two, and the address of theirs that speaks for the pair.

    ``installation`` and ``user_id`` say which account holds the address; both are None where a member does.
    """

    license: int
    role: int
    address: str
    installation: int | None
    user_id: int | None
    person_key: str
    label: str
    is_counted: bool
    on_cloud: bool
    accounts: int

    @property
    def number(self) -> int | None:
        """The member's number."""
        return int(self.person_key[2:]) if self.person_key.startswith("m:") else None

    @property
    def is_named(self) -> bool:
        """Whether the label is a login or an address, not ``host:id``."""
        return not self.person_key.startswith("s:")

    @property
    def primary(self) -> str:
        """The address that all accounts of somebody who is no member have as their primary one."""
        return self.person_key[2:] if self.person_key.startswith("a:") else ""

    @property
    def matching_address(self) -> str:
        """An address that an account needs to belong to this person: theirs alone, or one that matches a member."""
        if self.number is None:
            return self.primary
        return self.address if self.role in {IDENTITY, VERIFIED} else ""


def licenses_at_stake(one: Side, other: Side) -> int:
    """How many licenses fewer are consumed once the two are one.

    Of two members on the cloud one would have to leave; who has a subscription may be the one.
    """
    if one.number is not None and other.number is not None:
        if one.on_cloud and other.on_cloud:
            return int(one.is_counted and other.is_counted)
        return int(one.is_counted if other.on_cloud else other.is_counted)
    # Whoever is no member is counted, and becomes the other one, whose license stays what it is.
    return 1


def fixes_of(sides: list[tuple[Side, Side]], *, is_meeting: bool, domains: Collection[str]) -> list[Fix]:
    """Return what can be done, the best advice first. ``sides`` are the pair in its order, once for each evidence.

    Best is what names an address on one of ``domains``, those that the account has verified or approved, and least
    one that a public provider gives; then what only changes which of two addresses is the primary one; then what is
    simplest.
    """
    first, second = sides[0]
    ranked: list[tuple[tuple[int, int], Fix]] = []
    if first.number is not None and second.number is None and second.primary:
        ranked.append(((_strangeness(second.primary, domains), 1), _verify(second.primary, first.number)))
    if not is_meeting:
        # One server holds an address once: nobody gives it to a second account there.
        ranked += [((_strangeness(fix["address"], domains), 2 * is_new), fix) for is_new, fix in _moves(sides)]
    fixes = [fix for _order, fix in sorted(ranked, key=lambda one: one[0])]
    if not fixes:
        fixes.append(_leave(second if second.number is not None or first.number is not None else first))
    return fixes[:MOST_FIXES]


def _strangeness(address: str, domains: Collection[str]) -> int:
    """How far an address is from the company: 0 on a domain of its own, 2 at a public provider, else 1."""
    domain = address.rpartition("@")[2]
    return 0 if domain in domains else 1 + is_public(domain)


def _moves(sides: list[tuple[Side, Side]]) -> list[tuple[bool, Fix]]:
    """Make an address of one the primary one of the other's accounts; True where it is new there: those come last."""
    found: dict[tuple[str, int | None], tuple[tuple[bool, int], Fix]] = {}
    for first, second in sides:
        for target, mover in ((first, second), (second, first)):
            address = target.matching_address
            if not address or not _can_move(mover, target):
                continue
            is_new = mover.address != address
            fix = Fix(
                action="primary",
                address=address,
                number=None,
                installation=mover.installation,
                user_id=mover.user_id,
                more=mover.accounts - 1,
            )
            found.setdefault((address, mover.license), ((is_new, mover.accounts), fix))
    return [(is_new, fix) for (is_new, _accounts), fix in sorted(found.values(), key=lambda one: one[0])]


def _can_move(mover: Side, target: Side) -> bool:
    """Whether moving the accounts moves the license: a member who is on the cloud keeps theirs."""
    if mover.installation is None or mover.user_id is None:
        return False
    if mover.number is not None:
        return target.number is not None and not mover.on_cloud
    return True


def _verify(address: str, number: int) -> Fix:
    return Fix(action="verify", address=address, number=number, installation=None, user_id=None, more=0)


def _leave(who: Side) -> Fix:
    return Fix(
        action="leave",
        address="",
        number=who.number,
        installation=who.installation,
        user_id=who.user_id,
        more=max(who.accounts - 1, 0),
    )
