"""A server's license and the accounts that hold one: where they come from, and who is never meant to be suspended."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from connect.models import Server
from enterprises.fields import CodePointTextField
from enterprises.models import User
from enterprises.secrets import EncryptedTextField


class License(models.Model):
    """The license of a server: what was bought, and until when.

    ``expires_on`` is its last day, None for one that never ends; ``customer`` is empty where only GHES's API was read,
    which does not tell it; ``read_at`` is when ``source`` last said so.
    """

    class Source(models.TextChoices):
        """Who says so."""

        FORM = "form", _("Entered by hand")
        GHES = "ghes", _("Read from GHES")

    server = models.OneToOneField(Server, models.CASCADE, related_name="license")
    customer = models.CharField(max_length=200)
    kind = models.CharField(max_length=50, default="standard")
    seats = models.PositiveIntegerField(null=True, blank=True, help_text=_("Empty: unlimited"))
    expires_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=8, choices=Source, default=Source.FORM, db_default=Source.FORM)
    read_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """Return the customer."""
        return self.customer

    @property
    def is_read_from_ghes(self) -> bool:
        """Whether the next reading of GHES replaces what is entered here."""
        return self.source == self.Source.GHES


class SeatSource(models.Model):
    """Where a server's seats come from, and how old they are."""

    class Kind(models.TextChoices):
        """How the seats got here."""

        GHES = "ghes", _("GHES")
        FILE = "file", _("Watched file")
        IMPORT = "import", _("Import")

    server = models.OneToOneField(Server, models.CASCADE, related_name="seat_source")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.IMPORT)
    taken_at = models.DateTimeField()
    imported_at = models.DateTimeField()
    accounts = models.PositiveIntegerField()
    license_consuming = models.PositiveIntegerField()
    dormant = models.PositiveIntegerField(default=0)
    suspended = models.PositiveIntegerField(default=0)
    # How often an import switched the seats: who reads them in steps knows by it whether they are still the same.
    switches = models.PositiveBigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        """Return the kind and the time."""
        return f"{self.kind} {self.taken_at:%Y-%m-%d}"


class SourceConfig(models.Model):
    """Where a server's seats are fetched from, and how the last attempt at it ended; none where people import them.

    Only who holds ``claim`` until ``lease_until`` switches seats; setting another source takes the claim away.
    ``may_be_local`` lets the address name this machine: only the command line sets it. ``seen`` says which state of
    a watched file was read last. ``error`` is what ``error_code`` does not say: the bad line, or the numbers.
    """

    server = models.OneToOneField(Server, models.CASCADE, related_name="source_config")
    kind = models.CharField(max_length=16, choices=SeatSource.Kind, default=SeatSource.Kind.IMPORT)
    base_url = models.CharField(max_length=300, blank=True)
    user_name = models.CharField(max_length=100, blank=True)
    token = EncryptedTextField(blank=True)
    may_be_local = models.BooleanField(default=False)
    path = models.CharField(max_length=255, blank=True)
    requested_at = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    allow_shrink = models.BooleanField(default=False)
    claim = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    took_seconds = models.FloatField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    license_error = models.CharField(max_length=64, blank=True)
    seen = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        """Return the kind."""
        return self.kind

    @property
    def is_automatic(self) -> bool:
        """Whether seats are fetched without anybody importing them."""
        return self.kind != SeatSource.Kind.IMPORT


class Seat(models.Model):
    """One account of a server. ``line`` is the canonical line that would travel."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="seats", db_index=False)
    user_id = models.BigIntegerField()
    login = CodePointTextField()
    type = models.CharField(max_length=16, default="User")
    role = models.CharField(max_length=32, blank=True)
    is_suspended = models.BooleanField(default=False)
    is_dormant = models.BooleanField(default=False)
    is_license_consuming = models.BooleanField()
    created_on_server_at = models.DateTimeField(null=True, blank=True)
    last_active_at = models.DateTimeField(null=True, blank=True)
    primary_email = CodePointTextField(blank=True)
    line = CodePointTextField()

    class Meta:
        """An account stands once; the unique index is the order in which lines travel."""

        constraints = [
            models.UniqueConstraint("server", "user_id", name="seat_server_user_id"),
            models.CheckConstraint(name="seat_user_id_in_range", condition=Q(user_id__gte=1, user_id__lt=2**53)),
        ]

    def __str__(self) -> str:
        """Return the login."""
        return self.login


class DormancyExclusion(models.Model):
    """An account that nobody means to suspend however dormant it is. It outlives the account's row in ``Seat``."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="dormancy_exclusions", db_index=False)
    user_id = models.BigIntegerField()
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        """An account stands on the list once."""

        constraints = [models.UniqueConstraint("server", "user_id", name="dormancy_exclusion_server_user_id")]

    def __str__(self) -> str:
        """Return the account's id."""
        return str(self.user_id)
