"""One of everything that an address can be about, owned by the owner; and what the stranger owns elsewhere."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from cloud import applying, usage_files
from cloud.domains.proving import CODE_LIFETIME, add
from cloud.models import Installation, Ledger, Suspect
from cloud.services import import_members
from cloud.statements import make_now
from connect.handshake import start
from enterprises.founding import Particulars, found
from enterprises.models import ApiToken, Deployment, Enterprise, RoleName, StagedUpload, User
from enterprises.secrets import digest, new_secret
from enterprises.services import create_api_token, grant_role
from enterprises.uploads import stage_upload
from licensesync.models import Schedule, SyncJob
from licensesync.services import set_license
from tests.support.line import callback
from tests.support.usage_files import FileServer, lines_for

SEATS = b"created_at,id,login,email\n2026-01-01,7,mona,mona@octo.example\n"
MEMBERS = b'{"id": 1, "login": "mona", "member_roles": ["octo:Owner"]}\n'


@dataclass(frozen=True)
class World:
    """`things` fills in the addresses of the table; `elsewhere` names the stranger's own places instead."""

    things: dict[str, str]
    elsewhere: dict[str, str]
    people: dict[str, User]


def make_world(owner: User, billing_manager: User, stranger: User) -> World:
    server = _found("octo-server", Deployment.SERVER, owner, billing_manager)
    cloud = _found("octo", Deployment.CLOUD, owner, billing_manager)
    _found("other-server", Deployment.SERVER, stranger)
    _found("other", Deployment.CLOUD, stranger)
    things = {
        "server": server.slug,
        "cloud": cloud.slug,
        **_things_of_server(server, owner),
        **_things_of_cloud(cloud, owner),
        "token": str(create_api_token(user=owner, scopes=["read:enterprise"], at=timezone.now()).token.pk),
        "uuid": str(uuid4()),
    }
    elsewhere = things | {"server": "other-server", "cloud": "other"}
    return World(things, elsewhere, people={"stranger": stranger, "billing_manager": billing_manager, "owner": owner})


def with_manifest(world: World) -> World:
    """With a request to be connected, which costs an RSA key, and holds for minutes only."""
    manifest = {"manifest": _manifest(world.people["owner"])}
    return replace(world, things=world.things | manifest, elsewhere=world.elsewhere | manifest)


def bearer(user: User, *scopes: str) -> dict[str, str]:
    """The header of a token of this person; the services make none without a scope, so that one is written directly."""
    now = timezone.now()
    if scopes:
        secret = create_api_token(user=user, scopes=scopes, at=now).secret
    else:
        secret = new_secret()
        ApiToken.objects.create(user=user, name="bare", digest=digest(secret), scopes=[], created_at=now)
    return {"authorization": f"Bearer {secret}"}


def _found(slug: str, deployment: Deployment, owner: User, billing_manager: User | None = None) -> Enterprise:
    particulars = Particulars(hostname=f"{slug}.example", seats=10)
    at = timezone.now()
    enterprise = found(slug=slug, deployment=deployment, particulars=particulars, owner=owner, at=at)
    if billing_manager is not None:
        grant_role(user=billing_manager, enterprise=enterprise, role=RoleName.BILLING_MANAGER, at=at)
    return enterprise


def _things_of_server(enterprise: Enterprise, owner: User) -> dict[str, str]:
    set_license(server=enterprise.server, customer="Octo", seats=10, by=owner, at=timezone.now())
    # What its receipt says does not matter here; that there is one does.
    job = SyncJob.objects.create(
        connection=enterprise.server.connection,
        slot=Schedule.Slot.SYNC,
        kind=SyncJob.Kind.USAGE,
        trigger=SyncJob.Trigger.PERSON,
        state=SyncJob.State.SUCCEEDED,
        created_at=timezone.now(),
        finished_at=timezone.now(),
        receipt="a.b.c",
    )
    return {
        "seats_file": _staged(enterprise, "seats", SEATS, owner),
        "receipt_file": _receipt_to_confirm(enterprise, owner),
        "job": str(job.pk),
    }


