"""A plain HTTP client for OpenStack-compatible clouds, of the standard library only: it costs little, runs anywhere."""

import http.client
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

now = time.perf_counter
Answer = tuple[int, dict[str, str], Any]


class Http:
    """One keep-alive connection per thread and per host; reconnects when the server closes."""

    def __init__(self, headers: dict[str, str] | None = None, timeout: float = 120) -> None:
        self.headers = dict(headers or {})
        self.timeout = timeout
        self.local = threading.local()

    def call(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Return status, headers in lower case and the document. Raises OSError when the server is away."""
        parts = urlsplit(url)
        sent = {"Accept": "application/json", **self.headers, **(headers or {})}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        status, answer_headers, raw = self._exchange(parts.scheme, parts.netloc, (method, target, data, sent))
        try:
            return status, answer_headers, json.loads(raw) if raw else None
        except ValueError:
            return status, answer_headers, {"raw": raw[:300].decode("replace")}

    def _exchange(self, scheme: str, netloc: str, request: tuple[Any, ...]) -> tuple[int, dict[str, str], bytes]:
        """Send on the kept connection; where the server has closed it meanwhile, once more on a new one."""
        pool: dict[str, http.client.HTTPConnection] = self.local.__dict__.setdefault("connections", {})
        while True:
            kept = pool.get(netloc)
            connection = kept or self._connect(scheme, netloc)
            pool[netloc] = connection
            try:
                connection.request(*request)
                response = connection.getresponse()
                raw = response.read()
            except (http.client.HTTPException, OSError):
                connection.close()
                del pool[netloc]
                if kept is None:
                    raise
                continue
            if response.will_close:
                connection.close()
                del pool[netloc]
            return response.status, {key.lower(): value for key, value in response.getheaders()}, raw

    def _connect(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        return kind(netloc, timeout=self.timeout)


@dataclass(frozen=True)
class Login:
    """Who signs in, where. ``domain`` is the id of user's and project's domain."""

    auth_url: str
    user: str
    password: str
    project: str
    domain: str = "default"
    region: str = ""
    interface: str = "public"


@dataclass
class Session:
    """A signed-in caller: its HTTP client, and the services' addresses by type."""

    http: Http
    catalog: dict[str, str]
    project_id: str
    auth_seconds: float
    nova: str = field(init=False)
    glance: str = field(init=False)
    neutron: str = field(init=False)

    def __post_init__(self) -> None:
        self.nova = self.catalog["compute"]
        self.glance = _with_version(self.catalog["image"], "/v2")
        self.neutron = _with_version(self.catalog.get("network", ""), "/v2.0")


def _with_version(base: str, version: str) -> str:
    return base if base.endswith(("/v2", "/v2.0")) else base + version


def sign_in(login: Login, *, microversion: str = "2.37") -> Session:
    """Return a session. Raises SystemExit naming what the identity service said."""
    base = login.auth_url.rstrip("/")
    base += "" if base.endswith("/v3") else "/v3"
    user = {"name": login.user, "domain": {"id": login.domain}, "password": login.password}
    scope = {"project": {"name": login.project, "domain": {"id": login.domain}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    began = now()
    status, headers, document = Http().call("POST", f"{base}/auth/tokens", body)
    if status != 201:
        raise SystemExit(f"auth failed: {status} {document}")
    catalog = {
        service["type"]: endpoint["url"].rstrip("/")
        for service in document["token"]["catalog"]
        for endpoint in service["endpoints"]
        if endpoint["interface"] == login.interface and login.region in ("", endpoint.get("region_id"))
    }
    sent = {
        "X-Auth-Token": headers["x-subject-token"],
        "OpenStack-API-Version": f"compute {microversion}",
        "X-OpenStack-Nova-API-Version": microversion,
    }
    return Session(Http(sent), catalog, document["token"]["project"]["id"], now() - began)


def summary(values: Iterable[float], *percentiles: int) -> dict[str, float]:
    """Return count, mean, the percentiles asked for, and the maximum; seconds, by nearest rank."""
    ordered = sorted(values)
    result: dict[str, float] = {"n": len(ordered)}
    if ordered:
        result["mean"] = round(sum(ordered) / len(ordered), 4)
        for percentile in percentiles:
            result[f"p{percentile}"] = round(ordered[max(0, -(-len(ordered) * percentile // 100) - 1)], 4)
        result["max"] = round(ordered[-1], 4)
    return result


def spread(count: int, concurrency: int, work: Callable[[int], Any]) -> tuple[float, list[str]]:
    """Run ``work(i)`` for every i below ``count`` on that many threads; return the seconds it took and the errors."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(count):
        waiting.put(index)
    errors: list[str] = []

    def loop() -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                work(index)
            except Exception as error:  # counted in the report
                errors.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=loop) for _ in range(min(concurrency, count))]
    began = now()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return now() - began, errors
