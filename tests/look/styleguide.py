"""A page that shows every component with plausible content; only the tests serve it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template import engines

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PAGES = Path(__file__).parent / "pages"


class SampleForm(forms.Form):
    """One field of every kind, two of them wrong."""

    hostname = forms.CharField(label="Host name", help_text="As people type it in their browser.")
    seats = forms.IntegerField(label="Seats", min_value=1)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    cloud = forms.ChoiceField(label="Cloud", choices=[("a", "https://cloud.example"), ("b", "https://other.example")])
    kind = forms.ChoiceField(label="Kind", choices=[("x", "Complete"), ("y", "Partial")], widget=forms.RadioSelect)
    shrink = forms.BooleanField(label="Remove the 41 accounts that are missing", required=False, help_text="For good.")
    file = forms.FileField(label="Server usage file", help_text="The file that the server exported.")


def navigation() -> list[dict[str, Any]]:
    """The pages of a server's enterprise, in GitHub's order."""
    entries = [
        ("People", "people", False),
        ("Policies", "law", False),
        ("GitHub Connect", "plug", True),
        ("License", "credit-card", False),
        ("Audit log", "log", False),
        ("Settings", "gear", False),
    ]
    items = [
        {"label": label, "icon": "shield" if icon == "law" else icon, "url": "#", "is_current": current}
        for label, icon, current in entries
    ]
    return [{"label": "", "items": items[:4]}, {"label": "Administration", "items": items[4:]}]


def steps() -> list[dict[str, Any]]:
    return [
        {"label": "Prepared", "state": "done", "detail": "52 accounts", "at": AT},
        {"label": "Sent", "state": "done", "detail": "1 part"},
        {"label": "Received", "state": "current", "detail": "checking the digest"},
        {"label": "Applied", "state": "waiting"},
        {"label": "Receipt", "state": "waiting"},
    ]


def failed_steps() -> list[dict[str, Any]]:
    states = ("done", "skipped", "failed", "waiting", "waiting")
    words = ("Préparé", "Envoyé", "Reçu par le nuage", "Appliqué", "Accusé de réception")
    return [{"label": label, "state": state} for label, state in zip(words, states, strict=True)]


def events() -> list[dict[str, Any]]:
    return [
        {"text": "Synced: 52 accounts, 3 added", "at": AT, "tone": "success", "icon": "check", "detail": "revision 8"},
        {"text": "The cloud did not answer", "at": AT - timedelta(days=7), "tone": "danger", "icon": "x"},
        {"text": "License sync enabled by mona", "at": AT - timedelta(days=14), "tone": "neutral", "icon": "gear"},
    ]


def chart() -> dict[str, Any]:
    """Twelve weeks, by day."""
    days = range(84)
    return {
        "from": (AT.date() - timedelta(days=83)).isoformat(),
        "lines": [
            {"kind": "purchased", "label": "Purchased", "values": [120 for _day in days]},
            {"kind": "consumed", "label": "Consumed", "values": [57 + day // 7 * 2 for day in days]},
            {"kind": "apart", "label": "Counted apart", "values": [65 + day // 7 * 4 for day in days]},
        ],
    }


def context(request: HttpRequest) -> dict[str, Any]:
    side = request.GET.get("side", "server")
    name = "Octo Engineering and Research" if side == "server" else "Octo"
    return {
        "side": side,
        "theme": request.GET.get("theme", "auto"),
        "enterprise": SimpleNamespace(name=name),
        "enterprise_settings_url": "#",
        "navigation": navigation(),
        "user": SimpleNamespace(is_authenticated=True, get_username=lambda: "mona", initials="ML"),
        "at": AT,
        "steps": steps(),
        "failed_steps": failed_steps(),
        "events": events(),
        "form": SampleForm({"hostname": "", "seats": "0", "cloud": "a", "kind": "x"}),
        "page": Paginator(range(1000), 10).page(3),
        "tabs": [
            {"label": "Enterprise Server instances", "url": "#", "is_current": True, "count": 3},
            {"label": "People", "url": "#", "count": 1234},
            {"label": "History", "url": "#"},
        ],
        "choices": [{"value": "on", "label": "Enabled"}, {"value": "off", "label": "Disabled"}],
        "choix": [{"value": "on", "label": "Activé"}, {"value": "off", "label": "Désactivé"}],
        "facts": [
            {"label": "Customer", "value": "Octo Engineering"},
            {"label": "Expires", "value": "31 December 2027", "help": "in 1 year and 9 months"},
            {"label": "Fingerprint", "value": "1c5f252b2c322f1852a389fbf1715f8cf8ff4cc6b0323ab0637c1fc7477d4f24"},
            {"label": "Connected to", "value": "octo on cloud.example", "url": "#"},
        ],
        "columns": ["Server", "Accounts", "Only here", "Shared", "Dormant"],
        "rows": [["ghes1.octo.example", 52, 11, 41, 7], ["ghes2.octo.example", 23, 9, 14, 0]],
        "chart": chart(),
        "icons": sorted(path.stem for path in Path("templates/components/octicons").glob("*.svg")),
    }


def page(request: HttpRequest, name: str, values: dict[str, Any]) -> HttpResponse:
    text = (PAGES / name).read_text(encoding="utf-8")
    return HttpResponse(engines["django"].from_string(text).render(values, request))


def styleguide(request: HttpRequest) -> HttpResponse:
    return page(request, "styleguide.html", context(request))


def confirmation(request: HttpRequest) -> HttpResponse:
    return page(request, "confirmation.html", context(request))


def signed_out(request: HttpRequest) -> HttpResponse:
    return page(request, "signed_out.html", {"form": SampleForm()})
