"""What a server knows of itself and of its connection to a cloud account."""

import uuid

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from enterprises.models import Enterprise, User
from enterprises.secrets import EncryptedTextField

validate_hostname = RegexValidator(
    r"\A[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z",
    _("Enter a host name such as ghes.octo.example, without scheme and port."),
)


class Server(models.Model):
    """The GitHub Enterprise Server instance behind a server enterprise.

    ``server_id`` and the identity key survive Disable, so that the cloud knows the server again.
    """

    enterprise = models.OneToOneField(Enterprise, models.CASCADE, related_name="server")
    server_id = models.UUIDField(default=uuid.uuid4, unique=True)
    hostname = models.CharField(max_length=253, validators=[validate_hostname])
    http_only = models.BooleanField(default=False)
    version = models.CharField(max_length=32, blank=True)
    identity_key = EncryptedTextField()

    def __str__(self) -> str:
        """Return the hostname."""
        return self.hostname


class FileAccount(models.Model):
    """The cloud account that takes a server's usage files, where no line leads to it.

    Pinned by an owner who compared the fingerprint of the cloud's receipt key; ``receipt_keys`` are as in `Connection`.
    """

    server = models.OneToOneField(Server, models.CASCADE, related_name="file_account")
    account_slug = models.CharField(max_length=100)
    account_name = models.CharField(max_length=200, blank=True)
    account_kind = models.CharField(max_length=16, blank=True)
    cloud_url = models.URLField(blank=True, max_length=500)
    receipt_keys = models.JSONField(default=list)
    pinned_at = models.DateTimeField()
    pinned_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        """Return the account."""
        return self.account_slug


class Connection(models.Model):
    """The connection of a server to a cloud account: one row per server, whatever its state.

    ``not_connected`` -> ``pending`` (5 minutes, until ``pending_until``) -> ``connected`` ->
    ``disconnected`` -> ``pending`` ... Changes of state are conditional updates in
    ``connect.transitions``; ``pending_state_digest`` tells one handshake from the next.
    """

    class State(models.TextChoices):
        """Where GitHub Connect stands."""

        NOT_CONNECTED = "not_connected", _("Not connected")
        PENDING = "pending", _("Setup not completed")
        CONNECTED = "connected", _("Connected")
        DISCONNECTED = "disconnected", _("Disconnected")

    server = models.OneToOneField(Server, models.CASCADE, related_name="connection")
    state = models.CharField(max_length=16, choices=State, default=State.NOT_CONNECTED)
    cloud_url = models.URLField(blank=True, max_length=500)

    # The handshake under way: our new App key, and the digest that binds it to one browser session.
    # The key outlives a handshake whose answer was lost: with it the cloud knows us the next time.
    pending_until = models.DateTimeField(null=True, blank=True)
    pending_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    pending_state_digest = models.CharField(max_length=64, blank=True)
    pending_app_key = EncryptedTextField(blank=True)
    pending_code = EncryptedTextField(blank=True)
    pending_code_at = models.DateTimeField(null=True, blank=True)

    # The connection itself.
    app_id = models.BigIntegerField(null=True, blank=True)
    installation_id = models.BigIntegerField(null=True, blank=True)
    app_key = EncryptedTextField(blank=True)
    # The key that shall follow it, from before the cloud hears of it until the cloud said that it has it.
    next_app_key = EncryptedTextField(blank=True, default="", db_default="")
    account_slug = models.CharField(max_length=100, blank=True)
    account_name = models.CharField(max_length=200, blank=True)
    account_kind = models.CharField(max_length=16, blank=True)
    receipt_keys = models.JSONField(default=list, blank=True)
    token = EncryptedTextField(blank=True)
    token_expires_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)
    connected_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    disconnected_at = models.DateTimeField(null=True, blank=True)
    # Disconnected here while the cloud could not be told: its owner removes the server there.
    is_left_on_cloud = models.BooleanField(default=False, db_default=False)

    # What the cloud held after the last receipt, and whether people's data is synced at all.
    base_revision = models.BigIntegerField(null=True, blank=True)
    base_snapshot_id = models.UUIDField(null=True, blank=True)
    license_sync_enabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Nobody is half connected."""

        constraints = [
            models.CheckConstraint(
                name="connection_connected_has_installation",
                condition=~models.Q(state="connected") | models.Q(app_id__isnull=False, installation_id__isnull=False),
            ),
            models.CheckConstraint(
                name="connection_pending_has_an_end",
                condition=~models.Q(state="pending") | models.Q(pending_until__isnull=False),
            ),
            models.CheckConstraint(
                name="connection_sync_needs_connected",
                condition=models.Q(license_sync_enabled_at__isnull=True) | models.Q(state="connected"),
            ),
            models.CheckConstraint(
                name="connection_base_is_whole",
                condition=models.Q(base_revision__isnull=True, base_snapshot_id__isnull=True)
                | models.Q(base_revision__isnull=False, base_snapshot_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        """Return the server's hostname and the state."""
        return f"{self.server_id}: {self.state}"

    @property
    def is_connected(self) -> bool:
        """Whether a token can be asked for."""
        return self.state == self.State.CONNECTED

    @property
    def license_sync_enabled(self) -> bool:
        """Whether "Server can sync user license count and usage" is Enabled."""
        return self.license_sync_enabled_at is not None
