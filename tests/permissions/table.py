"""Who may reach what: a row for every address and method, with the status that each kind of caller gets.

To add one, append a Row: `name` is the URL name with its namespace, `where` fills in the address with things of
world.py (add yours there), `data` is what a form sends. test_table.py fails until every URL name has a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Expected(NamedTuple):
    """Statuses by caller; `no_scope` is the owner's token without the scope, for the API only."""

    anonymous: int
    stranger: int
    billing_manager: int
    owner: int
    no_scope: int | None = None

    def of_pages(self) -> dict[str, int | None]:
        return {caller: status for caller, status in self._asdict().items() if caller != "no_scope"}


@dataclass(frozen=True)
class Row:
    """An address, a method, and what comes back."""

    name: str
    expected: Expected
    method: str = "GET"
    where: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


# Everybody alike: pages before or without sign-in.
OPEN = Expected(200, 200, 200, 200)
# Whoever is signed in.
SIGNED_IN = Expected(302, 200, 200, 200)
# Whoever has a role may look.
LOOK = Expected(302, 404, 200, 200)
# Owners only: a page, or a form that leads back to one.
OWNERS_PAGE = Expected(302, 404, 403, 200)
OWNERS_FORM = Expected(302, 404, 403, 302)
# The same form, sent empty.
OWNERS_MISTAKE = Expected(302, 404, 403, 422)
# The API with a person's token.
API_LOOK = Expected(401, 404, 200, 200, no_scope=403)
# The API of connected servers, which a person's token never opens.
API_SERVERS_ONLY = Expected(401, 401, 401, 401, no_scope=401)

SERVER = {"slug": "server"}
CLOUD = {"slug": "cloud"}
SEATS_FILE = {"slug": "server", "pk": "seats_file"}
RECEIPT_FILE = {"slug": "server", "pk": "receipt_file"}
MEMBERS_FILE = {"slug": "cloud", "pk": "members_file"}
USAGE_FILE = {"slug": "cloud", "pk": "usage_file"}
UPLOAD = {"slug": "cloud", "pk": "upload"}
STATEMENT = {"slug": "cloud", "pk": "statement"}
DOMAIN = {"slug": "cloud", "domain": "domain"}
# What removing a server without accounts does, as its page says.
NOBODY_IS_CONCERNED = dict.fromkeys(("accounts", "people_gone", "freed", "stay_on_cloud", "stay_on_servers"), "0")
JOB = {"slug": "server", "pk": "job"}
INSTALLATION = {"installation_id": "installation"}
SYNC = {"sync_id": "uuid"}
UPLOAD_OF_API = {"enterprise": "cloud", "upload": "upload"}

PEOPLE = [
    Row("healthz", OPEN),
    Row("readyz", OPEN),
    # There are none until METRICS_TOKEN is set, and no session ever opens them.
    Row("metrics", Expected(404, 404, 404, 404)),
    Row("home", SIGNED_IN),
    Row("setup", Expected(404, 404, 404, 404)),
    Row("setup", Expected(404, 404, 404, 404), "POST"),
    # Whoever is signed in is led on.
    Row("account_login", Expected(200, 302, 302, 302)),
    Row("account_login", Expected(200, 302, 302, 302), "POST"),
    Row("account_logout", Expected(405, 405, 405, 405)),
    Row("account_logout", Expected(302, 302, 302, 302), "POST"),
    Row("account_change_password", SIGNED_IN),
    Row("account_change_password", SIGNED_IN, "POST"),
    Row("sign_in_link", OPEN),
    Row("sign_in_link", Expected(422, 422, 422, 422), "POST", data={"secret": "lss_none"}),
    Row("preferences", SIGNED_IN),
    Row("preferences", Expected(302, 302, 302, 302), "POST", data={"language": "", "theme": "auto", "time_zone": ""}),
    Row("tokens", SIGNED_IN),
    # No name: it is said on the page.
    Row("tokens", Expected(302, 422, 422, 422), "POST", data={"scope": "read:enterprise"}),
    # Nobody's but the owner's.
    Row("revoke_token", Expected(302, 404, 404, 200), where={"pk": "token"}),
    Row("revoke_token", Expected(302, 404, 404, 302), "POST", where={"pk": "token"}),
    Row("set_language", Expected(302, 302, 302, 302), "POST"),
    Row("set_theme", Expected(302, 302, 302, 302), "POST"),
]