def _receipt_to_confirm(enterprise: Enterprise, owner: User) -> str:
    """Whose key nobody has compared yet; what it says does not matter here."""
    said = {
        "sync_id": str(uuid4()),
        "server_id": str(enterprise.server.server_id),
        "hostname": "ghes.octo.example",
        "account": "octo",
        "sha256": "",
        "revision": 1,
        "taken_at": "2026-03-01T12:00:00Z",
        "applied_at": "2026-03-01T12:00:00Z",
    } | dict.fromkeys(("accounts", "added", "changed", "removed", "licenses_before", "licenses_after"), 0)
    pk = _staged(enterprise, "receipt", b"{}", owner)
    review = {"receipt": said, "fingerprint": "0000", "is_change": False, "adopt": False}
    StagedUpload.objects.filter(pk=pk).update(review=review)
    return pk


def _things_of_cloud(enterprise: Enterprise, owner: User) -> dict[str, str]:
    ledger = enterprise.ledger
    at = timezone.now()
    import_members(ledger=ledger, stream=io.BytesIO(MEMBERS), format="ndjson", by=owner, at=at)
    installation = Installation.objects.create(
        ledger=ledger, server_id=uuid4(), hostname="ghes.octo.example", app_key="", server_key="", created_at=at
    )
    add(ledger=ledger, domain="octo.example", by=owner, at=at - CODE_LIFETIME)
    return {
        "domain": "octo.example",
        "members_file": _staged(enterprise, "members", MEMBERS, owner),
        "installation": str(installation.pk),
        "person": str(ledger.licenses.get().pk),
        "revision": str(ledger.revisions.get().number),
        "duplicate": str(_proved_pair(ledger).pk),
        **_usage_files(ledger, owner),
        "statement": str(make_now(ledger=ledger, by=None, at=timezone.now()).pk),
    }


def _usage_files(ledger: Ledger, owner: User) -> dict[str, str]:
    """A file whose preview is ready, and one of a server that is not known."""
    at = timezone.now()
    known, unknown = FileServer("ghes7.octo.example", taken_at=at), FileServer("ghes8.octo.example", taken_at=at)
    Installation.objects.create(
        ledger=ledger,
        server_id=known.server_id,
        hostname=known.hostname,
        app_key="",
        server_key=known.server_key,
        created_at=at,
    )
    lines, name = lines_for([(1, "mona@octo.example")]), "usage.json"
    ready = usage_files.upload(ledger=ledger, stream=known.stream(lines), name=name, by=owner, at=at)
    applying.apply(ready.pk, timezone.now)
    with suppress(usage_files.UnknownServer):
        usage_files.upload(ledger=ledger, stream=unknown.stream(lines), name=name, by=owner, at=at)
    staged = StagedUpload.objects.get(purpose=usage_files.PURPOSE)
    return {"upload": str(ready.pk), "usage_file": str(staged.pk), "usage_fingerprint": unknown.fingerprint}


def _proved_pair(ledger: Ledger) -> Suspect:
    """Two who have become one: nothing but numbers."""
    at = timezone.now()
    return Suspect.objects.create(
        ledger=ledger,
        identity="0" * 64,
        kind=Suspect.Kind.SECONDARY,
        score=97,
        licenses_at_stake=1,
        found_at=at,
        found_revision=1,
        state=Suspect.State.CONFIRMED,
        state_at=at,
        first_license=ledger.licenses.get(),
    )


def _staged(enterprise: Enterprise, purpose: str, body: bytes, owner: User) -> str:
    upload = stage_upload(
        enterprise=enterprise,
        purpose=purpose,
        stream=io.BytesIO(body),
        name="file",
        by=owner,
        at=timezone.now(),
    )
    return str(upload.pk)


def _manifest(owner: User) -> str:
    """What a second server of the owner asks the cloud with."""
    enterprise = _found("second-server", Deployment.SERVER, owner)
    server = enterprise.server
    begun = start(
        connection=server.connection,
        cloud_url=settings.CLOUD_URLS[0],
        by=owner,
        at=timezone.now(),
        callback=callback(server),
    )
    return parse_qs(urlsplit(begun.url).query)["manifest"][0]
