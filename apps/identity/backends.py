"""Django's sign-in: users of the default domain, with the same passwords as on the API."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from apps.common import addresses, audit
from apps.common.exceptions import BadRequest
from apps.identity import multi_factor
from apps.identity.exceptions import TooManyFailures
from apps.identity.models import User
from apps.identity.selectors import users
from apps.identity.services import authentication, throttling
from apps.identity.states import DEFAULT_DOMAIN_ID


class DomainUserBackend(BaseBackend):
    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Return the user whose password this is, when user and domain are enabled and a password is enough for it."""
        if username is None or password is None:
            return None
        user = users.by_name(name=username, domain_id=DEFAULT_DOMAIN_ID) if "\x00" not in username else None
        address = addresses.of(request) if request else ""
        try:
            good = throttling.verify(user=user, password=password, address=address)
        except (BadRequest, TooManyFailures):  # over-long: refused before hashing
            return None
        if user is None or not good:
            return None
        cause = self._obstacle(user)
        if cause:
            throttling.refused(user, address, cause)
            return None
        return user

    @staticmethod
    def _obstacle(user: User) -> str:
        """Return why a correct password does not sign the user in, or ""."""
        if not authentication.may_sign_in(user) or not user.domain.enabled:
            return "disabled or expired"
        return "" if multi_factor.suffice(user.options, ("password",)) else "too few methods"

    @staticmethod
    def record_session(sender: Any, request: Any, user: User, **_: Any) -> None:
        """Record a session that began (signal ``user_logged_in``): a page may refuse whom a password lets in."""
        address = addresses.of(request) if request else ""
        who = {"user_id": user.pk, "user_name": user.name, "address": address}
        audit.record("authenticate", "user", user.pk, details={"methods": ["session"]}, **who)

    def get_user(self, user_id: str) -> User | None:
        """Return the session's user while it has access; checked at every request."""
        user = User.objects.select_related("domain").filter(pk=user_id).first()
        return user if user is not None and user.enabled and user.domain.enabled else None