BOTH_SIDES = [
    Row("audit_log", OWNERS_PAGE, where=SERVER),
    Row("audit_log", OWNERS_PAGE, where=CLOUD),
    Row("audit_log_export", OWNERS_PAGE, where=SERVER),
]

SERVER_PAGES = [
    Row("licensesync:connection", LOOK, where=SERVER),
    Row("licensesync:connection_state", Expected(302, 404, 302, 302), where=SERVER),
    Row("licensesync:connection_enable", OWNERS_MISTAKE, "POST", SERVER),
    Row("licensesync:connection_complete", OWNERS_FORM, where=SERVER),
    Row("licensesync:connection_retry", OWNERS_FORM, "POST", SERVER),
    Row("licensesync:connection_cancel", OWNERS_FORM, "POST", SERVER),
    # The server of the table is not connected: owners are led back.
    Row("licensesync:connection_disable", OWNERS_FORM, where=SERVER),
    Row("licensesync:connection_disable", OWNERS_FORM, "POST", SERVER),
    # The cloud refused nothing: there is nothing to decide, and an empty form names no choice.
    Row("licensesync:decision", LOOK, where=SERVER),
    Row("licensesync:decision", OWNERS_MISTAKE, "POST", SERVER),
    Row("licensesync:license_sync", OWNERS_FORM, "POST", SERVER, {"license_sync": "enabled"}),
    Row("licensesync:license", LOOK, where=SERVER),
    Row("licensesync:license_edit", OWNERS_PAGE, where=SERVER),
    Row("licensesync:license_edit", OWNERS_MISTAKE, "POST", SERVER),
    Row("licensesync:sync_now", OWNERS_FORM, "POST", SERVER),
    # No sync is under way: there is nothing to show and nothing to cancel.
    Row("licensesync:sync_progress", Expected(302, 404, 302, 302), where=SERVER),
    Row("licensesync:sync_cancel", Expected(302, 404, 403, 404), "POST", SERVER),
    Row("licensesync:preview", LOOK, where=SERVER),
    Row("licensesync:preview", OWNERS_FORM, "POST", SERVER),
    Row("licensesync:sent", LOOK, where=SERVER),
    Row("licensesync:usage_file", LOOK, where=SERVER),
    # The server of the table has no seats: owners are led back to the page that says so.
    Row("licensesync:usage_export", OWNERS_FORM, "POST", SERVER),
    # The job of the table is a sync, which made no file.
    Row("licensesync:usage_download", Expected(302, 404, 403, 404), where=JOB),
    Row("licensesync:receipt_import", OWNERS_MISTAKE, "POST", SERVER),
    Row("licensesync:receipt_confirm", OWNERS_PAGE, where=RECEIPT_FILE),
    Row("licensesync:receipt_confirm", OWNERS_MISTAKE, "POST", RECEIPT_FILE),
    Row("licensesync:receipt_discard", OWNERS_FORM, "POST", RECEIPT_FILE),
    Row("licensesync:users", LOOK, where=SERVER),
    Row("licensesync:users_export", LOOK, where=SERVER),
    Row("licensesync:users_suspending", Expected(302, 404, 302, 302), where=SERVER),
    # The server is not connected: owners are led back to the page that says so.
    Row("licensesync:users_suspending", OWNERS_FORM, "POST", SERVER),
    # An account that is not there: it is said on the page one comes back to.
    Row("licensesync:users_exclusions", OWNERS_FORM, "POST", SERVER, {"account": "7", "action": "exclude"}),
    Row("licensesync:sent_download", LOOK, where=SERVER),
    Row("licensesync:syncs", LOOK, where=SERVER),
    Row("licensesync:sync", LOOK, where=JOB),
    Row("licensesync:receipt", LOOK, where=JOB),
    Row("licensesync:receipt_download", LOOK, where=JOB),
    Row("licensesync:seats", LOOK, where=SERVER),
    Row("licensesync:seats", OWNERS_MISTAKE, "POST", SERVER),
    Row("licensesync:seat_source", OWNERS_PAGE, where=SERVER),
    Row("licensesync:seat_source", OWNERS_MISTAKE, "POST", SERVER, {"kind": "ghes"}),
    Row("licensesync:seats_refresh", OWNERS_FORM, "POST", SERVER),
    Row("licensesync:seats_preview", OWNERS_PAGE, where=SEATS_FILE),
    Row("licensesync:seats_preview", OWNERS_FORM, "POST", SEATS_FILE),
    Row("licensesync:seats_discard", OWNERS_FORM, "POST", SEATS_FILE),
    Row("licensesync:doctor", OWNERS_PAGE, where=SERVER),
    Row("licensesync:doctor", OWNERS_PAGE, "POST", SERVER),
]

