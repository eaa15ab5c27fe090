"""What the doctor sees of one cloud from here: name, proxy, certificate, answer, clock, and whether it is ours.

Nothing here asks the database, because each cloud is looked at in a thread of its own.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext as _

from connect.answers import date_of, problem_of
from connect.client import CloudClient
from connect.failures import CloudFailure, Unavailable, explain
from connect.models import Connection
from enterprises.doctor import Check, Status
from enterprises.outbound import Answer, Outbound, OutboundError, OutboundKind, origin_of
from enterprises.outbound_peers import is_exempt, proxy_for
from wire.messages import ErrorCode

CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 3.0
CERTIFICATE_ENDS_SOON: Final = timedelta(days=14)
CLOCKS_DIFFER: Final = timedelta(seconds=30)
CLOCKS_TOO_FAR_APART: Final = timedelta(days=1)
"""The client corrects itself by the cloud's clock up to this."""


def line_checks(cloud_url: str, connections: Sequence[Connection]) -> Iterator[Check]:
    """Look at one cloud; `connections` are those of the servers that are connected to this very cloud."""
    yield _proxy(cloud_url)
    name = _name(cloud_url)
    yield name
    if name.status == Status.FAILED:
        return
    sent_at = timezone.now()
    with Outbound(
        origin=cloud_url,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        deadline=READ_SECONDS,
    ) as http:
        try:
            # Without credentials the answer is a refusal in the words of a cloud, which counts as no guess there.
            answer = http.get(f"{cloud_url}/api/v3/app")
        except OutboundError as error:
            yield from _unreached(cloud_url, error)
            return
        yield _certificate(cloud_url, http.peer_certificate)
    yield _reached(cloud_url, answer)
    is_ours = _identity(cloud_url, answer)
    yield is_ours
    if is_ours.status != Status.FAILED:
        yield _clock(cloud_url, answer, sent_at, timezone.now())
        yield from _credentials(cloud_url, connections)


def _proxy(cloud_url: str) -> Check:
    proxy = proxy_for(cloud_url)
    name = _("Proxy")
    if proxy:
        # Without what stands before an @: a proxy's password is nobody's to read here.
        host = urlsplit(proxy).netloc.rpartition("@")[2]
        return _ok(cloud_url, name, _("Reached through the proxy %(host)s of HTTPS_PROXY.") % {"host": host})
    host = urlsplit(cloud_url).hostname or ""
    if urlsplit(cloud_url).scheme == "https" and is_exempt(host):
        return _ok(cloud_url, name, _("Reached directly: NO_PROXY names it, or it is this machine."))
    return _ok(cloud_url, name, _("Reached directly, without a proxy."))


def _name(cloud_url: str) -> Check:
    """With a proxy only the proxy's name is ours to resolve."""
    _scheme, host, port = origin_of(proxy_for(cloud_url) or cloud_url)
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return Check(
            about=cloud_url,
            name=_("Name resolution"),
            status=Status.FAILED,
            seen=_("The name %(host)s is not known to this machine.") % {"host": host},
            next_step=_("Check the spelling in CLOUD_URLS or HTTPS_PROXY, and the name server of this machine."),
        )
    seen = _("The name %(host)s is known (addresses: %(count)d).") % {"host": host, "count": len(found)}
    return _ok(cloud_url, _("Name resolution"), seen)


def _unreached(cloud_url: str, error: OutboundError) -> Iterator[Check]:
    explanation = explain(Unavailable(error.kind))
    name = {
        OutboundKind.TLS: _("Certificate"),
        OutboundKind.PROXY: _("Proxy"),
        OutboundKind.PROXY_AUTH: _("Proxy"),
    }.get(error.kind, _("Reachability"))
    seen = str(explanation.sentence)
    if error.reason:
        seen = _("The certificate is not trusted: %(reason)s.") % {"reason": error.reason.rstrip(".")}
    yield Check(
        about=cloud_url, name=name, status=Status.FAILED, seen=seen, next_step=_next_step(error, explanation.next_step)
    )


def _next_step(error: OutboundError, otherwise: object) -> str:
    match error.kind:
        case OutboundKind.REFUSED:
            return _("Check host and port in CLOUD_URLS, whether the cloud runs, and the firewalls between the two.")
        case OutboundKind.TIMEOUT:
            return _("Ask whoever runs the network whether a firewall drops what this console sends.")
    return str(otherwise)


