"""Where the one-time messages of pages wait: in a cookie of this console, whatever does not fit in the session."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class OwnCookieStorage(CookieStorage):
    """Another console on this host has a cookie of its own; Django would throw away what it cannot verify."""

    cookie_name = f"{settings.SESSION_COOKIE_NAME}_messages"


class FlashStorage(FallbackStorage):
    """As Django's own, with that cookie."""

    storage_classes = (OwnCookieStorage, SessionStorage)
