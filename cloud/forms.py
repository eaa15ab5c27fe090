"""What people may enter on the cloud's pages."""

from django import forms
from django.utils.translation import gettext_lazy as _


class SeatsPurchasedForm(forms.Form):
    """How many licenses the account has bought."""

    seats_purchased = forms.IntegerField(
        label=_("Purchased licenses"),
        help_text=_("From your contract; it is what the consumed licenses are compared with."),
        min_value=0,
        max_value=10_000_000,
    )


class ManagedUsersForm(forms.Form):
    """Whether the company manages its members' accounts."""

    managed_users = forms.BooleanField(
        label=_("Enterprise with managed users"),
        help_text=_(
            "The accounts of the members belong to your company, and so do their addresses: all of them are shown. "
            "Without this, only those on verified and approved domains are."
        ),
        required=False,
    )


class MembersFileForm(forms.Form):
    """A list of members to import."""

    file = forms.FileField(
        label=_("List of members"),
        help_text=_(
            "GitHub's consumed-licenses report (CSV), or NDJSON with one member a line. "
            "You see what changes before anything is applied."
        ),
        max_length=255,
    )
    partial = forms.BooleanField(
        label=_("Only some of the members"),
        help_text=_("Members that are not in the file stay. Without this the file is the complete list."),
        required=False,
    )


class ApplyMembersForm(forms.Form):
    """The decision after the preview."""

    partial = forms.BooleanField(required=False, widget=forms.HiddenInput)
    allow_shrink = forms.BooleanField(
        label=_("Yes, remove that many members"),
        help_text=_("The file leaves out more than a fifth of the members that are listed today."),
        required=False,
    )


class ConsentForm(forms.Form):
    """Which account a server is connected to; the rest travels with the request as it came."""

    manifest = forms.CharField(widget=forms.HiddenInput, max_length=10_000)
    state = forms.CharField(widget=forms.HiddenInput, max_length=200)
    account = forms.SlugField(widget=forms.HiddenInput, max_length=60)