CLOUD_PAGES = [
    Row("cloud:licensing", LOOK, where=CLOUD),
    Row("cloud:history", LOOK, where=CLOUD),
    Row("cloud:report", LOOK, where=CLOUD),
    Row("cloud:seats", OWNERS_PAGE, where=CLOUD),
    Row("cloud:seats", OWNERS_FORM, "POST", CLOUD, {"seats_purchased": "20"}),
    Row("cloud:duplicates", LOOK, where=CLOUD),
    Row("cloud:duplicate", LOOK, where={"slug": "cloud", "pk": "duplicate"}),
    Row("cloud:decide_duplicates", OWNERS_FORM, "POST", CLOUD, {"do": "dismiss", "reason": "different"}),
    Row("cloud:search_duplicates", OWNERS_FORM, "POST", CLOUD),
    Row("cloud:search_status", LOOK, where=CLOUD),
    Row("cloud:savings", LOOK, where=CLOUD),
    Row("cloud:statements", LOOK, where=CLOUD),
    Row("cloud:make_statement", OWNERS_FORM, "POST", CLOUD),
    Row("cloud:statement_json", LOOK, where=STATEMENT),
    Row("cloud:statement_pdf", LOOK, where=STATEMENT),
    Row("cloud:statement_verifier", LOOK, where=CLOUD),
    Row("cloud:remove_instance", OWNERS_PAGE, where={"slug": "cloud", "pk": "installation"}),
    Row("cloud:remove_instance", OWNERS_FORM, "POST", {"slug": "cloud", "pk": "installation"}, NOBODY_IS_CONCERNED),
    Row("cloud:addresses", OWNERS_PAGE, where=CLOUD),
    Row("cloud:addresses", OWNERS_FORM, "POST", CLOUD, {"managed_users": "on"}),
    Row("cloud:people", LOOK, where=CLOUD),
    Row("cloud:people_export", LOOK, where=CLOUD),
    Row("cloud:person", LOOK, where={"slug": "cloud", "pk": "person"}),
    Row("cloud:person_data", OWNERS_PAGE, where={"slug": "cloud", "pk": "person"}),
    Row("cloud:person_data_download", Expected(302, 404, 403, 200), "POST", {"slug": "cloud", "pk": "person"}),
    # Importing the members made the first revision; no sync has this id.
    Row("cloud:changes", LOOK, where=CLOUD),
    Row("cloud:change", LOOK, where={"slug": "cloud", "number": "revision"}),
    Row("cloud:change_of_sync", Expected(302, 404, 404, 404), where={"slug": "cloud", "snapshot_id": "uuid"}),
    Row("cloud:members", OWNERS_PAGE, where=CLOUD),
    Row("cloud:members", OWNERS_MISTAKE, "POST", CLOUD),
    Row("cloud:review_members", OWNERS_PAGE, where=MEMBERS_FILE),
    Row("cloud:review_members", OWNERS_FORM, "POST", MEMBERS_FILE, {"action": "apply"}),
    Row("cloud:discard_members", OWNERS_FORM, "POST", MEMBERS_FILE),
    Row("cloud:usage", LOOK, where=CLOUD),
    Row("cloud:usage", OWNERS_MISTAKE, "POST", CLOUD),
    Row("cloud:register_usage", OWNERS_PAGE, where=USAGE_FILE),
    Row(
        "cloud:register_usage",
        OWNERS_FORM,
        "POST",
        USAGE_FILE,
        {"fingerprint": "usage_fingerprint", "compared": "on"},
    ),
    Row("cloud:forget_usage", OWNERS_FORM, "POST", USAGE_FILE),
    Row("cloud:upload", LOOK, where=UPLOAD),
    Row("cloud:apply_upload", OWNERS_FORM, "POST", UPLOAD),
    Row("cloud:discard_upload", OWNERS_FORM, "POST", UPLOAD),
    # The file of the table is not applied yet: there is no receipt.
    Row("cloud:upload_receipt", Expected(302, 404, 404, 404), where=UPLOAD),
    Row("cloud:domains", LOOK, where=CLOUD),
    Row("cloud:add_domain", OWNERS_PAGE, where=CLOUD),
    Row("cloud:add_domain", OWNERS_FORM, "POST", CLOUD, {"domain": "labs.example"}),
    Row("cloud:domain", LOOK, where=DOMAIN),
    # Its code is over, so that DNS is not asked.
    Row("cloud:verify_domain", OWNERS_FORM, "POST", DOMAIN),
    Row("cloud:renew_domain", OWNERS_FORM, "POST", DOMAIN),
    Row("cloud:approve_domain", OWNERS_PAGE, where=DOMAIN),
    Row("cloud:approve_domain", OWNERS_FORM, "POST", DOMAIN),
    Row("cloud:delete_domain", OWNERS_PAGE, where=DOMAIN),
    Row("cloud:delete_domain", OWNERS_FORM, "POST", DOMAIN),
    Row("cloud:doctor", OWNERS_PAGE, where=CLOUD),
    Row("cloud:doctor", OWNERS_PAGE, "POST", CLOUD),
    # The page lists the accounts one owns, so that everybody sees it, and only an owner's POST connects.
    Row("cloud:consent", SIGNED_IN, data={"manifest": "manifest", "state": "s"}),
    Row("cloud:consent", OWNERS_FORM, "POST", data={"manifest": "manifest", "state": "s", "account": "cloud"}),
]

