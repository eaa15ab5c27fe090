"""Once more in plain Python: the reason that everybody concerned has between two worlds.

Written from docs/domain.md, "Why the number changes", and not from the statements.
"""

from collections.abc import Callable

from tests.cloud.rulebook import Identity, Listed, World, counted, match, matches, owned

Steps = set[tuple[Identity, Identity]]


def reasons(before: World, after: World, cause: str, order: Callable[[Identity], str]) -> dict[Identity, str]:
    """Say why for every person; who went and is somebody else now in all but name has no reason of their own."""
    was, now = set(owned(before)), set(owned(after))
    steps = _steps(before, after)
    same = _same(before, after, steps, order)
    found: dict[Identity, str] = {}
    for person in was | now:
        if person not in was:
            found[person] = _arrival(person, before, after, cause, steps, same)
        elif person not in now:
            found[person] = _departure(person, before, after, cause, steps, same)
        else:
            found[person] = _stay(person, before, after, steps)
    return {person: reason for person, reason in found.items() if reason}


def _steps(before: World, after: World) -> Steps:
    """From whom to whom an account went that is there before and after."""
    both = matches(before).keys() & matches(after).keys()
    steps = {(match(before, *key).person, match(after, *key).person) for key in both}
    return {(former, later) for former, later in steps if former != later}


def _same(before: World, after: World, steps: Steps, order: Callable[[Identity], str]) -> Steps:
    """Pairs of one who went and one who came that are the same person under another address."""
    went = {person for person in counted(before) - set(owned(after)) if not _consumes(before, person)}
    came = {person for person in counted(after) - set(owned(before)) if not _consumes(after, person)}
    open_steps = {(former, later) for former, later in steps if former in went and later in came}
    ahead = {former: min((b for a, b in open_steps if a == former), key=order) for former, _ in open_steps}
    back = {later: min((a for a, b in open_steps if b == later), key=order) for _, later in open_steps}
    return {(former, later) for former, later in ahead.items() if back[later] == former}


def _arrival(person: Identity, before: World, after: World, cause: str, steps: Steps, same: Steps) -> str:
    if person not in counted(after):
        return "came_subscribed"
    if any(later == person for _, later in same):
        return "readdressed"
    if cause == "sync":
        return "unmatched_address" if any(later == person for _, later in steps) else "new_account"
    if not _consumes(after, person):
        return "unmatched_member"
    former, member = _member(before, person), _member(after, person)
    if former and former.suspended:
        return "unsuspended"
    return "invited" if member and member.invited else "joined"


def _departure(person: Identity, before: World, after: World, cause: str, steps: Steps, same: Steps) -> str:
    if person not in counted(before):
        return "went_subscribed"
    if any(former == person for former, _ in same):
        return ""
    if cause == "removal":
        return "server_removed"
    if cause == "sync":
        return "matched_address" if any(former == person for former, _ in steps) else "account_gone"
    if not _consumes(before, person):
        return "matched_member"
    member = _member(after, person)
    return "suspended" if member and member.suspended else "left"


def _stay(person: Identity, before: World, after: World, steps: Steps) -> str:
    was_counted, is_counted = person in counted(before), person in counted(after)
    if was_counted != is_counted:
        return "subscription_ended" if is_counted else "subscription_began"
    consumed, consumes = _consumes(before, person), _consumes(after, person)
    if consumed != consumes:
        return "stayed_joined" if consumes else "stayed_left"
    has_moved = any(person in step for step in steps)
    had, has = len(owned(before)[person]), len(owned(after)[person])
    if has > had:
        return "stayed_matched" if has_moved else "stayed_new_account"
    if has < had:
        return "stayed_unmatched" if has_moved else "stayed_account_gone"
    return ""


def _member(world: World, person: Identity) -> Listed | None:
    return world.members.get(person) if isinstance(person, int) else None


def _consumes(world: World, person: Identity) -> bool:
    member = _member(world, person)
    return bool(member and member.consumes)
