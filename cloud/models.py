"""The cloud's books: members, server accounts, the people they are, and the licenses they consume."""

from typing import Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from enterprises.fields import CodePointTextField
from enterprises.models import Enterprise, User
from enterprises.secrets import EncryptedTextField


class Ledger(models.Model):
    """The books of one cloud account: its revision and totals. Its row is the lock of all writers.

    The totals are written only by ``cloud.consumption`` and read only through
    ``cloud.consumption.totals``.
    """

    enterprise = models.OneToOneField(Enterprise, models.CASCADE, related_name="ledger")
    revision = models.BigIntegerField(default=0)
    seats_purchased = models.PositiveIntegerField(default=0)
    cloud_licenses = models.PositiveIntegerField(default=0)
    server_seats = models.PositiveIntegerField(default=0)
    consumed = models.PositiveIntegerField(default=0)
    members_imported_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """Return the account and the revision."""
        return f"{self.enterprise_id} at {self.revision}"


class Member(models.Model):
    """A person listed on the cloud account. ``number`` is the id that the cloud gave them."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="members", db_index=False)
    number = models.BigIntegerField()
    login = CodePointTextField()
    name = models.TextField(blank=True)
    is_license_consuming = models.BooleanField()
    has_matched_subscription = models.BooleanField(default=False)
    details = models.JSONField(default=dict)

    class Meta:
        """Numbers and logins are unique in an account."""

        constraints = [
            models.UniqueConstraint("ledger", "number", name="member_ledger_number"),
            models.UniqueConstraint("ledger", "login", name="member_ledger_login"),
        ]

    def __str__(self) -> str:
        """Return the login."""
        return self.login


class MemberAddress(models.Model):
    """A normalized value that a member holds, and how good it is for matching."""

    class Rank(models.IntegerChoices):
        """Lower is looked at first; ``OTHER`` never matches."""

        IDENTITY = 1, _("SAML or SCIM identity")
        VERIFIED = 2, _("Verified email address")
        OTHER = 3, _("Unverified email address")

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False)
    number = models.BigIntegerField()
    rank = models.PositiveSmallIntegerField(choices=Rank)
    value = CodePointTextField()

    class Meta:
        """The second index answers a match without touching the table."""

        constraints = [
            models.UniqueConstraint("ledger", "number", "rank", "value", name="member_address_once")
        ]
        indexes = [
            models.Index(fields=["ledger", "value", "rank", "number"], name="member_address_match")
        ]

    def __str__(self) -> str:
        """Return rank and owner, never the address."""
        return f"{self.number}: {self.rank}"


class MemberLink(models.Model):
    """A server account that GitHub's own report lists in a member's row."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False)
    number = models.BigIntegerField()
    hostname = CodePointTextField()
    user_id = models.BigIntegerField()

    class Meta:
        """Unique, and found from the account's side."""

        constraints = [
            models.UniqueConstraint(
                "ledger", "hostname", "user_id", "number", name="member_link_once"
            )
        ]

    def __str__(self) -> str:
        """Return host:id."""
        return f"{self.hostname}:{self.user_id}"


class VerifiedDomain(models.Model):
    """A domain that the account verified or approved."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="domains")
    domain = CodePointTextField()
    verified_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A domain stands once."""

        constraints = [models.UniqueConstraint("ledger", "domain", name="verified_domain_once")]

    def __str__(self) -> str:
        """Return the domain."""
        return self.domain


class Installation(models.Model):
    """One server's App on a cloud account; its primary key is both App id and installation id.

    Unique per account and server id; a reconnect revives it. ``connected`` -> ``disconnected``
    (people still count) -> removed (the row goes, and its people with it).
    """

    class State(models.TextChoices):
        """Whether the server may send."""

        CONNECTED = "connected", _("Connected")
        DISCONNECTED = "disconnected", _("Disconnected")

    class SyncStatus(models.TextChoices):
        """How the last attempt ended, in the words of the REST API."""

        NEVER = "", _("Never synced")
        SUCCESS = "success", _("Synced")
        PENDING = "pending", _("In progress")
        FAILURE = "failure", _("Failed")

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="installations")
    server_id = models.UUIDField()
    hostname = CodePointTextField()
    http_only = models.BooleanField(default=False)
    version = models.CharField(max_length=32, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.CONNECTED)
    app_key = models.TextField()
    server_key = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    connected_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    disconnected_at = models.DateTimeField(null=True, blank=True)

    # The connection record, without personal data.
    record = models.JSONField(default=dict, blank=True)
    record_at = models.DateTimeField(null=True, blank=True)

    # What is held, and how it came here.
    revision = models.BigIntegerField(default=0)
    snapshot_id = models.UUIDField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    accounts = models.PositiveIntegerField(default=0)
    taken_at = models.DateTimeField(null=True, blank=True)
    last_sync_at = models.DateTimeField(null=True, blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_status = models.CharField(
        max_length=8, choices=SyncStatus, default=SyncStatus.NEVER, blank=True
    )
    last_error = models.TextField(blank=True)

    class Meta:
        """A server stands once in an account."""

        constraints = [
            models.UniqueConstraint("ledger", "server_id", name="installation_ledger_server")
        ]

    def __str__(self) -> str:
        """Return the hostname."""
        return self.hostname


class ConnectCode(models.Model):
    """A one-time code of the consent page, bound to the manifest that it was given for.

    Used once; for five minutes the same key gets the same answer again.
    """

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    manifest = models.TextField()
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()
    installation = models.ForeignKey(Installation, models.CASCADE, null=True, related_name="+")

    def __str__(self) -> str:
        """Return when it expires, never the code."""
        return f"until {self.expires_at}"


class AppToken(models.Model):
    """An installation token: hashed, valid for one hour."""

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        """Return when it expires, never the token."""
        return f"until {self.expires_at}"


class ReceiptSigner(models.Model):
    """A key with which this cloud signs receipts; past ones are kept, the newest one signs."""

    kid = models.CharField(max_length=32, unique=True)
    private_key = EncryptedTextField()
    public_key = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the key's id."""
        return self.kid


class Intake(models.Model):
    """One snapshot on its way in.

    receiving -> applying (claimed, leased) -> applied | refused | expired. Its bytes are deleted
    when it ends.
    """

    class State(models.TextChoices):
        """Where an intake stands."""

        RECEIVING = "receiving", _("Receiving")
        APPLYING = "applying", _("Applying")
        APPLIED = "applied", _("Applied")
        REFUSED = "refused", _("Refused")
        EXPIRED = "expired", _("Expired")

    class Kind(models.TextChoices):
        """What happens to the snapshot once it is whole."""

        USAGE = "usage", _("License sync")
        PREVIEW = "preview", _("Preview")

    OPEN: Final = (State.RECEIVING, State.APPLYING)

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="intakes")
    snapshot_id = models.UUIDField()
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.RECEIVING)
    opened_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    opening = models.JSONField()
    opening_digest = models.CharField(max_length=64)
    opened_at_revision = models.BigIntegerField()
    claim = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    receipt = models.TextField(blank=True)
    result = models.JSONField(null=True, blank=True)

    class Meta:
        """A snapshot comes in once per server."""

        constraints = [
            models.UniqueConstraint("installation", "snapshot_id", name="intake_snapshot_once")
        ]

    def __str__(self) -> str:
        """Return kind and state."""
        return f"{self.kind} {self.snapshot_id}: {self.state}"


