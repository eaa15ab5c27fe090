"""Pairs of people who are probably one, the runs that look for them, and what was proved. Nobody is merged by any."""

from typing import Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cloud.models.books import Ledger
from cloud.models.changes import Revision
from cloud.models.people import ConsumedLicense
from enterprises.fields import CodePointTextField
from enterprises.models import User


class Suspect(models.Model):
    """Two people of one ledger who are probably one, and why. Only ``cloud.suspects`` finds them.

    The first is a member wherever one of the two is, otherwise the one whose key comes first. ``identity`` is a digest
    of both keys: it outlives the people, so that a pair that was dismissed stays so. Keys, licenses, ``evidence`` and
    ``fixes`` go with either person.

    Of a pair that became one, ``first_license`` is the person that both are now, as long as there is such a person.

    ``evidence`` is a list of ``cloud.suspects.evidence.Evidence``, best first; ``kind`` and ``score`` are those of
    the best. ``fixes`` is a list of ``cloud.suspects.evidence.Fix``: each of them alone makes the two one.
    """

    class Kind(models.TextChoices):
        """What speaks for it, the most precise first (docs/domain.md, "Probably the same person")."""

        SECONDARY = "secondary", _("secondary address")
        UNVERIFIED = "unverified", _("unverified address")
        PLUS_TAG = "plus_tag", _("plus-tag of one address")
        DOTS = "dots", _("dots in one address")
        LOCAL_PART = "local_part", _("same name on two domains")

    class State(models.TextChoices):
        """Where an entry of the worklist stands."""

        OPEN = "open", pgettext_lazy("entry", "Open")
        WAITING = "waiting", _("Waiting for the next sync")
        CONFIRMED = "confirmed", pgettext_lazy("entry", "Confirmed")
        GONE = "gone", pgettext_lazy("entry", "Gone")
        DISMISSED = "dismissed", pgettext_lazy("entry", "Dismissed")

    class Reason(models.TextChoices):
        """Why somebody dismissed it."""

        NONE = "", _("No reason")
        DIFFERENT = "different", _("They are two people")
        MACHINE = "machine", _("One of them is a machine account")
        WANTED = "wanted", _("One person, and both licenses are wanted")

    LISTED: Final = (State.OPEN, State.WAITING)

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="suspects", db_index=False)
    identity = models.CharField(max_length=64)
    first_key = CodePointTextField(blank=True)
    second_key = CodePointTextField(blank=True)
    first_license = models.ForeignKey(
        ConsumedLicense, models.SET_NULL, null=True, related_name="suspects_as_first", db_constraint=False
    )
    second_license = models.ForeignKey(
        ConsumedLicense, models.SET_NULL, null=True, related_name="suspects_as_second", db_constraint=False
    )
    kind = models.CharField(max_length=16, choices=Kind)
    score = models.PositiveSmallIntegerField()
    evidence = models.JSONField(default=list)
    fixes = models.JSONField(default=list)
    # How many licenses fewer would be consumed if the two were one.
    licenses_at_stake = models.PositiveSmallIntegerField()

    # When it was found for the first time, and the revision of the books in which it was seen last.
    found_at = models.DateTimeField()
    found_revision = models.BigIntegerField()

    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    state_at = models.DateTimeField()
    state_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    assigned_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=16, choices=Reason, default=Reason.NONE, blank=True, db_default="")
    # The fix that was announced, as it stood in ``fixes``; the revision that came without it.
    awaited = models.JSONField(null=True, blank=True)
    returned_revision = models.BigIntegerField(null=True, blank=True)
    # The revision that made the two one, or took one of them away, what it freed, and the one that parted them again.
    closed_revision = models.BigIntegerField(null=True, blank=True)
    licenses_freed = models.PositiveSmallIntegerField(default=0)
    parted_revision = models.BigIntegerField(null=True, blank=True)

    class Meta:
        """A pair stands once, but for what was proved of it before; the index is the order of the list."""

        constraints = [
            models.UniqueConstraint(
                fields=["ledger", "identity"], condition=~Q(state="confirmed"), name="suspect_pair_once"
            )
        ]
        indexes = [
            models.Index(fields=["ledger", "state", "-licenses_at_stake", "-score", "id"], name="suspect_order"),
            models.Index(fields=["ledger", "closed_revision"], name="suspect_closed"),
            models.Index(fields=["ledger", "parted_revision"], name="suspect_parted"),
        ]

    def __str__(self) -> str:
        """Return kind and state, never who they are."""
        return f"{self.kind}: {self.state}"


class SuspectRun(models.Model):
    """One search for suspects: waiting -> running (claimed, leased) -> done | failed. The row is the truth.

    ``revision`` is the one of the books that was searched, ``basis`` the rules and the domains that it was searched by.
    """

    class State(models.TextChoices):
        """Where a search stands."""

        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    class Step(models.TextChoices):
        """What it is at."""

        NONE = "", _("Not started")
        READ = "read", _("Reading addresses")
        COMPARE = "compare", _("Comparing addresses")
        WEIGH = "weigh", _("Weighing the evidence")
        WRITE = "write", _("Writing the list")

    OPEN: Final = (State.WAITING, State.RUNNING)

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="suspect_runs")
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    step = models.CharField(max_length=16, choices=Step, default=Step.NONE, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    revision = models.BigIntegerField(default=0)
    basis = models.CharField(max_length=80, blank=True)
    requested_at = models.DateTimeField()
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    claim = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    # What it found: pairs that are listed, and those among them that were not there before.
    listed = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)

    class Meta:
        """One search of an account at a time."""

        constraints = [
            models.UniqueConstraint(
                fields=["ledger"], condition=Q(state__in=["waiting", "running"]), name="suspect_run_open_once"
            )
        ]

    def __str__(self) -> str:
        """Return state and step."""
        return f"{self.state} {self.step}"

    @property
    def is_open(self) -> bool:
        """Whether it is under way."""
        return self.state in self.OPEN


class Saving(models.Model):
    """What a revision of the books proved of the worklist, in numbers: nobody is named.

    ``entries`` pairs became one, which freed ``licenses``; ``entries_parted`` that had become one are two again, and
    took ``licenses_back``.
    """

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="savings", db_index=False)
    revision = models.BigIntegerField()
    at = models.DateTimeField(db_index=True)
    cause = models.CharField(max_length=8, choices=Revision.Cause)
    hostname = CodePointTextField(blank=True)
    entries = models.PositiveIntegerField()
    licenses = models.PositiveIntegerField()
    entries_parted = models.PositiveIntegerField()
    licenses_back = models.PositiveIntegerField()

    class Meta:
        """A revision proves once."""

        constraints = [models.UniqueConstraint("ledger", "revision", name="saving_once")]

    def __str__(self) -> str:
        """Return the revision and what it freed."""
        return f"{self.revision}: {self.licenses}"
