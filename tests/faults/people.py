"""Who is on the rig: members of the cloud account and seats of the server, different ones for each row of the table."""

import json

from tests.cloud import rulebook
from tests.cloud.rulebook import VERIFIED, Listed, World

HOSTNAME = "ghes1.octo.example"
MEMBERS = {
    number: Listed(f"m{number}", consumes=number % 3 > 0, addresses=frozenset({(VERIFIED, f"m{number}@octo.example")}))
    for number in range(1, 10)
}


def seats(number: int, hostname: str = HOSTNAME) -> dict[int, str]:
    """Return the accounts of a server, several parts of them, with their primary addresses; others for each number."""
    return {user_id: _address(user_id, number, hostname) for user_id in range(1, 42 + number % 4)}


def _address(user_id: int, number: int, hostname: str) -> str:
    if user_id % 11 == 0:
        return ""
    if (user_id + number) % 5 == 0:
        return f"m{(user_id + number) % 9 + 1}@octo.example"
    return f"p{user_id}.{number}@{hostname}"


def world(members: dict[int, Listed] = MEMBERS, /, **servers: dict[int, str]) -> World:
    """What the rules are asked about: the members, and the accounts of servers by the names of their enterprises."""
    return World(dict(members), {f"{slug}.octo.example": accounts for slug, accounts in servers.items()})


def count(of: World) -> int:
    """Count licenses by the rules in plain Python."""
    return rulebook.consumed(of)


def owners(of: World) -> dict[str, str]:
    """Return whose each account is, by host:id, in the words of the tables."""
    keys = {int: "m:{}", str: "a:{}"}
    return {
        f"{hostname}:{user_id}": keys[type(found.person)].format(found.person)
        if isinstance(found.person, int | str)
        else "s"
        for (hostname, user_id), found in rulebook.matches(of).items()
    }


def members_file(members: dict[int, Listed]) -> str:
    """Members as ``import_members`` reads them."""
    return "".join(
        json.dumps(
            {
                "id": number,
                "login": one.login,
                "member_roles": ["octo:Member"] if one.consumes else [],
                "emails": [{"email": value, "verified": True} for _rank, value in one.addresses],
            }
        )
        + "\n"
        for number, one in members.items()
    )


def seats_file(accounts: dict[int, str]) -> str:
    """Accounts as ``import_seats`` reads them."""
    return "".join(
        json.dumps(
            {
                "id": user_id,
                "login": f"u{user_id}",
                "type": "User",
                "role": "user",
                "suspended": False,
                "dormant": False,
                "emails": [{"email": address, "primary": True}] if address else [],
            }
        )
        + "\n"
        for user_id, address in accounts.items()
    )
