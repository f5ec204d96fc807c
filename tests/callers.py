"""Callers for tests of services and of HTTP without sign-in: they carry the context that a token would give."""

import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from rest_framework.test import APIClient

from apps.common.context import RequestContext

_local = threading.local()


def client() -> APIClient:
    """Return this thread's client: a new client loads all middleware again, which costs more than most calls."""
    if not hasattr(_local, "client"):
        _local.client = APIClient(raise_request_exception=True)
    kept: APIClient = _local.client
    kept.cookies.clear()
    return kept


@dataclass
class Caller:
    """A user with a project: ``context`` for services, ``get`` and so on for HTTP."""

    prefix: str
    admin: bool = False
    roles: tuple[str, ...] = ("member", "reader")
    project_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def context(self) -> RequestContext:
        roles = ("admin", *self.roles) if self.admin else self.roles
        return RequestContext(user_id=self.project_id, project_id=self.project_id, roles=roles, is_admin=self.admin)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        caller = client()
        caller.force_authenticate(user=object(), token=self.context)  # type: ignore[arg-type]
        if body is not None:
            more = {"data": body, "format": "json", **more}
        return getattr(caller, method)(f"{self.prefix}{path}", **more)

    def get(self, path: str, **params: Any) -> Any:
        return self.call("get", path, **({"data": params} if params else {}))

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("post", path, body)

    def put(self, path: str, body: Any = None) -> Any:
        return self.call("put", path, body)

    def delete(self, path: str) -> Any:
        return self.call("delete", path)
