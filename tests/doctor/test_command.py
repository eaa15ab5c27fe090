"""The command doctor: a line per check, the exit status, JSON, and a bundle that holds no secret and nobody."""

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries, Settings

from cloud.doctor import cloud_checks, ledgers_to_check
from cloud.models import Installation
from config.support_bundle import redacted
from connect.client import CloudClient
from connect.failures import InstallationGone, NotAuthorized
from connect.models import Connection, Server
from enterprises.doctor import Check, Status, local_checks, summary
from enterprises.models import User
from enterprises.secrets import new_secret
from licensesync.doctor import server_checks, servers_to_check
from licensesync.models import SeatSource, SyncJob, SyncJobEvent
from tests.connect.connections import app_key_pem
from tests.doctor import listeners
from tests.support.line import connect, make_ledger, make_server
from tests.support.wsgi_adapter import WsgiAdapter

pytestmark = [pytest.mark.django_db, pytest.mark.allow_hosts(["127.0.0.1", "::1"])]

PLANTED = ("planted-in-settings-0123456789", "planted.person@octo.example", "planted-password", "planted-login")


@pytest.fixture
def server(owner: User) -> Server:
    return make_server("octo-server", owner=owner)


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def finding(status: Status, name: str = "Disk") -> Check:
    return Check(about="This console", name=name, status=status, seen="As seen.")


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ([finding(Status.OK)], "1 check, and nothing wrong."),
        ([finding(Status.OK), finding(Status.OK), finding(Status.NOT_APPLICABLE)], "2 checks, and nothing wrong."),
        (
            [finding(Status.OK), finding(Status.WARNING)],
            "1 of 2 checks warns. Begin with “Disk” of This console.",
        ),
        (
            [finding(Status.WARNING), finding(Status.FAILED, "Beat"), finding(Status.FAILED, "Keys")],
            "2 of 3 checks failed. Begin with “Beat” of This console.",
        ),
    ],
)
def test_one_sentence_sums_up_and_says_where_to_begin(checks: list[Check], said: str) -> None:
    assert summary(checks).text == said


def test_a_line_for_each_check_and_status_0_where_none_failed(server: Server, settings: Settings) -> None:
    with listeners.cloud() as url:
        settings.CLOUD_URLS = [url]
        code, said = run()

    assert code == 0
    assert f"{url}: Clock: Both clocks agree" in said
    assert "FIELD_ENCRYPTION_KEYS opens all" in said
    assert "Seats: No seats were imported yet. Next: Import the seats" in said


def test_status_1_where_one_failed(server: Server, settings: Settings) -> None:
    settings.CLOUD_URLS = [listeners.refused_port()]

    code, said = run("--json")

    found = json.loads(said)
    failed = [check["name"] for check in found["checks"] if check["status"] == "failed"]
    assert code == 1
    assert found["failed"]
    assert failed == ["Reachability"]


def test_a_broker_that_is_gone(settings: Settings) -> None:
    settings.BROKER_CACHE_URL = "unix:///nowhere/valkey.sock?db=0"

    assert named(local_checks(), "Broker").status == Status.FAILED


def test_secrets_that_no_key_opens(server: Server) -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE connect_server SET identity_key = 'not-ours' WHERE id = %s", [server.pk])

    keys = named(local_checks(), "Encryption keys")

    assert keys.status == Status.FAILED
    assert "does not open 1 of" in keys.seen


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.local_checks.LITTLE_SPACE", 2**60)

    assert named(local_checks(), "Disk space").status == Status.WARNING


def test_free_space_is_written_as_the_reader_writes_numbers() -> None:
    with translation.override("fr"):
        seen = named(local_checks(), "Espace disque").seen

    assert re.search(r"\d,\d Gio libres", seen)


def test_old_seats_and_a_job_that_nobody_begins(server: Server, settings: Settings) -> None:
    settings.CLOUD_URLS = []
    now = timezone.now()
    SeatSource.objects.create(
        server=server, taken_at=now - timedelta(days=30), imported_at=now, accounts=1, license_consuming=1
    )
    SyncJob.objects.create(
        connection=server.connection, slot="sync", kind="usage", trigger="person", created_at=now - timedelta(hours=1)
    )

    found = server_checks(servers_to_check, now)

    assert named(found, "Seats").status == Status.WARNING
    assert named(found, "Worker").status == Status.FAILED
    assert named(found, "Clouds").status == Status.WARNING


def test_the_cloud_says_what_it_saw_of_each_server(server: Server, owner: User) -> None:
    ledger = make_ledger("octo", owner=owner)
    connect(server, ledger.enterprise, owner=owner)
    now = timezone.now()
    Installation.objects.update(last_sync_at=now - timedelta(days=9), last_status="success")

    found = cloud_checks(ledgers_to_check, now)

    seen = named(found, "Server as last seen")
    assert seen.status == Status.WARNING
    assert "Stale." in seen.seen
    assert "last heard on" in seen.seen
    assert "never connects to a server" in seen.next_step
    assert named(found, "Receipt key").status == Status.OK


