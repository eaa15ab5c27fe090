"""Why a setup of GitHub Connect did not end in a connection, and what to do about it."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connect import handshake
from connect.failures import EXPLANATIONS, CloudFailure, Unavailable, explain
from connect.models import Server
from wire.messages import ErrorCode

_CODES: dict[type[handshake.HandshakeFailed], str] = {
    handshake.StateMismatch: "state_mismatch",
    handshake.HandshakeExpired: "setup_expired",
    handshake.HandshakeCancelled: "setup_cancelled",
    handshake.CodeRejected: ErrorCode.CODE_INVALID,
    handshake.ConnectionExists: ErrorCode.CONNECTION_EXISTS,
}


@dataclass(frozen=True)
class ConnectProblem:
    """What happened, and the steps that help."""

    title: str | Promise
    text: str | Promise
    steps: tuple[str | Promise, ...] = ()
    link: str = ""
    link_text: str | Promise = ""


def code_of(problem: handshake.HandshakeFailed | CloudFailure) -> str:
    """The word for a problem that stands in the page's address."""
    if isinstance(problem, CloudFailure):
        return problem.code
    return _CODES.get(type(problem), "")


def problem_of(code: str, *, server: Server) -> ConnectProblem | None:
    """The problem behind a code; None for one that nobody knows, since it comes with the address."""
    match code:
        case ErrorCode.CONNECTION_EXISTS:
            return _exists(server)
        case "state_mismatch":
            return ConnectProblem(
                _("This answer does not belong to your setup"),
                _(
                    "It was made for another browser session or for an older attempt, so it was not used. "
                    "Nothing was changed."
                ),
                (_("Enable GitHub Connect again, in this browser, and click Connect on the cloud."),),
            )
        case "setup_expired":
            return ConnectProblem(
                _("The setup took longer than 5 minutes"),
                _("The answer came too late, so it was not used. Nothing is connected and nothing was sent."),
                (_("Enable GitHub Connect again."),),
            )
        case "setup_cancelled":
            return ConnectProblem(
                _("The setup was cancelled, or started anew, in the meantime"),
                _("Nothing was connected by this answer."),
                (_("See below how GitHub Connect stands now."),),
            )
    if code not in EXPLANATIONS:
        return None
    explanation = explain(code)
    if code in set(Unavailable):
        steps = (_("The one-time code is kept: click “Complete your GitHub Connect setup” below."),)
        return ConnectProblem(_("The answer of the cloud did not arrive"), explanation.sentence, steps)
    return ConnectProblem(_("The setup is not complete"), explanation.sentence, (explanation.next_step,))


def _exists(server: Server) -> ConnectProblem:
    names = {"hostname": server.hostname}
    return ConnectProblem(
        _("A connection for %(hostname)s already exists") % names,
        _("The cloud account holds a connection of this server that this server knows nothing of any more."),
        (
            _("Sign in to the cloud as an owner of the account."),
            _("Open Enterprise licensing and find %(hostname)s under Enterprise Server instances.") % names,
            _("Choose Remove: it deletes the old connection and the people that came with it."),
            _("Come back here and enable GitHub Connect again."),
        ),
        reverse("licensesync:decision", args=[server.enterprise.slug]) + "?exists",
        _("Or this server is a copy"),
    )
