"""Trust in what is in front of the API: the front by its socket, other proxies by their addresses."""

import json
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler


class Application(WSGIHandler):
    """Django's, after a look at what clients say about themselves."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        apply_peer(environ)
        if not environ["celerity.admission"]:
            return super().__call__(environ, start_response)
        began: list[Any] = []
        answer = super().__call__(environ, lambda *said: began.append(said))  # type: ignore[arg-type]
        text = b"".join(answer)
        answer.close()
        start_response(*_for_the_front(began[0][0], began[0][1], text))
        return []


def _for_the_front(status: str, headers: list[tuple[str, str]], text: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Put a refusal into headers: nginx's auth_request drops bodies, and takes 2xx, 401 and 403 for answers only."""
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    if status[0] != "4":
        return status, kept
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    plain = json.dumps(json.loads(text)) if "json" in kind and text else text.decode(errors="replace")
    line = " ".join(plain.encode("ascii", "xmlcharrefreplace").decode().split())
    kept += [("X-Front-Status", status[:3]), ("X-Front-Refusal", line)]
    return ("401 Unauthorized" if status.startswith("401") else "403 Forbidden"), kept


def apply_peer(environ: dict[str, Any]) -> None:
    """Set the peer's address, and drop headers that only trusted proxies may send.

    Requests over the front's socket have no address (REMOTE_ADDR is empty); the front sends its client's in a header.
    Clients cannot set a path prefix (SCRIPT_NAME).
    """
    peer, admission = environ.pop("HTTP_X_FRONT_PEER", ""), environ.pop("HTTP_X_FRONT_ADMISSION", "")
    environ["celerity.front"] = not environ.get("REMOTE_ADDR")
    environ["celerity.admission"] = environ["celerity.front"] and bool(admission)
    if environ["celerity.front"]:
        environ["REMOTE_ADDR"] = peer
    forwarded = environ.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
    if environ["REMOTE_ADDR"] not in settings.TRUSTED_PROXIES:
        environ.pop("HTTP_X_FORWARDED_PROTO", None)
        environ["wsgi.url_scheme"] = "http"
    elif forwarded in ("http", "https"):
        environ["wsgi.url_scheme"] = forwarded
    if prefix := environ.get("SCRIPT_NAME"):
        environ["PATH_INFO"] = prefix + environ.get("PATH_INFO", "")
        environ["SCRIPT_NAME"] = ""