class IntakePart(models.Model):
    """One received part, as received."""

    intake = models.ForeignKey(Intake, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    first_user_id = models.BigIntegerField()
    last_user_id = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    body = models.BinaryField()

    class Meta:
        """A part stands once."""

        constraints = [models.UniqueConstraint("intake", "number", name="intake_part_once")]

    def __str__(self) -> str:
        """Return the number."""
        return f"part {self.number}"


class ServerAccount(models.Model):
    """A license-consuming account of a server, and the person that it belongs to.

    ``person_key`` is ``m:NUMBER`` for a member, ``a:ADDRESS`` for a primary address that no member
    holds, ``s:INSTALLATION:USER_ID`` for an account without any. Only ``cloud.matching`` writes it.
    """

    class Rule(models.TextChoices):
        """Why the account belongs to its person, in the order in which the rules are tried."""

        LINKED = "linked", _("linked by GitHub's report")
        IDENTITY = "identity", _("SAML or SCIM identity")
        VERIFIED = "verified", _("verified email address")
        ADDRESS = "address", _("primary email address")
        NONE = "none", _("no primary email address")

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False)
    installation = models.ForeignKey(
        Installation, models.CASCADE, related_name="server_accounts", db_index=False
    )
    user_id = models.BigIntegerField()
    line = CodePointTextField()
    primary_address = CodePointTextField(blank=True)
    person_key = CodePointTextField()
    rule = models.CharField(max_length=8, choices=Rule)
    is_ambiguous = models.BooleanField(default=False)

    class Meta:
        """Few and narrow indexes: each one costs a bulk load."""

        constraints = [
            models.UniqueConstraint("installation", "user_id", name="server_account_once")
        ]
        indexes = [
            models.Index(fields=["ledger", "person_key"], name="server_account_person"),
            models.Index(fields=["ledger", "primary_address"], name="server_account_address"),
        ]

    def __str__(self) -> str:
        """Return the user id."""
        return f"{self.installation_id}:{self.user_id}"


class ConsumedLicense(models.Model):
    """One person. Only ``cloud.consumption`` writes it.

    ``is_counted`` is False for holders of a Visual Studio subscription: listed, not in the total.
    """

    class LicenseType(models.TextChoices):
        """The kind of license, in the words of the REST API."""

        ENTERPRISE = "enterprise", _("Enterprise")
        VISUAL_STUDIO = "visual_studio", _("Visual Studio subscription")

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="licenses", db_index=False)
    person_key = CodePointTextField()
    member = models.ForeignKey(Member, models.CASCADE, null=True, related_name="+")
    label = CodePointTextField()
    license_type = models.CharField(max_length=16, choices=LicenseType)
    is_counted = models.BooleanField()
    on_cloud = models.BooleanField()
    server_accounts = models.PositiveIntegerField()
    is_ambiguous = models.BooleanField()

    class Meta:
        """One row per person; the index is the order of every list."""

        constraints = [models.UniqueConstraint("ledger", "person_key", name="license_person_once")]
        indexes = [models.Index(fields=["ledger", "label", "person_key"], name="license_order")]

    def __str__(self) -> str:
        """Return what the person is called."""
        return self.label


class UsagePoint(models.Model):
    """Licenses of one day (UTC): the last count, and the highest."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="usage", db_index=False)
    day = models.DateField()
    consumed = models.PositiveIntegerField()
    peak = models.PositiveIntegerField()
    counted_apart = models.PositiveIntegerField()
    purchased = models.PositiveIntegerField()

    class Meta:
        """One point a day."""

        constraints = [models.UniqueConstraint("ledger", "day", name="usage_point_day")]

    def __str__(self) -> str:
        """Return the day and the count."""
        return f"{self.day}: {self.consumed}"
