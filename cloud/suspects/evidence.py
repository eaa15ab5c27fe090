"""The shapes of what speaks for a pair, and of what would make the two one: as they are stored."""

from typing import Literal, TypedDict

Role = Literal["primary", "secondary", "identity", "verified", "unverified"]


class Held(TypedDict):
    """An address that a person holds, and where: on a server account, or as a member (both ids are None)."""

    address: str
    role: Role
    installation: int | None
    user_id: int | None


class Evidence(TypedDict):
    """One thing that speaks for a pair; ``kind`` is a ``Suspect.Kind``, ``score`` of 100 how often it is right."""

    kind: str
    score: int
    first: Held
    second: Held


class Fix(TypedDict):
    """What somebody can do: each fix alone makes the two one with the next sync or import.

    ``verify``: add ``address`` as a verified email of the member ``number``. ``primary``: make ``address`` the primary
    one of the account ``user_id`` on the server ``installation``, and so on every account in ``more``. ``leave``: both
    are members, and no address makes members one: one of the two, ``number``, has to leave.
    """

    action: Literal["verify", "primary", "leave"]
    address: str
    number: int | None
    installation: int | None
    user_id: int | None
    more: int
