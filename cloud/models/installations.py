"""Servers that are connected to a cloud account, and the secrets between the two."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from cloud.models.books import Ledger
from enterprises.fields import CodePointTextField
from enterprises.models import User
from enterprises.secrets import EncryptedTextField


class Channel(models.TextChoices):
    """How a server's usage comes to the cloud."""

    WIRE = "wire", _("GitHub Connect")
    FILE = "file", _("Usage file")


class Installation(models.Model):
    """One server's App on a cloud account; its primary key is both App id and installation id.

    Unique per account and server id; a reconnect revives it. ``connected`` -> ``disconnected``
    (people still count) -> removed (the row goes, and its people with it). ``by_file``: no line leads here, an owner
    registered the server's key by its fingerprint; a usage file makes a disconnected server one of these, too.
    """

    class State(models.TextChoices):
        """Whether the server may send."""

        CONNECTED = "connected", _("Connected")
        DISCONNECTED = "disconnected", _("Disconnected")
        BY_FILE = "by_file", _("Reports by file")

    LIVE: Final = (State.CONNECTED, State.BY_FILE)

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
    # Empty where the server never had an App here.
    app_key = models.TextField(blank=True)
    # The key that the server wants to use from now on: both are accepted until this one was used once.
    next_app_key = models.TextField(blank=True, default="", db_default="")
    server_key = models.CharField(max_length=64)
    # The newest receipt key that the server accepts; empty is the first one that this cloud ever had.
    receipt_kid = models.CharField(max_length=32, blank=True, default="", db_default="")
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
    last_status = models.CharField(max_length=8, choices=SyncStatus, default=SyncStatus.NEVER, blank=True)
    last_error = models.TextField(blank=True)
    last_channel = models.CharField(max_length=8, choices=Channel, default=Channel.WIRE, db_default=Channel.WIRE)
    # How what is held came here, and the receipt that was given for it.
    held_channel = models.CharField(max_length=8, choices=Channel, default=Channel.WIRE, db_default=Channel.WIRE)
    receipt = models.TextField(blank=True, default="", db_default="")

    class Meta:
        """A server stands once in an account."""

        constraints = [models.UniqueConstraint("ledger", "server_id", name="installation_ledger_server")]

    def __str__(self) -> str:
        """Return the hostname."""
        return self.hostname


class InstallationPoint(models.Model):
    """What one server had on one day (UTC): its accounts, and the licenses that only it adds.

    Goes with the server. The database does not check the key: code of a former version, which knows no such rows,
    still removes servers, and what it leaves behind goes with its time.
    """

    installation = models.ForeignKey(
        Installation, models.CASCADE, related_name="points", db_index=False, db_constraint=False
    )
    day = models.DateField()
    accounts = models.PositiveIntegerField()
    added_licenses = models.PositiveIntegerField()

    class Meta:
        """One point a day."""

        constraints = [models.UniqueConstraint("installation", "day", name="installation_point_day")]

    def __str__(self) -> str:
        """Return the day and the accounts."""
        return f"{self.day}: {self.accounts}"


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
    """A key with which this cloud signs receipts; past ones are kept, and each one vouches for the next.

    A server's receipts are signed with the newest key that this server accepts.
    """

    kid = models.CharField(max_length=32, unique=True)
    private_key = EncryptedTextField()
    public_key = models.CharField(max_length=64)
    endorsement = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the key's id."""
        return self.kid
