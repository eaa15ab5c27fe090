"""A company whose truth is known: thousands of people, and who of those that are counted are really one.

Everything comes of one seed. Beside those who are counted twice stand the people and things that look as if they were:
namesakes, robots and who runs them, mailboxes of teams, families, addresses that were given to somebody else.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from django.utils import timezone

from cloud import consumption
from cloud.models import ConsumedLicense, Ledger, Member, MemberAddress, ServerAccount, VerifiedDomain
from tests.cloud.books import connect
from wire.lines import make_line

Rank = MemberAddress.Rank

MAIN, LABS, ISLAND = "octo.example", "octo-labs.example", "octo.island.example"
"""The first is verified, the second approved, the third many people's."""
PARTNERS: Final = tuple(f"partner{number}.example" for number in range(40))
PRIVATE: Final = ("gmail.com", "gmx.de", "outlook.com", "yahoo.co.uk", "icloud.com", "proton.me")
SERVERS: Final = tuple(f"ghes{number}.octo.example" for number in range(1, 6))

_GIVEN = """
ada alan anna ben bo carla chen clara dev dana david elena emil eva finn grace hugo ida ines ivan jan jo jonas julia kai
karl lea lena leo lina lisa luca maria marie max mia mila mona nina noah nora ola omar otto paul pia ravi rosa sam sara
sofia theo tim tom ulf uma vera will yan yuki zoe
""".split()  # noqa: SIM905  (A list of names.)
_HANDLES = "starwolf coolcat pixelfox nightowl redpanda mountaingoat".split()  # noqa: SIM905
_STARTS = """
al ba be bo bra cor dal del eck fa fer gar gla har hol ja kel kir lan lem mar mor ni nor ol pe qua rei ro sa
""".split()  # noqa: SIM905
_MIDDLES = "ba che da de gi ka ko la le ma na ne pa ra ri so ta te ve za".split()  # noqa: SIM905
_ENDS = """
ber dez er feld gren hoff ini ison kov lund man mann mer nen ov quist ri sen ski son ster ton uer vic ward
""".split()  # noqa: SIM905


_FAMILIES: Final = random.Random(0).sample(
    ["".join(part) for part in itertools.product(_STARTS, _MIDDLES, _ENDS)], 15_000
)


@dataclass
class Company:
    """What is stored, and whose it is: ``owners`` by ``m:NUMBER`` or ``HOST:USER_ID``."""

    chance: random.Random
    members: list[tuple[int, str, str, list[tuple[Rank, str]]]] = field(default_factory=list)
    accounts: dict[str, list[tuple[int, str, list[str]]]] = field(default_factory=lambda: defaultdict(list))
    owners: dict[str, int] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    taken: set[str] = field(default_factory=set)

    def somebody(self) -> "Somebody":
        """A new person. Some names are common, most are not."""
        given = _GIVEN[int(len(_GIVEN) * self.chance.random() ** 1.5)]
        return Somebody(self, next(self.ids), given, _FAMILIES[int(len(_FAMILIES) * self.chance.random() ** 3)])

    def join(self, who: "Somebody", *addresses: tuple[Rank, str], login: str = "") -> None:
        """Make somebody a member."""
        number = len(self.members) + 1
        self.members.append(
            (number, login or f"{who.login}-{number}", f"{who.given} {who.family}".title(), [*addresses])
        )
        self.owners[f"m:{number}"] = who.number

    def sign_in(self, who: "Somebody", host: str, primary: str, *others: str) -> None:
        """Give somebody an account on a server; the server takes an address once."""
        if f"{host} {primary}" in self.taken:
            return
        self.taken.update(f"{host} {address}" for address in (primary, *others))
        user_id = len(self.accounts[host]) + 1
        self.accounts[host].append((user_id, primary, [*others]))
        self.owners[f"{host}:{user_id}"] = who.number


@dataclass
class Somebody:
    """A person, or a machine."""

    company: Company
    number: int
    given: str
    family: str

    @property
    def login(self) -> str:
        return f"{self.given}-{self.family}"

    def mail(self, domain: str = MAIN) -> str:
        """An address of the company, as its mail system gives them: nobody else has it."""
        local = f"{self.given}.{self.family}"
        for number in itertools.count(1):
            address = f"{local}{number if number > 1 else ''}@{domain}"
            if address not in self.company.taken:
                self.company.taken.add(address)
                return address
        raise AssertionError

    def private(self) -> str:
        chance = self.company.chance
        form = chance.choice(
            ["{given}.{family}{n}", "{given}{family}{n}", "{family}.{given}", "{given}{n}", "{handle}{n}"]
        )
        local = form.format(
            handle=chance.choice(_HANDLES), given=self.given, family=self.family, n=chance.randrange(100, 9_999)
        )
        return f"{local}@{chance.choice(PRIVATE)}"


