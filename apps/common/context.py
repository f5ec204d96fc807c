"""Who asks, for which project, under which request id: handed down explicitly, never looked up."""

import re
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field

REQUEST_ID = re.compile(r"^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

# Only for logs and error pages: services get a RequestContext as an argument.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


def new_request_id() -> str:
    return f"req-{uuid.uuid4()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestContext:
    """The caller as a token describes it.

    ``project_id`` is None for unscoped, domain-scoped and system-scoped tokens. ``roles`` are names.
    """

    request_id: str = field(default_factory=new_request_id)
    user_id: str | None = None
    user_name: str = ""
    user_domain_id: str | None = None
    project_id: str | None = None
    project_name: str = ""
    project_domain_id: str | None = None
    domain_id: str | None = None
    system_scope: str | None = None
    roles: tuple[str, ...] = ()
    is_admin: bool = False
    remote_address: str = ""
    # A token made with an application credential or a trust; only an unrestricted credential may make others.
    application_credential_id: str | None = None
    trust_id: str | None = None
    is_restricted: bool = False

    @property
    def is_delegated(self) -> bool:
        """Return whether the token holds somebody's power for one purpose only."""
        return self.application_credential_id is not None or self.trust_id is not None

    def credentials(self) -> dict[str, object]:
        """Return the caller's attributes for policy rules (oslo.policy's ``creds``)."""
        return {
            "user_id": self.user_id,
            "project_id": self.project_id,
            "tenant_id": self.project_id,
            "domain_id": self.domain_id,
            "system_scope": self.system_scope,
            "roles": list(self.roles),
            "user_domain_id": self.user_domain_id,
            "project_domain_id": self.project_domain_id,
            "is_admin": self.is_admin,
            "is_admin_project": True,  # oslo.context's word for clouds that know no such project
            "is_delegated": self.is_delegated,
            "token": self._token(),
        }

    def policy_key(self) -> tuple[object, ...]:
        """Return all that ``credentials`` is made of, as a key."""
        return (
            self.user_id, self.project_id, self.domain_id, self.system_scope, tuple(self.roles), self.user_domain_id,
            self.project_domain_id, self.is_admin, self.is_delegated,
        )  # fmt: skip

    def _token(self) -> dict[str, object]:
        """Return the values of ``token.domain.id``, ``token.project.domain.id`` and so on in Keystone's rules.

        Attributes that the token lacks are absent, so that they equal nothing.
        """
        parts: dict[str, object] = {}
        of_domains = (("user", self.user_id, self.user_domain_id), ("project", self.project_id, self.project_domain_id))
        for noun, pk, domain_id in of_domains:
            if pk is not None:
                parts[noun] = {"id": pk, "domain": {"id": domain_id} if domain_id is not None else {}}
        if self.domain_id is not None:
            parts["domain"] = {"id": self.domain_id}
        return parts
