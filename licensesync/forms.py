"""What people may enter on the server's pages."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licensesync.models import License, SeatSource
from licensesync.seats.importing import EARLIEST
from licensesync.users.listing import MAX_SEARCH, Filter, Wanted
from wire.lines import MAX_USER_ID

MOST_SEATS = 100_000_000
CLOCKS_DIFFER = timedelta(minutes=5)


class EnableForm(forms.Form):
    """Which of the clouds that this console knows one goes to."""

    cloud_url = forms.ChoiceField(
        label=_("Cloud"),
        error_messages={"invalid_choice": _("Choose one of the clouds that this console knows.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cloud_url"].choices = [(url, urlsplit(url).netloc) for url in settings.CLOUD_URLS]  # type: ignore[attr-defined]


class LicenseSyncForm(forms.Form):
    """The dropdown of "Server can sync user license count and usage"."""

    license_sync = forms.ChoiceField(choices=[("enabled", _("Enabled")), ("disabled", _("Disabled"))])


class DisableForm(forms.Form):
    """The second choice, when the cloud cannot be reached."""

    even_if_unreachable = forms.BooleanField(
        label=_("Disable it on this server alone"),
        help_text=_("The App stays on the cloud until an owner of the account removes this server there."),
        required=False,
    )


class LicenseForm(forms.Form):
    """The license of a server, as its owner reads it in the contract."""

    customer = forms.CharField(label=_("Customer"), max_length=200)
    kind = forms.CharField(label=_("Kind"), max_length=50, help_text=_("For example standard or trial."))
    is_unlimited = forms.BooleanField(
        label=_("Unlimited seats"),
        help_text=_("The number of seats above is ignored then."),
        required=False,
    )
    seats = forms.IntegerField(
        label=_("Seats"),
        min_value=0,
        max_value=MOST_SEATS,
        required=False,
        help_text=_("How many were bought."),
    )
    expires_on = forms.DateField(
        label=_("Expires on"),
        help_text=_("The last day. Leave it empty for a license that never expires."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    @staticmethod
    def initial_of(held: License | None) -> dict[str, Any]:
        """The values of a license, or of a first one."""
        if held is None:
            return {"kind": "standard"}
        return {
            "customer": held.customer,
            "kind": held.kind,
            "seats": held.seats,
            "is_unlimited": held.seats is None,
            "expires_on": held.expires_on,
        }

    def clean(self) -> dict[str, Any]:
        """Seats are a number unless "Unlimited seats" is chosen, whatever stands beside it then."""
        data = super().clean() or self.cleaned_data
        if data.get("is_unlimited"):
            self.errors.pop("seats", None)
            data["seats"] = None
        elif "seats" in data and data["seats"] is None:
            self.add_error("seats", _("Enter the number of seats, or choose “Unlimited seats”."))
        return data


class SentForm(forms.Form):
    """What to look for among the lines; whatever does not fit falls back to everything from the first page."""

    which = forms.CharField(required=False)
    q = forms.CharField(required=False, max_length=320)
    page = forms.IntegerField(required=False, min_value=1, max_value=10_000_000)

    @property
    def wanted(self) -> dict[str, Any]:
        """The values that fit."""
        fitting = self.cleaned_data if self.is_valid() else getattr(self, "cleaned_data", {})
        return {
            "which": fitting.get("which", ""),
            "search": fitting.get("q", ""),
            "page": fitting.get("page") or 1,
        }


class CancelForm(forms.Form):
    """Which job to cancel: the one that the person saw."""

    job = forms.IntegerField(widget=forms.HiddenInput)
    back = forms.BooleanField(required=False)
    """Whether the person saw it on its own page, and goes on there."""


class SyncNowForm(forms.Form):
    """Whether so many accounts are meant to go, once the cloud has asked."""

    allow_shrink = forms.BooleanField(required=False)
    back = forms.BooleanField(required=False)
    """Whether the person saw a job on its own page, and goes on to that of the new one."""


class SeatsFileForm(forms.Form):
    """A list of accounts to import."""

    file = forms.FileField(
        label=_("List of accounts"),
        help_text=_(
            "The site-admin report all_users.csv, or NDJSON with one account a line. "
            "You see what changes before anything is applied."
        ),
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ".csv,.ndjson,.jsonl,.json,.txt"}),
        error_messages={"empty": _("The file is empty."), "required": _("Choose a file.")},
    )
    taken_at = forms.DateTimeField(
        label=_("Taken at"),
        help_text=_("When the server made the list, if not just now."),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    partial = forms.BooleanField(
        label=_("Only some of the accounts"),
        help_text=_("Accounts that are not in the file stay. Without this the file is the complete list."),
        required=False,
    )

    def clean_taken_at(self) -> datetime | None:
        """A list cannot have been made later than now, clocks may differ a little; nor before there were servers."""
        taken_at: datetime | None = self.cleaned_data["taken_at"]
        if taken_at is not None and taken_at < EARLIEST:
            raise forms.ValidationError(_("This time lies before the year 2000."))
        if taken_at is not None and taken_at > timezone.now() + CLOCKS_DIFFER:
            raise forms.ValidationError(_("This time lies in the future."))
        return taken_at


class ReceiptFileForm(forms.Form):
    """The receipt that the cloud offered for a usage file."""

    receipt = forms.FileField(
        label=_("Receipt"),
        help_text=_("The small JSON file that the cloud offers once it has applied a usage file of this server."),
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ".json"}),
        error_messages={"empty": _("The file is empty."), "required": _("Choose a file.")},
    )


class TrustReceiptForm(forms.Form):
    """What an owner confirms before a waiting receipt is believed; only what is asked is there."""

    is_same = forms.BooleanField(
        label=_("The cloud shows this very fingerprint"),
        error_messages={"required": _("Compare the two fingerprints first.")},
    )
    adopt = forms.BooleanField(
        label=_("This console was restored from a backup: go on from this receipt"),
        help_text=_("It forgot the usage file. The next one then builds on what the cloud holds."),
        error_messages={"required": _("Confirm that this is so.")},
    )
    changes = forms.BooleanField(
        label=_("This server reports to this cloud account from now on"),
        error_messages={"required": _("Confirm that this is so.")},
    )

    def __init__(self, *args: Any, review: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not review["fingerprint"]:
            del self.fields["is_same"]
        if not review["adopt"]:
            del self.fields["adopt"]
        if not review.get("account"):
            del self.fields["changes"]


class SeatSourceForm(forms.Form):
    """Where seats come from; what belongs to another kind than the chosen one is ignored."""

    kind = forms.ChoiceField(label=_("Seats come from"), choices=SeatSource.Kind)
    base_url = forms.CharField(
        label=_("Base URL of GHES"),
        help_text=_("Such as https://ghes.octo.example. The token is sent to this address alone."),
        max_length=300,
        required=False,
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    user_name = forms.CharField(
        label=_("Site administrator"),
        help_text=_("The user name on GHES whose token this is."),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    token = forms.CharField(
        label=_("Token"),
        help_text=_(
            "A personal access token with the scope site_admin. It is kept encrypted and never shown again; leave it "
            "empty to keep the one that is held for this address and user."
        ),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    path = forms.CharField(
        label=_("Path of the watched file"),
        help_text=_("Below the folder that is named above, such as all_users.csv."),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_kind(self) -> SeatSource.Kind:
        """The kind itself, for whoever matches it."""
        return SeatSource.Kind(self.cleaned_data["kind"])


class RefreshSeatsForm(forms.Form):
    """Whether so many accounts are meant to go."""

    allow_shrink = forms.BooleanField(label=_("Yes, remove that many accounts"), required=False)


class ApplySeatsForm(forms.Form):
    """The decision after the preview; the first two travel with it as they were entered."""

    partial = forms.BooleanField(required=False, widget=forms.HiddenInput)
    taken_at = forms.DateTimeField(required=False, widget=forms.HiddenInput)
    allow_shrink = forms.BooleanField(
        label=_("Yes, remove that many accounts"),
        help_text=_("The file leaves out more than a fifth of the accounts that are listed today."),
        required=False,
    )


class UsersForm(forms.Form):
    """Which users to list; whatever does not fit falls back to everybody from the first page."""

    q = forms.CharField(required=False, max_length=MAX_SEARCH)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("Any state")),
            (Filter.ACTIVE.value, _("Active")),
            (Filter.DORMANT.value, _("Dormant")),
            (Filter.SUSPENDED.value, _("Suspended")),
        ],
    )
    address = forms.ChoiceField(
        label=_("Primary address"),
        required=False,
        choices=[
            ("", _("Any address")),
            (Filter.NO_PRIMARY_ADDRESS.value, _("No primary address")),
            (Filter.SAME_ADDRESS_TWICE.value, _("Same address twice")),
        ],
    )
    excluded = forms.ChoiceField(
        label=_("Exclusion list"),
        required=False,
        choices=[
            ("", _("On the exclusion list or not")),
            (Filter.EXCLUDED.value, _("On the exclusion list")),
            (Filter.NOT_EXCLUDED.value, _("Not on the exclusion list")),
        ],
    )
    after = forms.IntegerField(required=False, min_value=1, max_value=MAX_USER_ID)
    before = forms.IntegerField(required=False, min_value=1, max_value=MAX_USER_ID)

    @property
    def fitting(self) -> dict[str, Any]:
        """The values that fit and are not empty, as they stand in an address."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def wanted(self) -> Wanted:
        """Which users are meant."""
        chosen = self.fitting
        filters = (Filter(chosen[name]) for name in ("state", "address", "excluded") if name in chosen)
        return Wanted(search=chosen.get("q", ""), filters=frozenset(filters))


