"""People as the API answers with them, and an example of a list and of one person."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from cloud.api.resources.words import about

Rule = Literal["linked", "identity", "verified", "address", "none"]


class PersonSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a fact comes from: the last import of members, or the last sync of a server."""

    kind: Literal["members", "sync"]
    hostname: str
    at: datetime | None


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """A member whom an account nearly belonged to."""

    kind: Literal["secondary", "unverified", "local_part"]
    login: str
    sentence: Annotated[str, about("What is missing and how to correct it; only owners are told other addresses.")]


class PersonAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A server account, and why it is the person's."""

    account: Annotated[str, about("host:id.")]
    hostname: str
    user_id: int
    primary_address: Annotated[str, about("By which it was matched, but where GitHub's report did it.")]
    rule: Annotated[Rule, about("Which rule matched it.")]
    sentence: Annotated[str, about("The same in words.")]
    also_held_by: Annotated[list[str], about("Logins of others whom the same rule would have matched.")]
    near_misses: list[NearMiss]
    is_disconnected: Annotated[bool, about("Whether its server is not connected any more; the account still counts.")]
    source: PersonSource


class PersonFact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known of a person."""

    code: str
    sentence: str
    source: PersonSource


class PersonInList(msgspec.Struct, frozen=True, kw_only=True):
    """A person: one license, or none where a Visual Studio subscription brings it."""

    id: int
    label: Annotated[str, about("What the list calls the person: login, address or host:id.")]
    login: Annotated[str, about("Empty for a person who is only on servers.")]
    name: str
    html_url: Annotated[str, about("The page of the person.")]
    license_type: Literal["enterprise", "visual_studio"]
    is_counted: bool
    deployment: Annotated[Literal["cloud", "server", "both"], about("Where the license comes from.")]
    is_ambiguous: Annotated[bool, about("Whether a rule matched several members.")]
    since: Annotated[datetime | None, about("When the person came; null where that was not kept.")]
    sentence: Annotated[str, about("Why the person consumes one license.")]
    facts: Annotated[list[PersonFact], about("What the cloud account is; of one person, what servers have, too.")]
    total_server_accounts: int
    server_accounts: Annotated[list[PersonAccount], about("In the list, the first of them.")]


class PersonAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address of the member, and how it is known."""

    address: str
    held_as: Literal["identity", "verified", "unverified"]


class Contested(msgspec.Struct, frozen=True, kw_only=True):
    """An account with an address of the member that is somebody else's."""

    account: str
    person: str
    sentence: str


class PersonChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the books that concerned the person."""

    revision: int
    at: datetime
    cause: str
    hostname: str
    is_arrival: bool
    accounts: Annotated[int, about("Server accounts gained, or lost where below 0.")]
    reason_code: str
    reason: str


class PersonInFull(PersonInList, frozen=True, kw_only=True):
    """A person with everything that the page says."""

    addresses: Annotated[list[PersonAddress], about("Addresses of the member that the caller may see.")]
    addresses_not_shown: Annotated[int, about("How many there are besides.")]
    contested: list[Contested]
    changes: Annotated[list[PersonChange], about("What changed of the person, the newest first.")]


class People(msgspec.Struct, frozen=True, kw_only=True):
    """The people that are meant."""

    total_count: int
    people: list[PersonInList]


_AT: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_EXAMPLE: Final[dict[str, Any]] = {
    "id": 42,
    "label": "mona",
    "login": "mona",
    "name": "Mona Lisa",
    "html_url": "https://cloud.example/enterprises/octo/people/42",
    "license_type": "enterprise",
    "is_counted": True,
    "deployment": "both",
    "is_ambiguous": False,
    "since": _AT,
    "sentence": "The cloud account and the server accounts are one person, and consume one license together.",
    "facts": [
        PersonFact(
            code="member_of",
            sentence="Member of an organization: octo.",
            source=PersonSource(kind="members", hostname="", at=_AT),
        )
    ],
    "total_server_accounts": 1,
    "server_accounts": [
        PersonAccount(
            account="ghes1.octo.example:7",
            hostname="ghes1.octo.example",
            user_id=7,
            primary_address="mona@octo.example",
            rule="verified",
            sentence="Its primary address mona@octo.example is a verified address of mona.",
            also_held_by=[],
            near_misses=[],
            is_disconnected=False,
            source=PersonSource(kind="sync", hostname="ghes1.octo.example", at=_AT),
        )
    ],
}
LIST_EXAMPLE: Final = People(total_count=1, people=[PersonInList(**_EXAMPLE)])
PERSON_EXAMPLE: Final = PersonInFull(
    **_EXAMPLE,
    addresses=[PersonAddress(address="mona@octo.example", held_as="verified")],
    addresses_not_shown=1,
    contested=[],
    changes=[
        PersonChange(
            revision=12,
            at=_AT,
            cause="Sync of ghes1.octo.example",
            hostname="ghes1.octo.example",
            is_arrival=False,
            accounts=1,
            reason_code="stayed_new_account",
            reason="one more account on ghes1.octo.example",
        )
    ],
)
