"""Members come in all or nothing, and a bad line is named."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cloud import consumption, services
from cloud.members import MemberChange, MembersInvalid, ShrinkNotAllowed
from cloud.models import ConsumedLicense, Ledger, Member, MemberAddress, ServerAccount
from enterprises.models import AuditEvent
from tests.cloud.books import NOW, connect, import_members, member, ndjson, people, sync

MANY = [member(number, f"person-{number}") for number in range(1, 51)]


def _read(ledger: Ledger, text: str | bytes, *, partial: bool = False, allow_shrink: bool = False) -> MemberChange:
    stream = io.BytesIO(text.encode() if isinstance(text, str) else text)
    return services.import_members(
        ledger=ledger, stream=stream, by=None, at=NOW, partial=partial, allow_shrink=allow_shrink
    )


def _logins(ledger: Ledger) -> list[str]:
    return list(Member.objects.filter(ledger=ledger).order_by("number").values_list("login", flat=True))


def test_import_counts_what_it_changes(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"), member(2, "bob"), member(3, "cara"))

    change = import_members(ledger, member(1, "ana"), member(2, "bob", name="Bob"), member(4, "dirk"))

    assert (change.members, change.added, change.changed, change.removed) == (3, 1, 1, 1)
    assert (change.licenses_before, change.licenses_after) == (3, 3)
    assert (change.added_sample, change.changed_sample, change.removed_sample) == (("dirk",), ("bob",), ("cara",))


def test_import_again_changes_nothing(ledger: Ledger) -> None:
    import_members(ledger, *MANY)

    change = import_members(ledger, *MANY)

    assert (change.added, change.changed, change.removed) == (0, 0, 0)


def test_import_keeps_members_and_people_in_place(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"))
    before = (Member.objects.get().pk, ConsumedLicense.objects.get().pk)

    import_members(ledger, member(1, "anna"))

    assert (Member.objects.get().pk, ConsumedLicense.objects.get().pk) == before
    assert ConsumedLicense.objects.get().label == "anna"


def test_two_members_swap_their_logins(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"), member(2, "bob"))

    import_members(ledger, member(1, "bob"), member(2, "ana"))

    assert _logins(ledger) == ["bob", "ana"]


def test_partial_import_removes_nobody(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"))

    change = import_members(ledger, member(2, "bob"), partial=True)

    assert (change.members, change.added, change.removed) == (2, 1, 0)


def test_partial_import_cannot_take_the_login_of_who_stays(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"))

    with pytest.raises(MembersInvalid, match=r"Line 1: .*member 1"):
        import_members(ledger, member(2, "Ana"), partial=True)

    assert _logins(ledger) == ["ana"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ('{"id": 1, "login": "ana"}\n{"id": 2}\n', "Line 2: .*login"),
        ('{"id": 1, "login": "ana"}\nno json\n', "Line 2: "),
        ('{"id": "1", "login": "ana"}\n', "Line 1: “id”: a whole number"),
        ('{"id": 0, "login": "ana"}\n', "Line 1: "),
        ('{"id": 1, "login": "an a"}\n', "Line 1: .*white space"),
        ('{"id": 1, "login": ""}\n', "Line 1: .*missing"),
        ('{"id": 1, "login": "ana"}\n\n{"id": 1, "login": "bob"}\n', "Line 3: .*id.*line 1"),
        ('{"id": 1, "login": "ana"}\n{"id": 2, "login": "ANA"}\n', "Line 2: .*login.*line 1"),
        ('{"id": 1, "login": "ana", "name": "a\\u0000b"}\n', "Line 1: .*NUL"),
        (b'{"id": 1, "login": "\xff"}\n', "Line 1: .*UTF-8"),
        ('{"id": 1, "login": "ana", "emails": [{"email": "a\\u0007@x.example"}]}\n', "Line 1: .*address"),
        (f'{{"id": 1, "login": "ana", "x": "{"y" * 2**20}"}}\n', "Line 1: .*1 MiB"),
        ("github_com_name\nAna\n", "Line 1: .*github_com_login"),
        ("github_com_login,github_com_login\nana,ana\n", "Line 1: .*twice"),
        ("github_com_login,github_com_name\nana\n", "Line 2: 1 cells"),
        ('github_com_login,github_com_name\nana,"x\ny"\n\n"b"ob,x\n', "Line 5: .*CSV"),
        ("github_com_login,github_com_user\nana,perhaps\n", "Line 2: .*perhaps"),
        ("github_com_login,enterprise_server_user_ids\nana,nonsense\n", "Line 2: .*nonsense"),
        (f"github_com_login,enterprise_server_user_ids\nana,ghes1.example:{'1' * 5000}\n", "Line 2: .*user id"),
        (f"github_com_login,enterprise_server_user_ids\nana,{'x' * 254}:1\n", "Line 2: .*user id"),
        (f'{{"id": 1, "login": "ana", "x": {"[" * 50_000}{"]" * 50_000}}}\n', "Line 1: not a whole JSON"),
        ('{"id": 0, "login": "ana"}\n', "Line 1: “id”: the number is too small or too large$"),
        (f'{{"id": 1, "login": "ana", "name": "{"y" * 1001}"}}\n', "Line 1: “name”: more than 1000 characters$"),
        ('{"id": 1, "login": "ana", "visual_studio": 4}\n', "Line 1: “visual_studio”: an object .* or null belongs"),
        (
            '{"id": 1, "login": "ana", "identities": [{"attribute": "x", "value": "y"}]}\n',
            "Line 1: “identities”, entry 1, “attribute”: not one of the values that this field can have$",
        ),
    ],
)
def test_bad_file_names_its_line_and_changes_nothing(ledger: Ledger, text: str | bytes, message: str) -> None:
    import_members(ledger, member(7, "kept"))

    with pytest.raises(MembersInvalid, match=message):
        _read(ledger, text)

    ledger.refresh_from_db()
    assert _logins(ledger) == ["kept"]
    assert ledger.revision == 1


def test_removing_many_asks_first(ledger: Ledger) -> None:
    import_members(ledger, *MANY)

    with pytest.raises(ShrinkNotAllowed) as refusal:
        _read(ledger, ndjson(*MANY[:29]).getvalue())

    assert (refusal.value.removed, refusal.value.held) == (21, 50)
    assert len(_logins(ledger)) == 50


def test_file_of_a_header_only_asks_before_it_removes_everybody(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"))

    with pytest.raises(ShrinkNotAllowed):
        _read(ledger, "github_com_login\n")

    assert _logins(ledger) == ["ana"]


def test_removing_many_is_possible_when_it_is_meant(ledger: Ledger) -> None:
    import_members(ledger, *MANY)

    assert _read(ledger, ndjson(*MANY[:5]).getvalue(), allow_shrink=True).removed == 45


def test_preview_says_the_same_and_changes_nothing(ledger: Ledger) -> None:
    import_members(ledger, *MANY)
    before = people(ledger)

    change = services.preview_members(ledger=ledger, stream=ndjson(member(1, "renamed"), member(99, "new")), at=NOW)

    assert (change.added, change.changed, change.removed, change.licenses_after) == (1, 1, 49, 2)
    assert change.needs_confirmation
    assert people(ledger) == before
    assert AuditEvent.objects.filter(action="members.import").count() == 1


def test_import_is_audited(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"))

    event = AuditEvent.objects.get(action="members.import")

    assert event.after == {"added": 1, "changed": 0, "removed": 0}


def test_new_member_takes_over_the_account_of_a_lone_address(ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.example"), [(1, "ana@octo.example")])

    import_members(ledger, member(1, "ana", emails=[{"email": " ANA@octo.example ", "verified": True}]))

    assert people(ledger) == [("ana", ("ghes1.example:1",), False, False)]
    assert ServerAccount.objects.get().rule == ServerAccount.Rule.VERIFIED


def test_removed_member_leaves_the_account_to_its_address(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana", identities=[{"attribute": "NameID", "value": "ana@octo.example"}]))
    sync(connect(ledger, "ghes1.example"), [(1, "ana@octo.example")])

    import_members(ledger)

    assert people(ledger) == [("", ("ghes1.example:1",), False, False)]


def test_unverified_address_is_kept_and_never_matches(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana", emails=[{"email": "ana@octo.example", "verified": False}]))

    sync(connect(ledger, "ghes1.example"), [(1, "ana@octo.example")])

    assert consumption.totals(ledger).consumed == 2
    assert MemberAddress.objects.get().rank == MemberAddress.Rank.OTHER


@pytest.mark.parametrize(
    ("fields", "consumes"),
    [
        ({"member_roles": ["octo:Owner"]}, True),
        ({"member_roles": ["octo/site:Collaborator"]}, False),
        ({"member_roles": [], "pending_invites": ["octo"]}, True),
        ({"member_roles": [], "failed_invites": ["octo"]}, False),
        ({"member_roles": [], "enterprise_roles": ["owner"]}, False),
        ({"member_roles": ["octo:Member"], "suspended": True}, False),
        ({"member_roles": [], "outside_collaborator": [{"repository": "o/r", "visibility": "internal"}]}, True),
        ({"member_roles": [], "outside_collaborator": [{"repository": "o/r", "visibility": "public"}]}, False),
    ],
)
def test_who_consumes_on_the_cloud(ledger: Ledger, fields: dict[str, object], consumes: bool) -> None:
    import_members(ledger, member(1, "ana", **fields))

    assert Member.objects.get().is_license_consuming is consumes
    assert consumption.totals(ledger).consumed == int(consumes)


REPORT = """\
github_com_login,github_com_name,enterprise_server_user_ids,github_com_user,github_com_verified_domain_emails,\
github_com_saml_name_id,visual_studio_license_status,visual_studio_subscription_email
ana,Ana,"ghes1.example:4, 5:GHES2.example:user",true,"ana@octo.example, a@octo.example",ana@idp.example,,
bob,'=Bob,,false,,,Matched,bob@vs.example
,,ghes1.example:9,false,,,,
"""


def test_report_gives_members_addresses_and_links(ledger: Ledger) -> None:
    change = _read(ledger, "\ufeff" + REPORT)

    ana, bob = Member.objects.order_by("number")
    assert change.members == 2
    assert (ana.is_license_consuming, bob.is_license_consuming) == (True, False)
    assert (bob.name, bob.has_matched_subscription) == ("=Bob", True)
    assert set(MemberAddress.objects.values_list("rank", "value")) == {
        (1, "ana@idp.example"),
        (2, "a@octo.example"),
        (2, "ana@octo.example"),
    }


def test_link_of_the_report_goes_before_every_address(ledger: Ledger) -> None:
    _read(ledger, REPORT)
    sync(connect(ledger, "ghes1.example"), [(4, "somebody@else.example"), (9, "ana@octo.example")])

    rules = dict(ServerAccount.objects.values_list("user_id", "rule"))

    assert rules == {4: ServerAccount.Rule.LINKED, 9: ServerAccount.Rule.VERIFIED}


def test_report_keeps_the_number_of_a_known_login(ledger: Ledger) -> None:
    import_members(ledger, member(40, "Bob"))

    _read(ledger, REPORT)

    assert dict(Member.objects.values_list("login", "number")) == {"bob": 40, "ana": 41}


def test_number_of_queries_does_not_grow_with_the_file(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"))
    with CaptureQueriesContext(connection) as few:
        import_members(ledger, member(1, "ana"), member(2, "bob"))

    with CaptureQueriesContext(connection) as many:
        import_members(ledger, member(1, "ana"), member(2, "bob"), *MANY[2:])

    assert len(many) == len(few)
