"""Why a server's seats could not be refreshed from their source: a sentence and a next step for each code.

A sync goes on with the seats that it has; one that has none ends or waits with the code of its source.
"""

from typing import Final

from django.utils.translation import gettext_lazy as _

from connect.failures import Explanation, Place

_WAIT: Final = _("Refresh the seats again in a moment.")
_CHECK_PORT: Final = _(
    "Check the base URL of GHES, its port too, with Change source on the Seats page. If it is right, ask whoever runs "
    "GHES and the network between."
)
_CHECK_ADDRESS: Final = _("Check the base URL of GHES on the Seats page, then refresh the seats.")
_CHECK_TOKEN: Final = _(
    "Choose Change source on the Seats page, and enter the user and a token of a site administrator."
)
_CHECK_FILE: Final = _("Put the file in its place, then refresh the seats.")

OF_SOURCES: Final[dict[str, Explanation]] = {
    "source_dns": Explanation(
        _("The name of GHES could not be resolved."), _CHECK_ADDRESS, is_transient=True, place=Place.SEATS
    ),
    "source_refused": Explanation(
        _("GHES does not accept connections."), _CHECK_PORT, is_transient=True, place=Place.SEATS
    ),
    "source_tls": Explanation(
        _("The certificate of GHES is not trusted, or no secure connection came about."),
        _("Name the certificate authority of GHES in CA_BUNDLE, restart every process, then refresh the seats."),
        place=Place.SEATS,
    ),
    "source_proxy": Explanation(
        _("The proxy did not connect this console to GHES."),
        _("Check HTTPS_PROXY, or name GHES in NO_PROXY, restart every process, then refresh the seats."),
        is_transient=True,
        place=Place.SEATS,
    ),
    "source_timeout": Explanation(_("GHES did not answer in time."), _WAIT, is_transient=True, place=Place.SEATS),
    "source_address": Explanation(
        _("The address of GHES is not one that this console may contact."), _CHECK_ADDRESS, place=Place.SEATS
    ),
    "source_auth": Explanation(_("GHES does not accept the user and the token."), _CHECK_TOKEN, place=Place.SEATS),
    "source_not_allowed": Explanation(
        _("GHES does not show its reports to the owner of the token, who is no site administrator."),
        _CHECK_TOKEN,
        place=Place.SEATS,
    ),
    "source_not_ours": Explanation(
        _("Something answered, but not with a list: a sign-in page, a proxy, or another service."),
        _CHECK_ADDRESS,
        place=Place.SEATS,
    ),
    "source_rate_limited": Explanation(_("GHES asks for fewer requests."), _WAIT, is_transient=True, place=Place.SEATS),
    "source_server_error": Explanation(
        _("GHES has a problem of its own."), _WAIT, is_transient=True, place=Place.SEATS
    ),
    "source_not_ready": Explanation(
        _("GHES has not finished its report yet."), _WAIT, is_transient=True, place=Place.SEATS
    ),
    "source_unfinished": Explanation(
        _("The list broke off in the middle, so nothing of it was used."), _WAIT, is_transient=True, place=Place.SEATS
    ),
    "source_too_large": Explanation(
        _("The list is larger than the 512 MiB that are read."), _("Import the seats in parts."), place=Place.SEATS
    ),
    "source_invalid": Explanation(
        _("The list has a line that is no good, so nothing of it was used."),
        _("Correct what the line says, then refresh the seats."),
        place=Place.SEATS,
    ),
    "source_shrink": Explanation(
        _("The list leaves out more than a fifth of the accounts, so nothing of it was used."),
        _("Check the list, then confirm the removal on the Seats page."),
        place=Place.SEATS,
    ),
    "source_file_missing": Explanation(_("The watched file is not there."), _CHECK_FILE, place=Place.SEATS),
    "source_file_refused": Explanation(
        _("The watched file cannot be read: it is no plain file, or its permissions forbid it."),
        _CHECK_FILE,
        place=Place.SEATS,
    ),
    "source_busy": Explanation(
        _("The seats are being refreshed already."), _WAIT, is_transient=True, place=Place.SEATS
    ),
    "source_internal": Explanation(
        _("Something went wrong on this server while the seats were refreshed."),
        _("Look into the log at the time of the attempt, then refresh the seats."),
        is_transient=True,
        place=Place.SEATS,
    ),
}
