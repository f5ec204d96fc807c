"""openstackclient's identity commands, one by one, signed in with each method."""

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
domain create d1
domain set --description x d1
domain show d1
domain list
project create --domain d1 --description x p1
project set --domain d1 --tag t --property k=v p1
project show --domain d1 p1
project list --domain d1 --tags t
user create --domain d1 --project p1 --project-domain d1 --password {password} --email a@b --description x u1
user set --domain d1 --email b@c u1
user show --domain d1 u1
user list --domain d1
group = group create --domain d1 g1
group set --domain d1 --description x g1
group show --domain d1 g1
group list --domain d1
group add user --group-domain d1 --user-domain d1 g1 u1
group contains user --group-domain d1 --user-domain d1 g1 u1
user list --group {group} --domain d1
group remove user --group-domain d1 --user-domain d1 g1 u1
role create r1
role set --description x r1
role show r1
role list
role add --user u1 --user-domain d1 --project p1 --project-domain d1 member
role add --group g1 --group-domain d1 --domain d1 reader
role add --user u1 --user-domain d1 --system all reader
role add --user u1 --user-domain d1 --domain d1 --inherited reader
role assignment list --names
role assignment list --user u1 --user-domain d1 --effective
role assignment list --system all
role remove --user u1 --user-domain d1 --system all reader
role remove --user u1 --user-domain d1 --domain d1 --inherited reader
implied role create r1 --implied-role reader
implied role list
implied role delete r1 --implied-role reader
region create --description x r-one
region set --description y r-one
region show r-one
region list
service create --name s1 --description x s-type
service set --description y s1
service show s1
service list --long
endpoint = endpoint create --region r-one s1 public http://127.0.0.1/$(project_id)s
endpoint set --url http://127.0.0.1/x {endpoint}
endpoint show {endpoint}
endpoint list --service s1
registered = registered limit create --service s1 --region r-one --default-limit 5 things
registered limit set --default-limit 6 {registered}
registered limit show {registered}
registered limit list
limit = limit create --project p1 --service s1 --region r-one --resource-limit 7 things
limit set --resource-limit 8 {limit}
limit show {limit}
limit list
limit delete {limit}
registered limit delete {registered}
policy = policy create --type application/json {file}
policy show {policy}
policy list
policy delete {policy}
credential = credential create --type cert --project p1 u1 {file}
credential show {credential}
credential list
credential set --user u1 --type cert --data {file} --project p1 {credential}
credential delete {credential}
endpoint delete {endpoint}
service delete s1
region delete r-one
role remove --user u1 --user-domain d1 --project p1 --project-domain d1 member
role delete r1
group delete --domain d1 g1
user delete --domain d1 u1
project delete --domain d1 p1
domain set --disable d1
domain delete d1
"""

OWN = """
token issue
catalog list
catalog show compute
project list --my-projects
project show {project}
user show {user}
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
rule = application credential create --access-rules '[{{"service": "x", "method": "GET", "path": "/v2.1"}}]' ci3
access rule list
application credential delete {rule}
trust = trust create --project {project} --role member {user} {other}
trust show {trust}
trust list --trustor {user}
trust delete {trust}
"""


@pytest.fixture
def url(live_server: Any, settings: Any, tmp_path: Path) -> str:
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
        column = "access" if name == "access" else "id"
        done = commands.done(f"{text} -f value -c {column}" if name else text)
        assert done.code == 0, f"{text}: {done.output} {done.errors}"
        if name:
            values[name] = done.output.strip()
    return values


def test_an_administrators_commands(commands: Callable[..., Commands], tmp_path: Path) -> None:
    file = tmp_path / "document"
    file.write_text("{}")
    play(commands(**password("admin")), LIFE, password="x1", file=str(file))


def test_with_each_method(commands: Callable[..., Commands]) -> None:
    demo = commands(**password("demo"))
    user = demo.done("token issue -f value -c user_id").output.strip()
    project = demo.done("token issue -f value -c project_id").output.strip()
    play(demo, OWN, user=user, project=project)
    other = commands(**password("admin")).done("token issue -f value -c user_id").output.strip()
    play(demo, DELEGATING, user=user, project=project, other=other)
    token = demo.done("token issue -f value -c id").output.strip()
    scope = {"project_name": "demo", "project_domain_id": "default"}
    play(commands(auth_type="v3token", token=token, **scope), OWN, user=user, project=project)
    made = demo.done("application credential create --secret s3cret ci -f value -c id").output.strip()
    lent = {"auth_type": "v3applicationcredential", "application_credential_id": made}
    play(commands(**lent, application_credential_secret="s3cret"), OWN, user=user, project=project)
    lending = f"trust create --project {project} --role member --impersonate {user} {other}"
    trust = demo.done(f"{lending} -f value -c id").output.strip()
    by = {"username": "admin", "password": PASSWORD, "user_domain_id": "default"}
    trustee = commands(auth_type="v3password", trust_id=trust, **by)
    play(trustee, OWN, user=user, project=project)
    assert commands(auth_type="v3token", token=token, **scope).done("token revoke " + token).code == 0
    assert commands(auth_type="v3token", token=token, **scope).done("token issue").code != 0


def test_system_and_domain_scope_and_old_clients(commands: Callable[..., Commands], url: str) -> None:
    system = commands(**password("admin", system_scope="all"))
    play(system, "token issue\nuser list\nservice list\nrole add --user admin --domain default admin")
    play(commands(**password("admin", domain_id="default")), "token issue\nuser list --domain default\nproject list")
    demo = commands(**password("demo"))
    assert demo.done("user list").code != 0
    assert demo.done("user password set --original-password wrong --password new").code != 0
    assert demo.done(f"user password set --original-password '{PASSWORD}' --password new").code == 0
    assert demo.done("token issue").code != 0
    old = {"auth_type": "v2password", "auth_url": f"{url}/v2.0", "username": "admin", "password": PASSWORD}
    assert commands(**old, tenant_name="admin").done("token issue").code == 0
