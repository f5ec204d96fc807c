"""Who may ask: the roles on the system, a domain and a project, and what they ask about, for tables of rules."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.common.context import RequestContext

ROLES = ("admin", "manager", "member", "reader")
SCOPES = ("system", "domain", "project")
HOME, ELSEWHERE = "home", "elsewhere"  # domains
PLACES = ("self", "domain", "elsewhere")  # what belongs to the persona, to its domain, to another domain


@dataclass(frozen=True)
class Persona:
    """A role in a scope; each role contains the ones after it."""

    scope: str
    role: str

    def __str__(self) -> str:
        return f"{self.scope} {self.role}"

    @property
    def user_id(self) -> str:
        return f"{self.scope}-{self.role}"

    @property
    def roles(self) -> tuple[str, ...]:
        return ROLES[ROLES.index(self.role) :]

    def context(self, *, domain_id: str = HOME, project_id: str = "own") -> RequestContext:
        return RequestContext(
            user_id=self.user_id,
            user_domain_id=domain_id,
            system_scope="all" if self.scope == "system" else None,
            domain_id=domain_id if self.scope == "domain" else None,
            project_id=project_id if self.scope == "project" else None,
            project_domain_id=domain_id if self.scope == "project" else None,
            roles=self.roles,
            is_admin=self.role == "admin",
        )


def personas() -> Iterator[Persona]:
    return (Persona(scope, role) for scope in SCOPES for role in ROLES)


def target(persona: Persona, place: str, *, rule: str = "") -> dict[str, object]:
    """Return all that ``rule`` may look at, of something in that place."""
    user = persona.user_id if place == "self" else "somebody"
    project = "own" if place == "self" else "another"
    domain = ELSEWHERE if place == "elsewhere" else HOME
    users = ("user_id", "target.user.id", "target.credential.user_id", "target.token.user_id")
    trusts = ("target.trust.trustor_user_id", "target.trust.trustee_user_id")
    domains = ("domain_id", "user.domain_id", "group.domain_id", "project.domain_id", "scope.domain_id")
    more = ("actor.domain_id", "domain.id", "limit.domain.id", "limit.project.domain_id")
    return {
        **dict.fromkeys((*users, *trusts), user),
        **{f"target.{name}": domain for name in (*domains, *more)},
        **dict.fromkeys(("target.project.id", "target.limit.project.id", "target.limit.project_id"), project),
        "caller.domain_id": HOME if persona.scope == "domain" else None,
        "target.role.name": "member",
        "target.role.domain_id": domain if "domain_role" in rule else "None",
        "target.user.is_privileged": False,
        "target.group.is_privileged": False,
    }