def two_hosts(company: Company) -> list[str]:
    return company.chance.sample(SERVERS, 2)


# People who are counted once, as they should be.


def matched(company: Company) -> None:
    """A member with an account of the same address."""
    who = company.somebody()
    mail = who.mail(company.chance.choice([MAIN, MAIN, LABS, ISLAND]))
    company.join(who, (Rank.VERIFIED, mail), (Rank.IDENTITY, mail))
    others = [who.private()] if company.chance.random() < 0.4 else []
    for host in company.chance.sample(SERVERS, company.chance.randint(1, 3)):
        company.sign_in(who, host, mail, *others)


def on_the_cloud_only(company: Company) -> None:
    who = company.somebody()
    mail = who.mail(company.chance.choice([MAIN, LABS, company.chance.choice(PARTNERS)]))
    company.join(who, (Rank.VERIFIED, mail), *([(Rank.OTHER, who.private())] if company.chance.random() < 0.3 else []))


def on_a_server_only(company: Company) -> None:
    who = company.somebody()
    mail = who.mail(company.chance.choice([MAIN, LABS, ISLAND, company.chance.choice(PARTNERS)]))
    others = [who.private()] if company.chance.random() < 0.4 else []
    company.sign_in(who, company.chance.choice(SERVERS), mail, *others)


# People who are counted twice.


def work_address_second(company: Company) -> None:
    """On a server their private address is the primary one, and the company's a secondary one."""
    who = company.somebody()
    mail = who.mail()
    company.join(who, (Rank.VERIFIED, mail))
    company.sign_in(who, company.chance.choice(SERVERS), who.private(), mail)


def two_servers(company: Company) -> None:
    """On two servers with two primary addresses; one server knows both."""
    who = company.somebody()
    first, second = two_hosts(company)
    mail, private = who.mail(company.chance.choice([MAIN, LABS, company.chance.choice(PARTNERS)])), who.private()
    company.sign_in(who, first, mail)
    company.sign_in(who, second, private, mail)


def private_address_second(company: Company) -> None:
    """On one server at work, on the other in private; the first knows both addresses."""
    who = company.somebody()
    first, second = two_hosts(company)
    private = who.private()
    company.sign_in(who, first, who.mail(company.chance.choice([MAIN, LABS])), private)
    company.sign_in(who, second, private)


def changed_name(company: Company) -> None:
    """A server knows them by the name that they had before they married."""
    who = company.somebody()
    before = who.mail()
    married = Somebody(company, who.number, who.given, company.somebody().family)
    company.join(who, (Rank.VERIFIED, before))
    company.sign_in(who, company.chance.choice(SERVERS), married.mail(), before)


def three_times(company: Company) -> None:
    """On the cloud by the address of the company, on two servers by two others."""
    who = company.somebody()
    mail = who.mail()
    company.join(who, (Rank.VERIFIED, mail))
    for host in two_hosts(company):
        company.sign_in(who, host, who.private(), mail)


def never_verified(company: Company) -> None:
    """The cloud knows the address of the company, and nobody clicked on the link."""
    who = company.somebody()
    mail = who.mail()
    company.join(who, (Rank.VERIFIED, who.private()), (Rank.OTHER, mail))
    company.sign_in(who, company.chance.choice(SERVERS), mail)


def moved_domain(company: Company) -> None:
    """Their server still has them on the domain that the company had before, or of the part that it bought."""
    who = company.somebody()
    mail = who.mail()
    company.join(who, (Rank.VERIFIED, mail))
    local = mail.partition("@")[0]
    company.sign_in(who, company.chance.choice(SERVERS), f"{local}@{company.chance.choice([LABS, ISLAND])}")


def moved_domain_with_a_given_name(company: Company) -> None:
    """The same, from the time when everybody had their given name alone."""
    who = company.somebody()
    if f"{who.given}@{MAIN}" in company.taken:
        return
    company.taken.add(f"{who.given}@{MAIN}")
    company.join(who, (Rank.VERIFIED, f"{who.given}@{MAIN}"))
    company.sign_in(who, company.chance.choice(SERVERS), f"{who.given}@{LABS}")


