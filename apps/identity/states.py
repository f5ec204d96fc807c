"""Words of identity: scopes, interfaces, the domain and the roles that always exist, and the limits of a value."""

import uuid
from enum import StrEnum

DEFAULT_DOMAIN_ID = "default"
ROLES = ("admin", "manager", "member", "reader", "service")
# Roles that managers of a domain can neither assign nor reach through a user or a group that has one.
PRIVILEGED_ROLES = ("admin", "service")
# Each role contains the next one (Keystone's bootstrap makes the same implications).
IMPLICATIONS = (("admin", "manager"), ("manager", "member"), ("member", "reader"))

MAX_PASSWORD_BYTES = 4096  # longer ones are refused before hashing (OSSA 2012-002)
MAX_PROJECT_DEPTH = 5  # a domain counts as the first level
MAX_TAGS = 80  # of a project
ADDRESS_SLOTS = 4096  # rows that count failed sign-ins by address; a migration made them
KNOWN_ADDRESSES = 32  # of a user: those from which it signed in last
KNOWN_ADDRESS_DAYS = 30  # after which an address is a stranger's again
MAX_RESCOPES = 32  # tokens made one from another: each keeps the audit ids of all its ancestors


class Scope(StrEnum):
    """The scope of a token."""

    UNSCOPED = "unscoped"
    PROJECT = "project"
    DOMAIN = "domain"
    SYSTEM = "system"


class Interface(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"
    ADMIN = "admin"


def new_id() -> str:
    """Return an id as Keystone makes them: 32 hexadecimal digits."""
    return uuid.uuid4().hex