def _certificate(cloud_url: str, certificate: dict[str, Any] | None) -> Check:
    name = _("Certificate")
    if certificate is None:
        status = Status.NOT_APPLICABLE if is_exempt(urlsplit(cloud_url).hostname or "") else Status.WARNING
        seen = _("The address begins with http: what travels is not encrypted.")
        step = "" if status == Status.NOT_APPLICABLE else _("Give the cloud a certificate, and CLOUD_URLS its https.")
        return Check(about=cloud_url, name=name, status=status, seen=seen, next_step=step)
    ends_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    seen = _("Issued by %(issuer)s, trusted, good until %(date)s.") % {
        "issuer": _issuer(certificate),
        "date": f"{ends_at:%Y-%m-%d}",
    }
    if ends_at - timezone.now() < CERTIFICATE_ENDS_SOON:
        step = _("Have the cloud's certificate renewed before that day.")
        return Check(about=cloud_url, name=name, status=Status.WARNING, seen=seen, next_step=step)
    return _ok(cloud_url, name, seen)


def _issuer(certificate: dict[str, Any]) -> str:
    fields = dict(pair for group in certificate.get("issuer", ()) for pair in group)
    return str(fields.get("commonName") or fields.get("organizationName") or "?")


def _reached(cloud_url: str, answer: Answer) -> Check:
    name = _("Reachability")
    seen = _("It answered with the status %(status)d.") % {"status": answer.status_code}
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        seen = _("It answered with the status 401, which is right: the question bore no credential.")
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = _("Tell whoever runs the cloud, or the proxy before it.")
        return Check(about=cloud_url, name=name, status=Status.FAILED, seen=seen, next_step=step)
    return _ok(cloud_url, name, seen)


def _identity(cloud_url: str, answer: Answer) -> Check:
    name = _("License sync cloud")
    problem = problem_of(answer)
    if answer.status_code == HTTPStatus.UNAUTHORIZED and problem and problem.code == ErrorCode.BAD_CREDENTIALS:
        return _ok(cloud_url, name, _("It speaks as a license sync cloud does."))
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        limited = explain(Unavailable.RATE_LIMITED)
        step = str(limited.next_step)
        return Check(about=cloud_url, name=name, status=Status.WARNING, seen=str(limited.sentence), next_step=step)
    return Check(
        about=cloud_url,
        name=name,
        status=Status.FAILED,
        seen=str(explain(Unavailable.NOT_OURS).sentence),
        next_step=_("Open the address of CLOUD_URLS in a browser of this machine's network to see what answers there."),
    )


def _clock(cloud_url: str, answer: Answer, sent_at: datetime, came_at: datetime) -> Check:
    name = _("Clock")
    theirs = date_of(answer)
    if theirs is None:
        return Check(
            about=cloud_url,
            name=name,
            status=Status.WARNING,
            seen=_("The answer does not say what time it is there."),
            next_step=_("Have the proxy before the cloud let the Date header pass."),
        )
    # Within the round trip nobody can tell, and the header knows whole seconds only.
    early, late = sent_at - theirs - timedelta(seconds=1), theirs - came_at
    apart = max(early, late, timedelta())
    if apart <= CLOCKS_DIFFER:
        return _ok(
            cloud_url,
            name,
            _("Both clocks agree within %(seconds)d seconds.") % {"seconds": CLOCKS_DIFFER.total_seconds()},
        )
    sentence = _("This machine's clock is %(seconds)d seconds ahead of the cloud's.")
    if late > early:
        sentence = _("This machine's clock is %(seconds)d seconds behind the cloud's.")
    return Check(
        about=cloud_url,
        name=name,
        status=Status.FAILED if apart > CLOCKS_TOO_FAR_APART else Status.WARNING,
        seen=sentence % {"seconds": apart.total_seconds()},
        next_step=_("Set both clocks by a time server; a sync corrects a difference of up to a day by itself."),
    )


def _credentials(cloud_url: str, connections: Sequence[Connection]) -> Iterator[Check]:
    if not connections:
        seen = _("Nothing of this console is connected to this cloud.")
        yield Check(about=cloud_url, name=_("Credentials"), status=Status.NOT_APPLICABLE, seen=seen)
    for connection in connections:
        yield _accepted(cloud_url, connection)


def _accepted(cloud_url: str, connection: Connection) -> Check:
    name = _("Credentials")
    hostname = connection.server.hostname
    try:
        with CloudClient(connection, read_timeout=READ_SECONDS) as cloud:
            cloud.check_app()
    except CloudFailure as failure:
        step = str(failure.explanation.next_step)
        seen = f"{hostname}: {failure}"
        return Check(about=cloud_url, name=name, status=Status.FAILED, seen=seen, next_step=step)
    return _ok(cloud_url, name, _("The cloud accepts the App key of %(host)s.") % {"host": hostname})


def _ok(about: str, name: str, seen: str) -> Check:
    return Check(about=about, name=name, status=Status.OK, seen=seen)
