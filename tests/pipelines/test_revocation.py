"""Two API processes cache the same token: a revocation in one takes effect in the other at once."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from deploy import ports
from tests.cloud import ROOT, Cloud, wait_for

pytestmark = pytest.mark.slow
PASSWORD = "correct horse"


@pytest.fixture
def second(cloud: Cloud) -> Iterator[str]:
    """The URL of another API process of the same cloud."""
    address = f"127.0.0.1:{ports.find_free()}"
    command = cloud.command("api")
    command[command.index("-b") + 1] = address
    process = subprocess.Popen(command, cwd=ROOT, env=cloud.environment, stdin=subprocess.DEVNULL)
    url = f"http://{address}"

    def answers() -> bool:
        try:
            return requests.get(f"{url}/healthz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    wait_for(answers, what="a second API")
    yield url
    process.terminate()
    process.wait()


class Person:
    """A new user with a role on a new project, and two tokens, the second made of the first."""

    def __init__(self, cloud: Cloud, number: int) -> None:
        def made(path: str, noun: str, **values: Any) -> str:
            answer = cloud.call(
                "POST", path, {noun: {"name": f"r{number}", "domain_id": "default", **values}}, admin=True
            )
            assert answer.status_code == 201, answer.text
            return str(answer.json()[noun]["id"])

        self.user = made("/identity/v3/users", "user", password=PASSWORD)
        self.project = made("/identity/v3/projects", "project")
        self.group = made("/identity/v3/groups", "group")
        (row,) = cloud.rows("SELECT id FROM identity_role WHERE name = 'member' AND domain_id IS NULL")
        self.grant = f"/identity/v3/projects/{self.project}/groups/{self.group}/roles/{row[0]}"
        for path in (f"/identity/v3/groups/{self.group}/users/{self.user}", self.grant):
            assert cloud.call("PUT", path, admin=True).status_code == 204
        self.scope = {"project": {"id": self.project}}
        by = {"methods": ["password"], "password": {"user": {"id": self.user, "password": PASSWORD}}}
        first = self.sign_in(cloud.url, by)
        self.tokens = [first, self.sign_in(cloud.url, {"methods": ["token"], "token": {"id": first}})]

    def sign_in(self, url: str, identity: Any) -> str:
        body = {"auth": {"identity": identity, "scope": self.scope}}
        return requests.post(f"{url}/identity/v3/auth/tokens", json=body, timeout=30).headers["X-Subject-Token"]

    def codes(self, *urls: str) -> list[int]:
        """Return whether each process accepts each token."""
        found = []
        for url in urls:
            for token in self.tokens:
                answer = requests.get(f"{url}/compute/v2.1/flavors", headers={"X-Auth-Token": token}, timeout=30)
                found.append(answer.status_code)
        return found


def test_what_one_process_ends_is_ended_in_the_other(cloud: Cloud, second: str) -> None:
    def ask(method: str, path: str, body: Any = None, **headers: str) -> None:
        answer = requests.request(
            method, cloud.url + path, json=body, headers={"X-Auth-Token": cloud.admin_token, **headers}, timeout=30
        )
        assert answer.status_code in (200, 204), answer.text

    endings: list[Any] = [
        lambda one: ask("PATCH", f"/identity/v3/users/{one.user}", {"user": {"password": "another one"}}),
        lambda one: ask("PATCH", f"/identity/v3/users/{one.user}", {"user": {"enabled": False}}),
        lambda one: ask("DELETE", f"/identity/v3/users/{one.user}"),
        lambda one: ask("PATCH", f"/identity/v3/projects/{one.project}", {"project": {"enabled": False}}),
        lambda one: ask("DELETE", f"/identity/v3/groups/{one.group}/users/{one.user}"),
        lambda one: ask("DELETE", one.grant),
        lambda one: ask("DELETE", "/identity/v3/auth/tokens", **{"X-Subject-Token": one.tokens[0]}),
        lambda one: ask("DELETE", f"/identity/v2.0/tokens/{one.tokens[0]}"),
    ]
    for number, end in enumerate(endings):
        one = Person(cloud, number)
        for _ in range(3):  # into every cache there is
            assert one.codes(cloud.url, second) == [200] * 4
        end(one)
        assert one.codes(second, cloud.url) == [401] * 4, f"ending {number}"


def test_keys_rotate_under_running_processes(cloud: Cloud, second: str) -> None:
    """Tokens survive one rotation; new ones are valid in both processes at once; a removed key ends its tokens."""
    one = Person(cloud, 99)
    before = list(one.tokens)
    cloud.manage("fernet_rotate")
    for url in (cloud.url, second):
        one.tokens = [*before, one.sign_in(url, {"methods": ["token"], "token": {"id": before[0]}})]
        assert one.codes(cloud.url, second) == [200] * 6
    cloud.manage("fernet_rotate")
    cloud.manage("fernet_rotate")
    one.tokens = before
    assert one.codes(cloud.url, second) == [401] * 4
    cloud.token, cloud.admin_token = cloud.sign_in("demo"), cloud.sign_in("admin")