def tagged(company: Company) -> None:
    who = company.somebody()
    mail = who.mail(company.chance.choice([MAIN, company.chance.choice(PARTNERS)]))
    company.join(who, (Rank.VERIFIED, mail))
    tag = company.chance.choice(["ghes", "work", "gh", "octo", "2", "old"])
    company.sign_in(who, company.chance.choice(SERVERS), mail.replace("@", f"+{tag}@"))


def dots_of_gmail(company: Company) -> None:
    who = company.somebody()
    year = company.chance.randrange(1960, 2005)
    company.join(who, (Rank.VERIFIED, f"{who.given}.{who.family}{year}@gmail.com"))
    company.sign_in(who, company.chance.choice(SERVERS), f"{who.given}{who.family}{year}@gmail.com")


def dots_of_the_company(company: Company) -> None:
    """An alias of the mail system."""
    who = company.somebody()
    mail = who.mail()
    company.join(who, (Rank.VERIFIED, mail))
    local, _at, domain = mail.partition("@")
    company.sign_in(who, company.chance.choice(SERVERS), f"{local.replace('.', '')}@{domain}")


def nothing_in_common(company: Company) -> None:
    """Counted twice, and no address tells."""
    who = company.somebody()
    company.join(who, (Rank.VERIFIED, who.mail()))
    company.sign_in(who, company.chance.choice(SERVERS), who.private())


# What only looks like it.


def namesakes(company: Company) -> None:
    """Two people of one name, each in a part of the company, each with the address that the name gives there."""
    one = company.somebody()
    other = Somebody(company, next(company.ids), one.given, one.family)
    mail = one.mail()
    theirs = f"{mail.partition('@')[0]}@{LABS}"
    where = company.chance.random()
    company.join(one, (Rank.VERIFIED, mail))
    if where < 0.4:
        company.join(other, (Rank.VERIFIED, theirs))
    if where > 0.3:
        host = company.chance.choice(SERVERS)
        company.sign_in(other, host, theirs)
        if company.chance.random() < 0.6:
            company.sign_in(one, host, mail)


def one_of_many_given_names(company: Company) -> None:
    """Another part of the company gives given names alone, to whoever came first."""
    who = company.somebody()
    mail = f"{who.given}@{company.chance.choice([LABS, ISLAND, MAIN])}"
    if mail in company.taken:
        return
    company.taken.add(mail)
    if company.chance.random() < 0.5:
        company.join(who, (Rank.VERIFIED, mail))
    else:
        company.sign_in(who, company.chance.choice(SERVERS), mail)


def namesakes_with_a_provider(company: Company) -> None:
    one, other = company.somebody(), company.somebody()
    local = f"{one.given}{one.family}"
    company.join(one, (Rank.VERIFIED, f"{local}@gmail.com"))
    company.sign_in(other, company.chance.choice(SERVERS), f"{local}@gmx.de")


def dots_that_mean_something(company: Company) -> None:
    """Two people whose addresses differ in a dot, where dots count."""
    one, other = company.somebody(), company.somebody()
    domain = company.chance.choice([MAIN, "outlook.com", "outlook.com"])
    company.join(one, (Rank.VERIFIED, f"{one.given}.{one.family}x@{domain}"))
    company.sign_in(other, company.chance.choice(SERVERS), f"{one.given}{one.family}x@{domain}")


def robot(company: Company) -> None:
    """A machine on several servers and domains; who runs it left an address of their own there."""
    who = company.somebody()
    word = company.chance.choice(
        ["ci", "build", "deploy-bot", "svc-scan", "jenkins", "renovate", "admin", "release.bot"]
    )
    other = company.somebody()
    mail = other.mail()
    company.join(other, (Rank.VERIFIED, mail))
    first, second = two_hosts(company)
    company.sign_in(who, first, f"{word}{who.number % 9}@{MAIN}", mail)
    another = Somebody(company, next(company.ids), "robot", "too")
    company.sign_in(another, second, f"{word}{who.number % 9}@{LABS}")


def robot_with_a_tag(company: Company) -> None:
    """A machine that gets its mail where somebody reads it."""
    who, machine = company.somebody(), company.somebody()
    mail = who.mail()
    company.join(who, (Rank.VERIFIED, mail))
    tag = company.chance.choice(["ci", "bot", "deploy", "build-linux", "jenkins", "svc", "nightly"])
    company.sign_in(machine, company.chance.choice(SERVERS), mail.replace("@", f"+{tag}@"))


