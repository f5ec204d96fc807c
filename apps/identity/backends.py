"""Django's sign-in: users of the default domain, with the same passwords as on the API."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from apps.common import addresses, audit
from apps.common.exceptions import BadRequest
from apps.identity.exceptions import TooManyFailures
from apps.identity.models import User
from apps.identity.selectors import users
from apps.identity.services import authentication, guards
from apps.identity.states import DEFAULT_DOMAIN_ID


class DomainUserBackend(BaseBackend):
    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Return the user whose password this is, when user and domain are enabled."""
        if username is None or password is None:
            return None
        user = users.by_name(name=username, domain_id=DEFAULT_DOMAIN_ID) if "\x00" not in username else None
        try:
            good = guards.verify(user=user, password=password, address=addresses.of(request) if request else "")
        except (BadRequest, TooManyFailures):  # over-long: refused before hashing
            return None
        if user is None or not good or not authentication.may_sign_in(user) or not user.domain.enabled:
            return None
        address = addresses.of(request) if request else ""
        who = {"user_id": user.pk, "user_name": user.name, "address": address}
        audit.record("authenticate", "user", user.pk, details={"methods": ["session"]}, **who)
        return user

    def get_user(self, user_id: str) -> User | None:
        """Return the session's user as long as it may be here: asked anew at every request."""
        user = User.objects.select_related("domain").filter(pk=user_id).first()
        return user if user is not None and user.enabled and user.domain.enabled else None