# What the API is like, which is no secret.
DESCRIPTION = [Row("openapi", OPEN), Row("api_docs", OPEN)]

# The license of the one server of whoever asks; the stranger's server has none.
SERVER_API = [Row("licensesync:api_license", API_LOOK)]

CLOUD_API = [
    Row("api:app", API_SERVERS_ONLY),
    Row("api:app_key", API_SERVERS_ONLY, "PUT"),
    Row("api:app_installations", API_SERVERS_ONLY),
    Row("api:app_installation", API_SERVERS_ONLY, where=INSTALLATION),
    Row("api:delete_installation", API_SERVERS_ONLY, "DELETE", INSTALLATION),
    Row("api:app_access_tokens", API_SERVERS_ONLY, "POST", INSTALLATION),
    Row("api:convert_code", API_SERVERS_ONLY, "POST", {"code": "uuid"}),
    # The owner may, and sent no manifest.
    Row("api:connect_directly", Expected(401, 404, 403, 422, no_scope=403), "POST", {"enterprise": "cloud"}),
    Row("api:put_connection", API_SERVERS_ONLY, "PUT"),
    Row("api:put_receipt_key", API_SERVERS_ONLY, "PUT"),
    Row("api:put_hostname", API_SERVERS_ONLY, "PUT"),
    Row("api:open_sync", API_SERVERS_ONLY, "POST"),
    Row("api:sync_status", API_SERVERS_ONLY, where=SYNC),
    Row("api:withdraw_sync", API_SERVERS_ONLY, "DELETE", SYNC),
    Row("api:put_part", API_SERVERS_ONLY, "PUT", {**SYNC, "number": "one"}),
    Row("api:commit_sync", API_SERVERS_ONLY, "POST", SYNC),
    Row("api:consumed_licenses", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:license_sync_status", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:people", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:person", API_LOOK, where={"enterprise": "cloud", "person": "person"}),
    Row("api:history", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:changes", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:difference", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:suspects", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:proved_savings", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:servers", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:statements", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:statement", API_LOOK, where={"enterprise": "cloud", "statement": "statement"}),
    # The owner may, and sent no file.
    Row("api:create_upload", Expected(401, 404, 403, 422, no_scope=403), "POST", {"enterprise": "cloud"}),
    Row("api:uploads", API_LOOK, where={"enterprise": "cloud"}),
    Row("api:upload", API_LOOK, where=UPLOAD_OF_API),
    # Nothing was applied yet, so there is no receipt.
    Row("api:upload_receipt", Expected(401, 404, 404, 404, no_scope=403), where=UPLOAD_OF_API),
    Row("api:apply_upload", Expected(401, 404, 403, 202, no_scope=403), "POST", UPLOAD_OF_API),
    Row("api:discard_upload", Expected(401, 404, 403, 200, no_scope=403), "DELETE", UPLOAD_OF_API),
    Row("api:server_history", API_LOOK, where={"enterprise": "cloud", "server": "installation"}),
]

API = SERVER_API + CLOUD_API
# The cloud's API answers at the root as well, as api.github.com does.
ROOT_API = [Row(f"root-{row.name}", row.expected, row.method, row.where, row.data) for row in CLOUD_API]

PAGES = PEOPLE + BOTH_SIDES + SERVER_PAGES + CLOUD_PAGES + DESCRIPTION
ROWS = PAGES + API + ROOT_API
