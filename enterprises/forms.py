"""Forms of the people's pages: the first owner, one-time links, preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils.translation import gettext_lazy as _

from enterprises.access import served
from enterprises.founding import Particulars
from enterprises.models import Deployment, Theme, User, validate_slug
from enterprises.preferences import time_zones

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm


class SetupForm(forms.Form):
    """The first owner and their enterprise."""

    code = forms.CharField(
        label=_("Setup code"),
        max_length=64,
        help_text=_("It was printed where the console was started."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "data-from-fragment": "",
            }
        ),
    )
    username = forms.CharField(
        label=_("Username"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    deployment = forms.ChoiceField(label=_("Side"), choices=Deployment.choices, widget=forms.RadioSelect)
    name = forms.CharField(label=_("Name of the enterprise"), max_length=120)
    slug = forms.CharField(
        label=_("Short name in addresses"),
        max_length=60,
        validators=[validate_slug],
        help_text=_("Lower-case letters, digits and hyphens."),
    )
    hostname = forms.CharField(
        label=_("Host name of the server"),
        max_length=253,
        required=False,
        help_text=_("For Enterprise Server: the name under which its users reach it."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )
    seats = forms.IntegerField(
        label=_("Purchased seats"),
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        help_text=_("For Enterprise Cloud: the number of licenses that were bought."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = " ".join(password_validators_help_texts())
        sides = served()
        if len(sides) == 1:
            self.fields["deployment"] = forms.ChoiceField(
                choices=[(sides[0], sides[0].label)], initial=sides[0], widget=forms.HiddenInput
            )
            del self.fields["seats" if sides[0] == Deployment.SERVER else "hostname"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("deployment") == Deployment.SERVER and not cleaned.get("hostname"):
            self.add_error("hostname", _("A server needs its host name."))
        return cleaned

    def particulars(self) -> Particulars:
        is_server = self.cleaned_data["deployment"] == Deployment.SERVER
        return Particulars(
            hostname=self.cleaned_data.get("hostname", "") if is_server else "",
            seats=0 if is_server else self.cleaned_data.get("seats") or 0,
        )


class OneTimeInput(forms.TextInput):
    """What was refused does not come back with the form."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class SignInLinkForm(forms.Form):
    """The secret of a one-time link; a script takes it from the address, which never reaches the server."""

    secret = forms.CharField(
        label=_("One-time code"),
        max_length=200,
        help_text=_("The part of the sign-in address behind the # sign."),
        widget=OneTimeInput(attrs={"autocomplete": "off", "spellcheck": "false", "data-from-fragment": ""}),
    )


class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=settings.LANGUAGES)


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=Theme.choices)


class PreferencesForm(UserForm):
    """What a person chooses for themselves; language and theme change in the menu as well."""

    class Meta:
        model = User
        fields = ["language", "theme", "time_zone", "email", "wants_notices"]
        labels = {
            "theme": _("Theme"),
            "email": _("E-mail address"),
            "wants_notices": _("Mail me when an enterprise that I own needs me"),
        }
        help_texts = {
            "wants_notices": _(
                "A sync that failed or is late, old seats, a license that ends, licenses that are nearly used up: "
                "once when it begins, once when it is over."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [("", "UTC"), *((zone, zone.replace("_", " ")) for zone in sorted(time_zones()))]
        self.fields["time_zone"] = forms.ChoiceField(label=_("Time zone"), choices=zones, required=False)
        languages = [("", _("As the browser asks")), *settings.LANGUAGES]
        self.fields["language"] = forms.ChoiceField(label=_("Language"), choices=languages, required=False)