def mailbox_of_a_team(company: Company) -> None:
    """Somebody's primary address on one server is a secondary one of the whole team on another."""
    shared = company.somebody()
    word = company.chance.choice(["falcon", "orion", "team-blue", "platform", "infra-ops", "design"])
    mail = f"{word}{'' if '-' in word else shared.number}@{MAIN}"
    first, second = two_hosts(company)
    company.sign_in(shared, first, mail)
    for _one in range(company.chance.randint(2, 8)):
        who = company.somebody()
        company.sign_in(who, second, who.mail(), f"{mail}" if not _one else mail)
        company.taken.discard(f"{second} {mail}")


def family(company: Company) -> None:
    """Two people share a private address."""
    one, other = company.somebody(), company.somebody()
    if company.chance.random() < 0.5:
        other = Somebody(company, other.number, other.given, one.family)
    shared = f"the{one.family}s{one.number}@gmx.de"
    first, second = two_hosts(company)
    company.sign_in(one, first, shared)
    company.sign_in(other, second, other.mail(), shared)


def wrong_address(company: Company) -> None:
    """Somebody typed a colleague's address, or has one that was a colleague's before."""
    one, other = company.somebody(), company.somebody()
    mail = one.mail()
    if company.chance.random() < 0.5:
        company.join(one, (Rank.VERIFIED, mail))
        company.sign_in(other, company.chance.choice(SERVERS), other.mail(), mail)
    else:
        company.sign_in(one, company.chance.choice(SERVERS), mail)
        company.join(other, (Rank.VERIFIED, other.mail()), (Rank.OTHER, mail))


KINDS: Final[dict[Callable[[Company], None], int]] = {
    matched: 312,
    on_the_cloud_only: 190,
    on_a_server_only: 210,
    work_address_second: 40,
    two_servers: 30,
    private_address_second: 20,
    changed_name: 4,
    three_times: 4,
    never_verified: 24,
    moved_domain: 40,
    moved_domain_with_a_given_name: 3,
    tagged: 16,
    dots_of_gmail: 8,
    dots_of_the_company: 8,
    nothing_in_common: 25,
    namesakes: 10,
    one_of_many_given_names: 12,
    namesakes_with_a_provider: 6,
    dots_that_mean_something: 3,
    robot: 12,
    robot_with_a_tag: 5,
    mailbox_of_a_team: 4,
    family: 3,
    wrong_address: 3,
}
"""How many of about a thousand there are of each."""


def found(ledger: Ledger, *, people: int, seed: int = 1) -> Company:
    """Store a company of about so many people in the books; how many there are of each kind is no matter of chance."""
    company = Company(random.Random(seed))
    whole = sum(KINDS.values())
    kinds = [kind for kind, number in KINDS.items() for _one in range(max(number * people // whole, 1))]
    company.chance.shuffle(kinds)
    for kind in kinds:
        kind(company)
    _store(ledger, company)
    return company


def _store(ledger: Ledger, company: Company) -> None:
    VerifiedDomain.objects.create(ledger=ledger, domain=MAIN, verified_at=timezone.now())
    VerifiedDomain.objects.create(ledger=ledger, domain=LABS, approved_at=timezone.now())
    Member.objects.bulk_create(
        (
            Member(ledger=ledger, number=number, login=login, name=name, is_license_consuming=True, digest="")
            for number, login, name, _addresses in company.members
        ),
        batch_size=1_000,
    )
    MemberAddress.objects.bulk_create(
        (
            MemberAddress(ledger=ledger, number=number, rank=rank, value=value)
            for number, _login, _name, addresses in company.members
            for rank, value in dict.fromkeys(addresses)
        ),
        batch_size=1_000,
    )
    for host in SERVERS:
        server = connect(ledger, host)
        ServerAccount.objects.bulk_create(
            (
                ServerAccount(
                    ledger=ledger,
                    installation=server,
                    user_id=user_id,
                    line=make_line(user_id, primary, others).decode(),
                    primary_address=primary,
                    person_key=f"s:{server.pk}:{user_id}",
                    rule="none",
                )
                for user_id, primary, others in company.accounts[host]
            ),
            batch_size=1_000,
        )
    consumption.recount_all(ledger)


def owners_of(ledger: Ledger, company: Company) -> dict[str, set[int]]:
    """By person key: who they really are."""
    owners: defaultdict[str, set[int]] = defaultdict(set)
    for key in ConsumedLicense.objects.filter(ledger=ledger, member__isnull=False).values_list("person_key", flat=True):
        owners[key].add(company.owners[key])
    accounts = ServerAccount.objects.filter(ledger=ledger)
    for key, host, user_id in accounts.values_list("person_key", "installation__hostname", "user_id"):
        owners[key].add(company.owners[f"{host}:{user_id}"])
    return owners
