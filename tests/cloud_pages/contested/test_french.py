"""What is stored in English is read in the language of whoever looks at it."""

from django.test import Client

from cloud.applying import note_refusal
from cloud.models import Installation, Ledger
from cloud.services import disconnect_installation
from tests.cloud.books import NOW
from wire.messages import ErrorCode


def test_refusal_is_told_in_french_and_kept_in_english(owner_client: Client, contested: Ledger) -> None:
    installation = contested.installations.get(hostname="ghes1.octo.example")
    note_refusal(installation, ErrorCode.SUPERSEDED, NOW)

    page = owner_client.get("/enterprises/octo/licensing", headers={"accept-language": "fr"}).content.decode()

    assert "Entre-temps, un instantané plus récent de ce serveur a été appliqué." in page
    stored = Installation.objects.get(pk=installation.pk).last_error
    assert stored == "A newer snapshot of this server was applied in the meantime."
    assert "Un propriétaire du serveur en décide" not in page


def test_refusal_that_an_owner_of_the_server_decides_says_so(owner_client: Client, contested: Ledger) -> None:
    installation = contested.installations.get(hostname="ghes1.octo.example")
    note_refusal(installation, ErrorCode.SHRINK_UNCONFIRMED, NOW)

    pages = [
        owner_client.get("/enterprises/octo/licensing", headers={"accept-language": language}).content.decode()
        for language in ("en", "fr")
    ]

    assert "An owner of the server decides it on the GitHub Connect page of the server." in pages[0]
    assert "Un propriétaire du serveur en décide sur la page GitHub Connect du serveur." in pages[1]


def test_sync_that_disable_cut_short_is_told_in_french_once_the_server_is_back(
    owner_client: Client, contested: Ledger
) -> None:
    installation = contested.installations.get(hostname="ghes1.octo.example")
    servers = Installation.objects.filter(pk=installation.pk)
    servers.update(last_status=Installation.SyncStatus.PENDING)
    disconnect_installation(installation=installation, by=None, at=NOW)
    servers.update(state=Installation.State.CONNECTED)

    page = owner_client.get("/enterprises/octo/licensing", headers={"accept-language": "fr"}).content.decode()

    assert "Le serveur a été déconnecté." in page
