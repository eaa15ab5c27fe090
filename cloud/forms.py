"""What people may enter on the cloud's pages."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Self

from django import forms
from django.utils.translation import gettext_lazy as _

from cloud.domains.names import (
    MAX_TYPED_LENGTH,
    PROBLEMS,
    WARNINGS,
    DomainInvalid,
    Problem,
    checked_domain,
    warning_of,
)
from cloud.shares import RemovalEffect
from cloud.worklist.acting import MOST_AT_ONCE

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from cloud.models import Ledger
    from cloud.pages.usage import NewServer

_NUMBER: Final = re.compile(r"[0-9]{1,18}")


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


class UsageFileForm(forms.Form):
    """A usage file of a server that no line leads to; what is wrong with one has a sentence of its own."""

    file = forms.FileField(
        label=_("Usage file"),
        help_text=_(
            "The file of Export license usage, at most 512 MiB. You see what changes before anything is applied."
        ),
        max_length=255,
        allow_empty_file=True,
    )


class RegisterServerForm(forms.Form):
    """That somebody has compared the key of a server with what the server itself shows."""

    fingerprint = forms.CharField(widget=forms.HiddenInput, max_length=200)
    compared = forms.BooleanField(
        label=_("I have compared it: the server shows the same fingerprint"),
        error_messages={
            "required": _("Compare the two first: otherwise anybody could speak for this server."),
        },
    )

    @classmethod
    def showing(cls, server: NewServer) -> Self:
        """The form beside the key that it is about."""
        return cls(initial={"fingerprint": server.fingerprint})


class ApplyUsageForm(forms.Form):
    """The decision after the preview of a usage file."""

    allow_shrink = forms.BooleanField(label=_("Yes, remove that many accounts"), required=False)
    allow_rename = forms.BooleanField(label=_("Yes, the server was renamed"), required=False)
    consumed = forms.IntegerField(required=False)

    def is_about(self, ledger: Ledger) -> bool:
        """Whether the books still count as many as the page said that they do."""
        shown = self.cleaned_data.get("consumed")
        return shown is None or shown == ledger.consumed


class AddDomainForm(forms.Form):
    """A domain to add; ``warning`` is set where it is hardly one company's own, until an owner insists."""

    warning: str | _StrPromise = ""

    domain = forms.CharField(
        label=_("Domain"),
        help_text=_(
            "What stands behind the @ of your people's addresses, such as octo.example. Each domain is added by "
            "itself: those below it are not included."
        ),
        max_length=MAX_TYPED_LENGTH,
        error_messages={"required": PROBLEMS[Problem.EMPTY], "max_length": PROBLEMS[Problem.TOO_LONG]},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
    confirmed = forms.BooleanField(label=_("Add it nevertheless"), required=False)

    def clean_domain(self) -> str:
        """The domain in the form in which addresses are compared."""
        try:
            return checked_domain(self.cleaned_data["domain"])
        except DomainInvalid as error:
            raise forms.ValidationError(PROBLEMS[error.problem], code=error.problem.name.lower()) from error

    def clean(self) -> dict[str, Any]:
        """Ask once more where addresses of everybody would be shown."""
        cleaned = super().clean() or self.cleaned_data
        warned = warning_of(cleaned["domain"]) if "domain" in cleaned else None
        if warned is not None:
            self.warning = WARNINGS[warned]
            if not cleaned.get("confirmed"):
                self.add_error("confirmed", forms.ValidationError(self.warning, code="warned"))
        return cleaned


class RemovalForm(forms.Form):
    """What somebody was shown before they decided to remove a server."""

    accounts = forms.IntegerField(widget=forms.HiddenInput)
    people_gone = forms.IntegerField(widget=forms.HiddenInput)
    freed = forms.IntegerField(widget=forms.HiddenInput)
    stay_on_cloud = forms.IntegerField(widget=forms.HiddenInput)
    stay_on_servers = forms.IntegerField(widget=forms.HiddenInput)

    @classmethod
    def showing(cls, effect: RemovalEffect) -> Self:
        """The form that goes with what is shown."""
        return cls(initial=asdict(effect))

    def effect(self) -> RemovalEffect | None:
        """What was shown; None where nothing was."""
        return RemovalEffect(**self.cleaned_data) if self.is_valid() else None


class ConsentForm(forms.Form):
    """Which account a server is connected to; the rest travels with the request as it came."""

    manifest = forms.CharField(widget=forms.HiddenInput, max_length=10_000)
    state = forms.CharField(widget=forms.HiddenInput, max_length=200)
    account = forms.SlugField(widget=forms.HiddenInput, max_length=60)


class EntriesField(forms.Field):
    """Numbers of entries, as many as a page has checkboxes."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: object) -> list[int]:
        """Read the numbers; nothing that is none."""
        listed = value if isinstance(value, list) else []
        if len(listed) > MOST_AT_ONCE or not all(_NUMBER.fullmatch(str(one)) for one in listed):
            raise forms.ValidationError(_("These are no entries."))
        return [int(one) for one in listed]


class DecideForm(forms.Form):
    """What somebody decides about entries of *Probably the same person*: the checked ones, or all that are shown."""

    DECISIONS = ("assign", "dismiss", "wait", "restore", "reopen")

    do = forms.ChoiceField(choices=[(name, name) for name in DECISIONS])
    entry = EntriesField(required=False)
    shown = EntriesField(required=False)
    all = forms.BooleanField(required=False)
    assignee = forms.CharField(max_length=150, required=False)
    reason = forms.CharField(max_length=16, required=False)
    fix = forms.IntegerField(min_value=1, max_value=99, required=False)

    @property
    def entries(self) -> list[int]:
        """The numbers of the entries that are meant."""
        return list(self.cleaned_data["shown" if self.cleaned_data["all"] else "entry"])
