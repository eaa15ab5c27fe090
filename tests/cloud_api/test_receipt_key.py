"""A server says which receipt key it has pinned: from then on its receipts come under it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from cloud import signer
from cloud.models import Installation
from enterprises.models import AuditEvent
from tests.cloud_api.servers import Api, code_of

PATH = "/enterprise-installation/receipt-key"


def test_accepted_key_is_kept_and_audited_once(server_api: Api, installation: Installation) -> None:
    kid = signer.rotate(timezone.now()).kid

    answers = [server_api.put(PATH, {"kid": kid}) for _each in range(2)]

    installation.refresh_from_db()
    assert [answer.status_code for answer in answers] == [204, 204]
    assert installation.receipt_kid == kid
    event = AuditEvent.objects.get(action="enterprise_installation.receipt_key_accepted")
    assert (event.target, event.before, event.after) == (installation.hostname, {"kid": ""}, {"kid": kid})


@pytest.mark.parametrize("body", [{"kid": "receipts-9"}, {"kid": ""}, {"kid": 1}, {}])
def test_key_that_is_none_of_the_clouds_is_refused(
    body: dict[str, object], server_api: Api, installation: Installation
) -> None:
    answer = server_api.put(PATH, body)

    installation.refresh_from_db()
    assert (answer.status_code, code_of(answer), installation.receipt_kid) == (422, "invalid_request", "")