def test_the_cloud_sends_to_the_servers_license_page_where_the_reason_is_known(server: Server, owner: User) -> None:
    ledger = make_ledger("octo", owner=owner)
    connect(server, ledger.enterprise, owner=owner)
    now = timezone.now()
    Installation.objects.update(
        last_sync_at=now, last_status="failure", last_error="The server never finished sending."
    )

    seen = named(cloud_checks(ledgers_to_check, now), "Server as last seen")

    assert seen.status == Status.FAILED
    assert "License page" in seen.next_step
    assert "Sync now" not in seen.next_step


def test_french_keeps_its_space_before_a_colon(server: Server, owner: User) -> None:
    ledger = make_ledger("octo", owner=owner)
    connect(server, ledger.enterprise, owner=owner)
    now = timezone.now()
    reason = "The server never finished sending."
    Installation.objects.update(last_sync_at=now, last_status="failure", last_error=reason)

    with translation.override("fr"):
        seen = named(cloud_checks(ledgers_to_check, now), "Serveur, vu la dernière fois")

    assert seen.seen.startswith("Échec de synchronisation\N{NO-BREAK SPACE}: ")


def test_the_app_is_accepted_until_the_cloud_forgets_it(server: Server, owner: User) -> None:
    ledger = make_ledger("octo", owner=owner)
    connection = connect(server, ledger.enterprise, owner=owner)

    with CloudClient(connection, WsgiAdapter()) as cloud:
        cloud.check_app()
        Installation.objects.update(state=Installation.State.DISCONNECTED)
        with pytest.raises(InstallationGone):
            cloud.check_app()


def test_asking_who_we_are_asks_no_database(
    server: Server, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """A thread that did would leave its connection to the database open."""
    with listeners.cloud() as url:
        settings.CLOUD_URLS = [url]
        Connection.objects.update(
            state="connected", cloud_url=url, app_id=42, installation_id=42, app_key=app_key_pem()
        )
        connection = Connection.objects.get()
        with django_assert_num_queries(0), CloudClient(connection) as cloud, pytest.raises(NotAuthorized):
            cloud.check_app()


def test_credentials_that_the_cloud_refuses(server: Server, settings: Settings) -> None:
    with listeners.cloud() as url:
        settings.CLOUD_URLS = [url]
        Connection.objects.update(
            state="connected", cloud_url=url, app_id=42, installation_id=42, app_key=app_key_pem()
        )
        found = server_checks(servers_to_check, timezone.now())

    credentials = named(found, "Credentials")
    assert credentials.status == Status.FAILED
    assert "does not accept the credentials" in credentials.seen


def test_the_bundle_holds_no_secret_and_nobody(server: Server, settings: Settings, tmp_path: Path) -> None:
    token, file = new_secret(), tmp_path / "bundle.zip"
    settings.SECRET_KEY = PLANTED[0]
    settings.SECRET_KEY_FALLBACKS = ["planted-and-older-0123456789"]
    settings.METRICS_TOKEN = "planted-token-of-metrics"
    settings.HTTPS_PROXY = f"http://octo:{PLANTED[2]}@proxy.invalid:3128"
    settings.NO_PROXY = f"{PLANTED[0]},{token},{settings.SECRET_KEY_FALLBACKS[0]},{settings.METRICS_TOKEN}"
    settings.CLOUD_URLS = [listeners.refused_port()]
    Connection.objects.update(token=token, pending_app_key=app_key_pem())
    job = SyncJob.objects.create(
        connection=server.connection,
        slot="sync",
        kind="usage",
        trigger="person",
        created_at=timezone.now(),
        error=f"{PLANTED[1]} {token}",
        error_code="timeout",
    )
    words = {"who": PLANTED[1], "token": f"Bearer {token}", "code": "timeout", "parts": 3, "login": [PLANTED[3]]}
    SyncJobEvent.objects.create(job=job, at=timezone.now(), event="failed", data=words)

    run("--bundle", str(file))

    with zipfile.ZipFile(file) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    everything = "\n".join(texts.values())
    kept = (
        *PLANTED,
        settings.METRICS_TOKEN,
        *settings.SECRET_KEY_FALLBACKS,
        token,
        "PRIVATE KEY",
        "@",
        *settings.FIELD_ENCRYPTION_KEYS,
    )
    assert [secret for secret in kept if secret in everything] == []
    assert set(texts) == {"doctor.json", "versions.json", "settings.json", "jobs.json"}
    rows = json.loads(texts["jobs.json"])
    assert rows["jobs"][0]["error_code"] == "timeout"
    assert rows["events"][0]["data"] == {"code": "timeout", "parts": 3}


def test_configured_secret_is_taken_out_as_json_spells_it(settings: Settings) -> None:
    settings.METRICS_TOKEN = 'planted"token\\of the\tmetrics'

    assert (
        redacted(json.dumps({"seen": f"before {settings.METRICS_TOKEN} after"})) == '{"seen": "before [removed] after"}'
    )


@pytest.mark.parametrize(
    "secret",
    [
        "lss_" + "a" * 43,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI0MiJ9.c2lnbmF0dXJl",
        "gAAAAABo" + "b" * 60,
        "planted.person@octo.example",
        "Bearer 0123456789abcdef0123",
    ],
)
def test_what_looks_like_a_secret_is_taken_out_wherever_it_stands(secret: str) -> None:
    text = redacted(f'{{"seen": "before {secret} after"}}')

    assert secret not in text
    assert text == '{"seen": "before [removed] after"}'
