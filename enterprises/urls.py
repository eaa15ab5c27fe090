"""Addresses of people: home, sign-in, the first owner, preferences."""

from allauth.account.views import login, logout, password_change
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_POST

from enterprises import audit_views, token_views, views

# The names that begin with account_ are those by which allauth finds its pages; the rest of it has no address here.
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.your_enterprises, name="home"),
    path("setup", views.setup, name="setup"),
    path("account/sign-in", login, name="account_login"),
    path("account/sign-out", require_POST(logout), name="account_logout"),
    path("account/password", password_change, name="account_change_password"),
    path("account/link", views.sign_in_link, name="sign_in_link"),
    path("account/preferences", views.your_preferences, name="preferences"),
    path("account/tokens", token_views.tokens, name="tokens"),
    path("account/tokens/<int:pk>/revoke", token_views.revoke, name="revoke_token"),
    path("account/language", views.set_language, name="set_language"),
    path("account/theme", views.set_theme, name="set_theme"),
    # Of both sides, with the same page.
    path("enterprises/<slug:slug>/settings/audit-log", audit_views.show, name="audit_log"),
    path("enterprises/<slug:slug>/settings/audit-log/export", audit_views.export, name="audit_log_export"),
]
