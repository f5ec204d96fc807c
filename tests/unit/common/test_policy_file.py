"""An operator's policy.yaml: OpenStack's terms keep their meaning, and a broken file does not stop the cloud."""

import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from apps.common import policy
from apps.common.context import RequestContext

MEMBER = RequestContext(user_id="u", project_id="p", user_domain_id="default", roles=("member", "reader"))
ADMIN = RequestContext(user_id="a", project_id="q", roles=("admin", "manager", "member", "reader"), is_admin=True)
RULE = "os_compute_api:servers:show"
_times = count(1)


@pytest.fixture
def write(tmp_path: Path, settings: Any) -> Callable[[str], None]:
    settings.STATE_DIR = tmp_path

    def put(text: str) -> None:
        file = tmp_path / "policy.yaml"
        file.write_text(text)
        at = 10**18 + next(_times)  # two writes within one tick of the clock are two files all the same
        os.utime(file, ns=(at, at))

    return put


@pytest.mark.parametrize(
    ("check", "own", "foreign", "admin"),
    [
        ("rule:admin_or_owner", True, False, True),
        ("rule:admin_api", False, False, True),
        ("rule:admin_only", False, False, True),
        ("rule:project_reader_api", True, False, False),
        ("rule:project_member_api", True, False, False),
        ("rule:project_manager_api", False, False, False),
        ("rule:project_manager_or_admin", False, False, True),
        ("tenant_id:%(tenant_id)s", True, False, False),
        ("is_admin:True or (role:admin and is_admin_project:True)", False, False, True),
        ("role:service", False, False, False),
        ("!", False, False, False),
        ("@", True, True, True),
    ],
)
def test_words_of_openstack(write: Any, check: str, own: bool, foreign: bool, admin: bool) -> None:
    write(f'"{RULE}": "{check}"')
    asked = [
        policy.allowed(MEMBER, RULE, {"project_id": "p"}),
        policy.allowed(MEMBER, RULE, {"project_id": "other"}),
        policy.allowed(ADMIN, RULE, {"project_id": "other"}),
    ]
    assert asked == [own, foreign, admin]


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str("user_id" in body and self.path == "/yes").encode())

    def log_message(self, *_: object) -> None: ...


def test_a_rule_may_ask_a_server(write: Any) -> None:
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answers = []
        for path in ("yes", "no"):
            write(f'"{RULE}": "http://127.0.0.1:{server.server_port}/{path}"')
            answers.append(policy.allowed(MEMBER, RULE, {"project_id": "p"}))
        server.shutdown()
    assert answers == [True, False]


@pytest.mark.parametrize("broken", ["{{{", "- a", "\x00", "5", f'"{RULE}": 5'])
def test_a_broken_file_leaves_the_rules_of_before(write: Any, broken: str) -> None:
    write(f'"{RULE}": "!"')
    assert not policy.allowed(ADMIN, RULE, {"project_id": "q"})
    write(broken)
    assert not policy.allowed(ADMIN, RULE, {"project_id": "q"})
    assert policy.allowed(MEMBER, "os_compute_api:servers:index", {"project_id": "p"})
    write(f'"{RULE}": "@"')
    assert policy.allowed(MEMBER, RULE, {"project_id": "other"})


def test_nothing_starts_with_a_broken_file(write: Any) -> None:
    write("{{{")
    with pytest.raises(policy.BadPolicyFile):
        policy.warm()


@pytest.mark.parametrize(
    "text", ['"{0}": "rule:{0}"', '"a": "rule:b"\n"b": "rule:a"\n"{0}": "rule:a"', '"{0}": "rule:x"']
)
def test_rules_without_an_end_or_a_beginning_allow_nothing(write: Any, text: str) -> None:
    write(text.format(RULE))
    assert not policy.allowed(ADMIN, RULE, {"project_id": "q"})


FORMER = {
    "compute:aggregates:images": "os_compute_api:os-aggregates:images",
    "os_compute_api:os-migrations:index:host": "os_compute_api:os-migrations:index",
}


@pytest.mark.parametrize("rule", FORMER)
def test_a_former_name_holds_where_the_file_has_no_other(write: Any, rule: str) -> None:
    write(f'"{FORMER[rule]}": "@"')
    with capture_logs() as logs:
        assert policy.allowed(MEMBER, rule) and policy.allowed(MEMBER, rule)
    assert [row["rules"][rule] for row in logs] == [FORMER[rule]]
    write(f'"{FORMER[rule]}": "@"\n"{rule}": "!"')
    assert not policy.allowed(ADMIN, rule)
    write(f'"{RULE}": "@"')
    assert policy.allowed(ADMIN, rule) and not policy.allowed(MEMBER, rule)
