"""openstackclient's identity commands, one by one; and some of each kind, signed in with each method."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.identity.services import bootstrap
from tests.api.clients.commands import Commands

PASSWORD = "correct horse"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Each line is a command; what stands in braces is a value that an earlier "name = command" gave (its id).
LIFE = """
domain = domain create d1
domain set --description x d1
domain show d1
domain list
parent = project create --domain d1 --description x p1
project create --domain d1 --parent p1 --enable --tag t --property k=v p2
project set --domain d1 --tag t --property k=v p1
project show --domain d1 p1
project list --domain d1 --tags t
project list --parent {parent} --long
user create --domain d1 --project p1 --project-domain d1 --password {password} --email a@b --description x u1
user set --domain d1 --email b@c u1
user set --domain d1 --password {password} --ignore-lockout-failure-attempts u1
user show --domain d1 u1
user list --domain d1 --long
group = group create --domain d1 g1
group set --domain d1 --description x g1
group show --domain d1 g1
group list --domain d1
group add user --group-domain d1 --user-domain d1 g1 u1
group contains user --group-domain d1 --user-domain d1 g1 u1
user list --group {group} --domain d1
group list --user u1 --user-domain d1
group remove user --group-domain d1 --user-domain d1 g1 u1
role create r1
role set --description x r1
role set --no-immutable manager
role set --name managers manager
role set --name manager managers
role set --immutable manager
role show r1
role list
role create --domain d1 r2
role list --domain d1
role add --user u1 --user-domain d1 --project p1 --project-domain d1 member
role add --group g1 --group-domain d1 --domain d1 reader
role add --group g1 --group-domain d1 --project p1 --project-domain d1 --inherited reader
role add --user u1 --user-domain d1 --system all reader
role add --group g1 --group-domain d1 --system all reader
role add --user u1 --user-domain d1 --domain d1 --inherited reader
user list --project p1 --domain d1
role assignment list --names
role assignment list --user u1 --user-domain d1 --effective
role assignment list --project p1 --project-domain d1 --names
role assignment list --domain d1 --inherited
role assignment list --group g1 --group-domain d1 --role reader
role assignment list --system all
role remove --user u1 --user-domain d1 --system all reader
role remove --group g1 --group-domain d1 --system all reader
role remove --user u1 --user-domain d1 --domain d1 --inherited reader
role remove --group g1 --group-domain d1 --project p1 --project-domain d1 --inherited reader
implied role create r1 --implied-role reader
implied role list
implied role delete r1 --implied-role reader
region create --description x r-one
region create --parent-region r-one r-two
region set --description y r-one
region show r-one
region list --parent-region r-one
service create --name s1 --description x s-type
service set --description y s1
service show s1
service list --long
endpoint = endpoint create --region r-one s1 public http://127.0.0.1/$(project_id)s
endpoint set --url http://127.0.0.1/x {endpoint}
endpoint show {endpoint}
endpoint list --service s1
endpoint add project --project-domain d1 {endpoint} p1
endpoint list --project p1 --project-domain d1
endpoint list --endpoint {endpoint}
endpoint remove project --project-domain d1 {endpoint} p1
groups = endpoint group create --description x eg1 {filters}
endpoint group set --name eg2 --description y --filters {filters} {groups}
endpoint group show eg2
endpoint group add project --project-domain {domain} {groups} p1
endpoint group list
endpoint group list --endpointgroup eg2
endpoint group list --project p1 --domain {domain}
endpoint group remove project --project-domain {domain} {groups} p1
endpoint group delete {groups}
registered = registered limit create --service s1 --region r-one --default-limit 5 things
registered limit set --default-limit 6 {registered}
registered limit show {registered}
registered limit list
limit = limit create --project p1 --service s1 --region r-one --resource-limit 7 things
limit set --resource-limit 8 {limit}
limit show {limit}
limit list --project p1
limit delete {limit}
registered limit delete {registered}
policy = policy create --type application/json {file}
policy set --type text/plain --rules {file} {policy}
policy show {policy}
policy list --long
policy delete {policy}
endpoint delete {endpoint}
service delete s1
region delete r-two
region delete r-one
role remove --user u1 --user-domain d1 --project p1 --project-domain d1 member
role delete --domain d1 r2
role delete r1
{credentials}
group delete --domain d1 g1
user delete --domain d1 u1
project delete --domain d1 p2
project delete --domain d1 p1
domain set --disable d1
domain delete d1
token issue
"""

# A few commands of each kind. tests/unit/identity/test_personas.py asks every rule for every kind of caller.
SHORT = """
domain = domain create d1
project create --domain d1 p1
user create --domain d1 --project p1 --project-domain d1 --password {password} u1
user set --domain d1 --email b@c u1
role add --user u1 --user-domain d1 --project p1 --project-domain d1 member
role assignment list --user u1 --user-domain d1 --effective
service create --name s1 s-type
service delete s1
user delete --domain d1 u1
project delete --domain d1 p1
domain set --disable d1
domain delete d1
token issue
"""

# For others: not with a delegation.
CREDENTIALS = """
credential = credential create --type cert --project p1 u1 {file}
credential show {credential}
credential list --type cert
credential set --user u1 --type cert --data {file} --project p1 {credential}
credential delete {credential}
"""

OWN = """
token issue
catalog list
catalog show compute
project list --my-projects
project show {project}
user show {user}
federation domain list
federation project list
"""

DELEGATING = """
access = ec2 credentials create
ec2 credentials show {access}
ec2 credentials list
ec2 credentials delete {access}
credential = application credential create --role member --description x --unrestricted ci2
application credential show {credential}
application credential list
application credential delete {credential}
other = application credential create --access-rules '[{{"service": "x", "method": "GET", "path": "/v2.1"}}]' ci3
rule = access rule list
access rule show {rule}
application credential delete {other}
access rule delete {rule}
token issue -c user_id -c project_id
trust = trust create --project {project} --role member --impersonate {user} {admin}
trust show {trust}
trust list --trustor {user}
trust delete {trust}
"""

# Not offered, as the operator's page says. OAuth's commands are not here: they need a separate library.
NOT_OFFERED = """
identity provider create x
identity provider list
identity provider show x
mapping create --rules {rules} m
mapping list
mapping show m
mapping delete m
federation protocol list --identity-provider x
federation protocol create --identity-provider x --mapping m p
service provider create --auth-url http://127.0.0.1 --service-provider-url http://127.0.0.1 x
service provider list
service provider show x
"""


@pytest.fixture
def url(live_server: Any, settings: Any, tmp_path: Path) -> str:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # each command signs in again
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    settings.CREDENTIAL_KEY_DIR = tmp_path / "credential-keys"
    bootstrap.bootstrap(admin_password=PASSWORD, demo_password=PASSWORD, public_url=live_server.url, region="RegionOne")
    return f"{live_server.url}/identity"


@pytest.fixture
def commands(url: str, tmp_path: Path) -> Callable[..., Commands]:
    def make(**auth: str) -> Commands:
        return Commands(auth={"auth_url": url, "identity_api_version": "3", **auth}, directory=tmp_path)

    return make


def password(name: str, **more: str) -> dict[str, str]:
    return {
        "username": name,
        "password": PASSWORD,
        "user_domain_id": "default",
        **(more or {"project_name": name, "project_domain_id": "default"}),
    }


def play(commands: Commands, script: str, **values: str) -> dict[str, str]:
    """Run each line; raise AssertionError with what a command said when it fails."""
    for line in script.strip().splitlines():
        found = re.match(r"^(\w+) = (.*)$", line)
        name, text = (found[1], found[2]) if found else ("", line)
        text = text.format(**values)
        column = {"access": "access", "rule": "ID"}.get(name, "id")
        done = commands.done(f"{text} -f value -c {column}" if name else text)
        assert done.code == 0, f"{text}: {done.output} {done.errors}"
        if name:
            values[name] = done.output.strip()
    return values


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    texts = {"file": "{}", "filters": '{"interface": "public"}', "rules": '[{"local": [], "remote": []}]'}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: str(tmp_path / name) for name in texts}


def value(commands: Commands, line: str, column: str) -> str:
    return commands(f"{line} -f value -c {column}").strip()


def signed_in(method: str, name: str, commands: Callable[..., Commands]) -> Commands:
    """Return the commands of a user who signed in by ``method``, for the project of the same name."""
    first = commands(**password(name))
    scope = {"project_name": name, "project_domain_id": "default"}
    if method == "token":
        return commands(auth_type="v3token", token=value(first, "token issue", "id"), **scope)
    if method == "application credential":
        line = "application credential create --unrestricted --secret s3cret ci"
        lent = {"auth_type": "v3applicationcredential", "application_credential_secret": "s3cret"}
        return commands(**lent, application_credential_id=value(first, line, "id"))
    if method == "trust":
        role, other = ("admin", "demo") if name == "admin" else ("member", "admin")
        them = value(commands(**password(other)), "token issue", "user_id")
        me, project = (value(first, "token issue", column) for column in ("user_id", "project_id"))
        line = f"trust create --project {project} --role {role} --impersonate {me} {them}"
        by = {"username": other, "password": PASSWORD, "user_domain_id": "default"}
        return commands(auth_type="v3password", trust_id=value(first, line, "id"), **by)
    if method == "system":
        return commands(**password(name, system_scope="all"))
    return first


HEAVY = [pytest.param(method, marks=pytest.mark.heavy) for method in ("application credential", "trust")]


@pytest.mark.parametrize("method", ["password", pytest.param("system", marks=pytest.mark.heavy)])
def test_an_administrators_commands(commands: Callable[..., Commands], files: dict[str, str], method: str) -> None:
    script = LIFE.replace("{credentials}\n", CREDENTIALS.lstrip())
    play(signed_in(method, "admin", commands), script, password="x1", **files)


@pytest.mark.parametrize("method", ["token", *HEAVY, "system"])
def test_some_of_an_administrators_commands(commands: Callable[..., Commands], method: str) -> None:
    play(signed_in(method, "admin", commands), SHORT, password="x1")


@pytest.mark.parametrize("method", ["password", "token", *HEAVY])
def test_a_members_commands(commands: Callable[..., Commands], method: str) -> None:
    demo = commands(**password("demo"))
    ids = {"user": value(demo, "token issue", "user_id"), "project": value(demo, "token issue", "project_id")}
    admin = value(commands(**password("admin")), "token issue", "user_id")
    caller = signed_in(method, "demo", commands)
    play(caller, OWN, **ids)
    if method in ("password", "token"):
        play(caller, DELEGATING, admin=admin, **ids)
    for line in ("user list", "domain create x", "project set --disable demo", "endpoint group list", "service list"):
        assert "403" in caller.refused(line), line


def test_a_token_is_revoked(commands: Callable[..., Commands]) -> None:
    caller = signed_in("token", "demo", commands)
    caller("token revoke " + caller.environment["OS_TOKEN"])
    assert "requires authentication" in caller.refused("token issue")


def test_what_is_not_offered(commands: Callable[..., Commands], files: dict[str, str]) -> None:
    admin = commands(**password("admin"))
    for line in NOT_OFFERED.strip().splitlines():
        said = admin.refused(line.format(**files))
        assert "404" in said or "No " in said, f"{line}: {said}"
        assert "Traceback" not in said


# What the client still says in v2.0.
OLD = """
token issue
catalog list
catalog show compute
project = project create --description x t1
project set --description y t1
project show t1
project list
user = user create --project t1 --password x --email a@b u1
user set --email b@c u1
user set --password y u1
user set --disable u1
user show u1
user list
user list --project t1
role create r1
role list
role show r1
role add --project t1 --user u1 r1
role assignment list --project t1 --user u1
role remove --project t1 --user u1 r1
role delete r1
access = ec2 credentials create
ec2 credentials show {access}
ec2 credentials list
ec2 credentials delete {access}
service create --name s1 s-type
service list
service show s1
endpoint = endpoint create --region RegionOne --publicurl http://127.0.0.1 s1
endpoint list
endpoint show {endpoint}
endpoint delete {endpoint}
service delete s1
user delete u1
project delete t1
"""


def test_version_2(commands: Callable[..., Commands], url: str) -> None:
    old = {"identity_api_version": "2", "auth_url": f"{url}/v2.0", "password": PASSWORD}
    play(commands(**old, username="admin", auth_type="v2password", tenant_name="admin"), OLD)


def test_system_and_domain_scope_and_old_clients(commands: Callable[..., Commands], url: str) -> None:
    system = commands(**password("admin", system_scope="all"))
    play(system, "token issue\nuser list\nservice list\nrole add --user admin --domain default admin")
    play(commands(**password("admin", domain_id="default")), "token issue\nuser list --domain default\nproject list")
    demo = commands(**password("demo"))
    assert demo.done("user list").code != 0
    assert demo.done("user password set --original-password wrong --password new").code != 0
    assert demo.done(f"user password set --original-password '{PASSWORD}' --password new").code == 0
    assert demo.done("token issue").code != 0
    # What signs in by v2.0 finds v2.0 in its catalog, and speaks it.
    old = {"auth_type": "v2password", "auth_url": f"{url}/v2.0", "username": "admin", "password": PASSWORD}
    play(commands(**old, identity_api_version="2", tenant_name="admin"), "token issue\nuser list\nproject list")
