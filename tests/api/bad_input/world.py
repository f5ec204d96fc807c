"""A small cloud in one transaction, and one check: a refusal names its field and writes nothing."""

import json
from typing import Any

from django.apps import apps
from django.db import connection
from django.test import Client

from apps.common.middleware import service_of

PASSWORD = "correct horse battery"
JSON = "application/json"
NOWHERE = "6b1c0d51-0000-4000-8000-000000000000"
# Refusals of sign-ins are events of the audit log, which is what it is for; sessions are Django's own.
UNCOUNTED = ("django_session", "common_auditevent", "common_event")
FAULTS = {
    400: "badRequest",
    401: "error",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    406: "notAcceptable",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
}


def rows() -> dict[str, int]:
    """Return the number of rows of every table of ours."""
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} - set(UNCOUNTED))
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables))
        return dict(cursor.fetchall())


def message_of(response: Any, service: str) -> str:
    """Return the sentence of a refusal; fails where the document is not the service's own."""
    body, code = response.json(), response.status_code
    if code == 401 or service == "identity":
        assert set(body) == {"error"}
        assert set(body["error"]) == {"code", "title", "message"}
        assert body["error"]["code"] == code
        return str(body["error"]["message"])
    if service == "network":
        assert set(body["NeutronError"]) == {"type", "message", "detail"}
        assert body["NeutronError"]["type"]
        return str(body["NeutronError"]["message"])
    if service == "image":
        assert set(body) == {"code", "title", "message"}
        assert body["code"].startswith(str(code))
        return str(body["message"])
    assert list(body) == [FAULTS[code]]
    assert body[FAULTS[code]]["code"] == code
    return str(body[FAULTS[code]]["message"])


class World:
    """Two projects, flavors, networks, one host; ``call`` is a client with a token.

    ``tokens`` are those of a world with the same rows and keys, and are issued to the first of them.
    """

    def __init__(self, tokens: dict[str, str]) -> None:
        self.client = Client(raise_request_exception=False)
        self.tokens = tokens
        for name in ("demo", "admin"):
            if name not in tokens:
                tokens[name] = self.sign_in(name)
        self.network = self._network("shared")
        self._image = ""

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        user = {"name": name, "domain": {"id": "default"}, "password": password}
        scope = {"project": {"name": name, "domain": {"id": "default"}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        response = self.client.post("/identity/v3/auth/tokens", body, content_type=JSON)
        assert response.status_code == 201, response.content
        return str(response["X-Subject-Token"])

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | str | None = None,
        who: str | None = "demo",
        content_type: str = JSON,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Send ``body`` as JSON, or ``raw`` as it is. ``who`` None: no token."""
        sent = raw if raw is not None else ("" if body is None else json.dumps(body))
        all_headers = {"OpenStack-API-Version": "compute 2.96", **(headers or {})}
        if who is not None:
            all_headers.setdefault("X-Auth-Token", self.tokens[who])
        return self.client.generic(method, path, sent, content_type=content_type, headers=all_headers)

    def refuses(self, code: int, method: str, path: str, body: Any = None, *, says: str = "", **more: Any) -> Any:
        """Assert the refusal: its code, its shape, its sentence, its headers, and that no row was written."""
        before = rows()
        response = self.call(method, path, body, **more)
        assert response.status_code == code, f"{response.status_code} for {code}: {response.content[:2000]!r}"
        assert rows() == before
        service = service_of(path)
        assert response["x-openstack-request-id"].startswith("req-")
        if service == "compute":
            assert response["x-compute-request-id"] == response["x-openstack-request-id"]
        if method == "HEAD":
            assert response.content == b""
            return response
        assert response["Content-Type"] == JSON
        message = message_of(response, service)
        assert says.lower() in message.lower(), message
        assert len(message) < 1000
        if code == 401:
            assert response["WWW-Authenticate"].startswith('Keystone uri="')
        return response

    # --- things to be wrong about ---------------------------------------------------------------

    def _network(self, name: str) -> str:
        found = self.call("GET", f"/network/v2.0/networks?name={name}").json()["networks"]
        return str(found[0]["id"])

    @property
    def image(self) -> str:
        """An image of 1 MiB that everybody may boot."""
        if not self._image:
            self._image = self.make_image(b"\x01" * 2**20, who="admin", visibility="public")
        return self._image

    def make_image(self, bits: bytes | None, *, who: str = "demo", **values: Any) -> str:
        values = {"name": "i", "disk_format": "raw", "container_format": "bare", **values}
        made = self.call("POST", "/image/v2/images", values, who=who).json()["id"]
        if bits is not None:
            path = f"/image/v2/images/{made}/file"
            sent = self.call("PUT", path, raw=bits, who=who, content_type="application/octet-stream")
            assert sent.status_code == 204, sent.content
        return str(made)

    def body(self, **values: Any) -> dict[str, Any]:
        """Return the body of a create that would succeed but for ``values``; None takes a key away."""
        whole = {"name": "vm", "imageRef": self.image, "flavorRef": "1", "networks": "auto", **values}
        return {"server": {key: value for key, value in whole.items() if value is not ...}}

    def server(self, *, who: str = "demo", **columns: Any) -> str:
        """Make a server with these columns."""
        response = self.call("POST", "/compute/v2.1/servers", self.body(networks="none"), who=who)
        assert response.status_code == 202, response.content
        key = str(response.json()["server"]["id"])
        values = {"vm_state": "active", "task_state": "", "power_state": 1, **columns}
        apps.get_model("compute", "Server").objects.filter(id=key).update(**values)
        apps.get_model("workflow", "Run").objects.filter(subject_id=key).update(state="done")
        return key
