"""How allauth signs people in here: by username and password, without sign-up, and without telling who exists."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from enterprises import audit

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

logger = logging.getLogger(__name__)

# Signs in whoever came through a link; the session is the same as after a password.
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth publishes no types
    """Our answers to what allauth asks."""

    # The words of the form itself; allauth's French ones speak of a "pseudo".
    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("The username or the password is not correct."),
        "too_many_login_attempts": _("Too many failed attempts to sign in. Try again later."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Owners are made on the command line or by the first start."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Somebody who may not sign in looks like a wrong password; allauth would confirm the password."""
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is None or user.is_active:
            return user
        self.authentication_failed(request, **credentials)
        return None

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            logger.warning("Attempts to sign in are slowed down.", extra={"ip": audit.actor_ip(request)})
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Without the name: people type their password into that field, too."""
        logger.warning("A password was refused.", extra={"ip": audit.actor_ip(request)})

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that attempts are counted by; behind a Unix socket all share one."""
        return audit.counted_ip(request) or "local"

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("preferences")
