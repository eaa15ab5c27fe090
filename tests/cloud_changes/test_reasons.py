"""One story for each kind of reason: what happened, and what the revision says why."""

from __future__ import annotations

import io
from typing import Any

import pytest

from cloud import consumption, services
from cloud.models import ConsumedLicense, Installation, Ledger, Reason
from tests.cloud.books import NOW, connect, import_members, member, sync

pytestmark = pytest.mark.django_db

MONA = (1, "mona@octo.example")


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def told(ledger: Ledger) -> dict[str, int]:
    """The reasons of the last revision; their sum is what it did to the number."""
    ledger.refresh_from_db()
    kept = ledger.revisions.get(number=ledger.revision)
    counts = list(kept.reasons.all())
    assert sum(Reason(row.reason).effect * row.people for row in counts) == kept.licenses_after - kept.licenses_before
    return {row.reason: row.people for row in counts}


def mona(*addresses: str, **fields: Any) -> dict[str, Any]:
    return member(7, "mona", emails=[{"email": address, "verified": True} for address in addresses], **fields)


def test_new_address_of_somebody_who_is_nobody_else_changes_no_number(ledger: Ledger, server: Installation) -> None:
    sync(server, [MONA])
    sync(server, [(1, "mona@new.example")])

    assert told(ledger) == {"readdressed": 1}


def test_two_accounts_that_part_are_one_license_more_and_one_less_when_they_meet(
    ledger: Ledger, server: Installation
) -> None:
    sync(server, [MONA, (2, "mona@octo.example")])

    sync(server, [MONA, (2, "mona@new.example")])
    assert told(ledger) == {"unmatched_address": 1, "stayed_unmatched": 1}
    sync(server, [MONA, (2, "mona@octo.example")])
    assert told(ledger) == {"matched_address": 1, "stayed_matched": 1}


def test_both_accounts_of_a_person_who_take_other_addresses_are_that_person_and_one_more(
    ledger: Ledger, server: Installation
) -> None:
    sync(server, [MONA, (2, "mona@octo.example")])
    sync(server, [(1, "m@new.example"), (2, "m@other.example")])

    assert told(ledger) == {"readdressed": 1, "unmatched_address": 1}


def test_account_follows_the_addresses_of_a_member(ledger: Ledger, server: Installation) -> None:
    import_members(ledger, mona())
    sync(server, [MONA])

    import_members(ledger, mona("mona@octo.example"))
    assert told(ledger) == {"matched_member": 1, "stayed_matched": 1}
    import_members(ledger, mona())
    assert told(ledger) == {"unmatched_member": 1, "stayed_unmatched": 1}


def test_member_without_a_cloud_license_is_whom_the_address_named_before(ledger: Ledger, server: Installation) -> None:
    sync(server, [MONA])
    import_members(ledger, mona("mona@octo.example", suspended=True))

    assert told(ledger) == {"readdressed": 1}


def test_whose_cloud_license_comes_with_a_matched_account_joined(ledger: Ledger, server: Installation) -> None:
    sync(server, [MONA])
    import_members(ledger, mona("mona@octo.example"))

    assert told(ledger) == {"joined": 1, "matched_member": 1}


def test_cloud_license_beside_a_servers_changes_no_number(ledger: Ledger, server: Installation) -> None:
    import_members(ledger, mona("mona@octo.example", suspended=True))
    sync(server, [MONA])

    import_members(ledger, mona("mona@octo.example"))
    assert told(ledger) == {"stayed_joined": 1}
    import_members(ledger, mona("mona@octo.example", suspended=True))
    assert told(ledger) == {"stayed_left": 1}


def test_subscription_takes_and_gives_back(ledger: Ledger) -> None:
    subscription = {"email": "mona@octo.example", "status": "Matched"}
    import_members(ledger, mona())

    import_members(ledger, mona(visual_studio=subscription))
    assert told(ledger) == {"subscription_began": 1}
    import_members(ledger, mona())
    assert told(ledger) == {"subscription_ended": 1}


def test_subscriber_comes_and_goes_uncounted(ledger: Ledger) -> None:
    import_members(ledger, mona(visual_studio={"email": "", "status": "Matched"}))
    assert told(ledger) == {"came_subscribed": 1}

    import_members(ledger)
    assert told(ledger) == {"went_subscribed": 1}


def test_change_of_other_addresses_is_no_move(ledger: Ledger, server: Installation) -> None:
    """The line of an account differs, its person does not: the account that came is a new one."""
    sync(server, [MONA])
    held = ledger.licenses.get()
    server.server_accounts.update(line="as a former version worded it")
    server.refresh_from_db()

    sync(server, [MONA, (2, "mona@octo.example")])

    assert told(ledger) == {"stayed_new_account": 1}
    assert ledger.licenses.get() == held


def test_new_name_of_a_server_loses_the_links_of_the_report(ledger: Ledger, server: Installation) -> None:
    report = b'github_com_login,github_com_user,enterprise_server_user_ids\nmona,true,"ghes1.octo.example:1"\n'
    services.import_members(ledger=ledger, stream=io.BytesIO(report), format="csv", by=None, at=NOW)
    sync(server, [MONA])

    services.rename_installation(installation=server, hostname="ghes9.octo.example", at=NOW)
    assert told(ledger) == {"unmatched_rename": 1, "stayed_unmatched": 1}
    services.rename_installation(installation=server, hostname="ghes1.octo.example", at=NOW)
    assert told(ledger) == {"matched_rename": 1, "stayed_matched": 1}


def test_removed_server_and_suspended_or_former_members(ledger: Ledger, server: Installation) -> None:
    import_members(ledger, mona("mona@octo.example"), member(8, "sam"), member(9, "lena"))
    sync(server, [MONA, (2, None)])

    services.remove_installation(installation=server, by=None, at=NOW)
    assert told(ledger) == {"server_removed": 1, "stayed_account_gone": 1}
    import_members(ledger, mona("mona@octo.example"), member(8, "sam", suspended=True))
    assert told(ledger) == {"suspended": 1, "left": 1}


def test_recount_that_puts_something_right_says_so(ledger: Ledger, server: Installation) -> None:
    sync(server, [MONA, (2, None), (3, None)])
    ConsumedLicense.objects.filter(label="mona@octo.example").delete()
    ConsumedLicense.objects.filter(label__endswith=":2").update(person_key="a:nobody@octo.example")
    Ledger.objects.update(consumed=2)

    consumption.recount_all(ledger, NOW)

    assert told(ledger) == {"recount_added": 2, "recount_removed": 1}
