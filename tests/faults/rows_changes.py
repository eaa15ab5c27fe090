"""What people do while a sync is under way, and what becomes of a server that was copied or renamed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.faults import people
from tests.faults.proxy import Rule, hold, lose_answer
from tests.faults.rig import CONNECTION, INSTALLATION, INTAKE_PART, SLUG
from tests.faults.rows import Scene, row
from tests.faults.rows_line import COMMIT, PART

ROLE = "enterprises.Role"
MANY = 8


def _in_mid_upload(scene: Scene) -> Rule:
    """Ask for a sync, and hold its second part on the way; the first one has arrived."""
    rule = scene.line.on(*PART, hold)
    scene.request()
    rule.wait()
    assert scene.cloud.ask("rows", INTAKE_PART, "number") == [{"number": 1}]
    return rule


@row("answer of the conversion lost")
def conversion_lost(scene: Scene) -> None:
    """Another server of the account is connected in a browser, while the first one syncs as ever."""
    scene.rig.add_server("ghes3")
    browser = scene.owner()
    page = f"{scene.server.url}/enterprises/ghes3/settings/dotcom_connection"
    consent = browser.get(browser.post(f"{page}/enable", cloud_url=scene.line.url).location)
    back = browser.post(consent.url.partition("?")[0], **consent.form_with(account="octo")).location
    rule = scene.line.on("POST", "/conversions$", lose_answer)
    browser.get(back)
    rule.wait()
    mine = {"server__enterprise__slug": "ghes3"}
    assert scene.server.ask("rows", CONNECTION, "state", **mine) == [{"state": "pending"}]
    browser.post(f"{page}/retry")
    # Its first record is due at once, and not what this is about.
    scene.server.ask("postpone")
    (held,) = scene.server.ask("rows", CONNECTION, "state", "installation_id", **mine)
    (made,) = scene.cloud.ask("rows", INSTALLATION, "id", "state", hostname="ghes3.octo.example")
    assert held == {"state": "connected", "installation_id": made["id"]}
    assert made["state"] == "connected"
    scene.request()


@row("eight people press Sync now at once")
def eight_at_once(scene: Scene) -> None:
    browser = scene.owner()
    address = f"{scene.server.url}/enterprises/{SLUG}/settings/license/sync"
    with ThreadPoolExecutor(MANY) as pool:
        pages = list(pool.map(lambda _person: browser.post(address), range(MANY)))
    assert {page.status for page in pages} == {302}


@row("seats imported while a sync runs")
def seats_imported(scene: Scene) -> None:
    """What was frozen arrives, whole and nothing else; the next sync brings the rest."""
    rule = _in_mid_upload(scene)
    scene.rig.import_seats(people.seats(next(scene.rig.numbers)))
    rule.end()


@row("members imported while two servers commit")
def members_imported(scene: Scene) -> Iterator[None]:
    others = people.seats(next(scene.rig.numbers), "ghes2.octo.example")
    scene.rig.add_server("ghes2")
    scene.rig.connect("ghes2")
    scene.rig.import_seats(others, "ghes2")
    rule = scene.line.on(*COMMIT, hold, times=2)
    scene.request()
    scene.server.ask("request", "ghes2")
    rule.wait()
    rule.wait()
    scene.others = {"ghes2": others}
    # Two have gone, and the others have each other's addresses.
    numbers = sorted(people.MEMBERS)[2:]
    addresses = [people.MEMBERS[number].addresses for number in reversed(numbers)]
    scene.members = {
        number: replace(people.MEMBERS[number], addresses=held) for number, held in zip(numbers, addresses, strict=True)
    }
    scene.cloud.helper.begin("manage", scene.rig.members_import(scene.members))
    rule.end()
    scene.cloud.helper.end()
    yield
    scene.rig.import_members(people.MEMBERS)
    scene.cloud.ask("remove", "ghes2.octo.example")


@row("license sync disabled in mid-upload", ends="sync_disabled")
def sync_disabled(scene: Scene) -> Iterator[None]:
    rule = _in_mid_upload(scene)
    scene.server.manage("license_sync", SLUG, "disable")
    rule.end()
    yield
    scene.rig.enable_sync()


@row("GitHub Connect disabled in mid-upload", ends="not_connected")
def connect_disabled(scene: Scene) -> Iterator[None]:
    rule = _in_mid_upload(scene)
    scene.server.manage("disconnect_enterprise", SLUG)
    rule.end()
    yield
    scene.rig.connect()


@row("server removed on the cloud in mid-upload", ends="installation_gone", purges=True)
def removed(scene: Scene) -> Iterator[None]:
    rule = _in_mid_upload(scene)
    scene.cloud.ask("remove", people.HOSTNAME)
    assert scene.cloud.ask("rows", INTAKE_PART, "id") == []
    rule.end()
    yield
    scene.server.manage("disconnect_enterprise", SLUG)
    scene.rig.connect()


@row("owner loses every role in mid-upload")
def role_lost(scene: Scene) -> Iterator[None]:
    """The sync is the server's and not the person's, who cannot even see it any more."""
    browser = scene.owner()
    page = f"{scene.server.url}/enterprises/{SLUG}/settings/license"
    rule = scene.line.on(*PART, hold)
    assert browser.post(f"{page}/sync").status == 302
    rule.wait()
    for side in scene.rig.sides:
        side.ask("delete", ROLE)
    assert browser.get(page).status == 404
    assert browser.post(f"{page}/sync/cancel", job=str(scene.jobs()[-1]["id"])).status == 404
    rule.end()
    yield
    scene.rig.give_roles()


@row("server cloned")
def cloned(scene: Scene) -> Iterator[None]:
    """The copy is stopped before it overwrites what the original sent; an owner says that it is a copy."""
    with scene.rig.clone() as clone:
        scene.request()
        yield
        held = scene.rig.holds()
        refused = clone("sync_here", SLUG)
        assert refused == {"state": "failed", "error_code": "revision_conflict"}
        assert scene.is_explained("revision_conflict")
        clone("manage", ["resolve_conflict", SLUG, "--copy", "--hostname", "copy.octo.example"])
        assert clone("rows", CONNECTION, "state", server__enterprise__slug=SLUG) == [{"state": "not_connected"}]
        assert scene.rig.holds() == held


@row("hostname changed", ends="hostname_changed")
def renamed(scene: Scene) -> Iterator[None]:
    accounts = scene.accounts
    scene.server.manage("rename_server", SLUG, "renamed.octo.example")
    scene.request()
    yield
    # It was renamed on purpose: an owner says so, and the cloud follows.
    scene.server.manage("resolve_conflict", SLUG, "--original")
    scene.rig.settle()
    scene.accounts, scene.others = {}, {"renamed": accounts}
    yield
    scene.server.manage("rename_server", SLUG, people.HOSTNAME)
    scene.request()
    scene.rig.settle()
    scene.server.manage("resolve_conflict", SLUG, "--original")
    scene.rig.settle()
