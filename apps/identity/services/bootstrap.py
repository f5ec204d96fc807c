"""Creates the rows that a cloud needs before anyone can sign in. Idempotent: it adds missing rows."""

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.common import audit
from apps.common.sql import statistics
from apps.identity import keys, locks
from apps.identity.models import (
    Domain,
    Endpoint,
    ImpliedRole,
    Project,
    Region,
    Role,
    RoleAssignment,
    Service,
    User,
)
from apps.identity.services import lockouts, passwords, throttling
from apps.identity.states import DEFAULT_DOMAIN_ID, IMPLICATIONS, ROLES, Interface

log = structlog.get_logger("celerity.identity")

# type, name, path below the public URL
SERVICES = (
    ("identity", "keystone", "/identity"),
    ("compute", "nova", "/compute/v2.1"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
    # One API under both of its types: some clients know the older one alone.
    ("volumev3", "cinderv3", "/volume/v3/$(project_id)s"),
    ("block-storage", "cinder", "/volume/v3/$(project_id)s"),
)


@transaction.atomic
def bootstrap(*, admin_password: str, demo_password: str, public_url: str, region: str) -> None:
    """Make domain, roles, projects, users, assignments and catalog; users that exist get these passwords."""
    keys.setup()
    keys.setup(settings.CREDENTIAL_KEY_DIR)
    throttling.ensure_slots()
    domain, _ = Domain.objects.get_or_create(
        id=DEFAULT_DOMAIN_ID, defaults={"name": "Default", "description": "The default domain"}
    )
    roles = _roles()
    projects = {name: _project(domain, name) for name in ("admin", "demo", "service")}
    admin = _user(domain, "admin", admin_password, projects["admin"])
    demo = _user(domain, "demo", demo_password, projects["demo"])
    User.objects.filter(pk=admin.pk).update(is_staff=True, is_superuser=True)
    RoleAssignment.objects.get_or_create(user=admin, project=projects["admin"], role=roles["admin"])
    RoleAssignment.objects.get_or_create(user=admin, system=True, role=roles["admin"])
    RoleAssignment.objects.get_or_create(user=demo, project=projects["demo"], role=roles["member"])
    _catalog(public_url=public_url, region=region)
    statistics.analyse(User, Project, Role, RoleAssignment, ImpliedRole)
    log.info("bootstrapped", region=region, public_url=public_url)


def _roles() -> dict[str, Role]:
    """The roles that rules name are neither renamed nor deleted, unless an operator has said ``immutable: false``."""
    roles = {name: Role.objects.get_or_create(name=name, domain=None)[0] for name in ROLES}
    for role in roles.values():
        if "immutable" not in role.options:
            role.options = {**role.options, "immutable": True}
            role.save(update_fields=["options"])
    for prior, implied in IMPLICATIONS:
        ImpliedRole.objects.get_or_create(prior=roles[prior], implied=roles[implied])
    return roles


def _project(domain: Domain, name: str) -> Project:
    defaults = {"parent": domain, "description": f"The {name} project"}
    return Project.objects.get_or_create(domain=domain, name=name, is_domain=False, defaults=defaults)[0]


def _user(domain: Domain, name: str, password: str, project: Project) -> User:
    """Sessions and tokens live on when the password is already this one."""
    user = User.objects.filter(domain=domain, name=name).first()
    if user is None:
        user = User(domain=domain, name=name, default_project_id=project.pk)
        passwords.assign(user=user, password=password)
        user.save()
    elif not passwords.matches(user=user, password=password):
        passwords.change(user=user, password=password)
        _show_password(user, "bootstrap")
    return user


def _show_password(user: User, command: str) -> None:
    with audit.by_command():
        audit.record("update", "user", user.pk, details={"changed": ["password"], "command": command})


def _catalog(*, public_url: str, region: str) -> None:
    """Add missing ones. Existing rows stay, except the cloud's own endpoints, which follow the public URL."""
    Region.objects.get_or_create(id=region)
    row = locks.region(region)  # two at once would add every endpoint twice
    for kind, name, path in SERVICES:
        service = _service(kind, name)
        for interface in Interface:
            place = f"{path}/admin" if (kind, interface) == ("identity", Interface.ADMIN) else path
            _endpoint(service, row, interface.value, public_url + place)


def _service(kind: str, name: str) -> Service:
    """Return the service of a type that has our endpoints, else one of our name, else any, else a new one."""
    rows = Service.objects.filter(type=kind).order_by("id")
    service = rows.filter(endpoints__bootstrap_url__gt="").first() or rows.filter(name=name).first() or rows.first()
    return service or Service.objects.create(type=kind, name=name)


def _endpoint(service: Service, region: Region, interface: str, url: str) -> None:
    """Create the endpoint, or update bootstrap's own: the one that still has the URL that bootstrap wrote last.

    An endpoint with the current URL becomes bootstrap's: older clouds have no record of that URL.
    """
    there = locks.endpoints(service=service, region=region, interface=interface)
    if not there.exists():
        Endpoint.objects.create(service=service, region=region, interface=interface, url=url, bootstrap_url=url)
    elif not there.filter(url=F("bootstrap_url")).update(url=url, bootstrap_url=url):
        same = there.filter(url=url).first()
        if same is None:
            log.info("an edited endpoint is kept", service=service.name, interface=interface, public_url=url)
        else:
            Endpoint.objects.filter(pk=same.pk).update(bootstrap_url=url)


@transaction.atomic
def recover_admin(*, password: str) -> None:
    """Give the administrator a new password, and everything back that it needs to get in."""
    domain = Domain.objects.get(id=DEFAULT_DOMAIN_ID)
    Domain.objects.filter(pk=domain.pk).update(enabled=True)
    roles = _roles()
    project = _project(domain, "admin")
    Project.objects.filter(pk=project.pk).update(enabled=True)
    user = User.objects.filter(domain=domain, name="admin").first() or User(domain=domain, name="admin")
    user.enabled, user.is_staff, user.is_superuser = True, True, True
    user.password_expires_at, user.failed_auth_count, user.failed_auth_at = None, 0, None
    user.default_project_id = project.pk
    passwords.assign(user=user, password=password)
    user.save()
    lockouts.unlock(user)
    _show_password(user, "admin_password")
    RoleAssignment.objects.get_or_create(user=user, project=project, role=roles["admin"])
    RoleAssignment.objects.get_or_create(user=user, system=True, role=roles["admin"])