class ExclusionForm(forms.Form):
    """An account to put on the exclusion list, or to take off it."""

    account = forms.CharField(label=_("Login or id"), max_length=255, required=False)
    user_id = forms.IntegerField(min_value=1, max_value=MAX_USER_ID, required=False, widget=forms.HiddenInput)
    action = forms.ChoiceField(choices=[("exclude", _("Exclude")), ("include", _("Take off the list"))])

    def clean(self) -> dict[str, Any]:
        """One of the two says which account."""
        data = super().clean() or self.cleaned_data
        if not data.get("account") and not data.get("user_id"):
            raise forms.ValidationError(_("Enter the login or the id of an account."))
        return data


class DecisionForm(forms.Form):
    """One choice after the cloud refused a sync, and that somebody is sure of it."""

    choice = forms.CharField(widget=forms.HiddenInput)
    job = forms.IntegerField(required=False, widget=forms.HiddenInput)
    sure = forms.BooleanField(error_messages={"required": _("Confirm that this is so.")})

    def __init__(self, *args: Any, choice: str, **kwargs: Any) -> None:
        kwargs["auto_id"] = f"id_{choice}_%s"
        super().__init__(*args, **kwargs)
        self.chosen = choice


class CopyForm(DecisionForm):
    """This server is a copy, and has a name of its own."""

    field_order = ("choice", "job", "hostname", "sure")

    hostname = forms.CharField(
        label=_("Host name of this server"),
        max_length=253,
        help_text=_("Where its own users reach it. The name of the original stays with the original."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
