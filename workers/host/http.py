"""An agent's HTTP server, for the API only: every request carries a fresh signature of its path."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import structlog
from django.conf import settings
from django.core import signing

from workers import config

log = structlog.get_logger("celerity.agent")
SALT = "celerity.agent"
SIGNATURE_SECONDS = 60


class Handler(BaseHTTPRequestHandler):
    """GET /hosts/<host>/servers/<id>/console -> the console's last bytes."""

    timeout = 10

    def do_GET(self) -> None:
        """Answer 401 to unsigned requests and 404 to unknown paths."""
        parts = [unquote(part) for part in self.path.strip("/").split("/")]
        drivers = config.drivers_for(parts[1]) if len(parts) == 5 else None
        if not self._signed():
            self._answer(HTTPStatus.UNAUTHORIZED)
        elif drivers is None or (parts[0], parts[2], parts[4]) != ("hosts", "servers", "console"):
            self._answer(HTTPStatus.NOT_FOUND)
        else:
            self._answer(HTTPStatus.OK, drivers.hypervisor.console_output(parts[3], settings.CONSOLE_LOG_LIMIT))

    def _signed(self) -> bool:
        try:
            signature = self.headers.get("X-Celerity-Signature", "")
            signed = signing.TimestampSigner(salt=SALT).unsign(signature, max_age=SIGNATURE_SECONDS)
        except signing.BadSignature:
            return False
        return signed == self.path

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are logged by the API that makes them."""


def serve() -> tuple[ThreadingHTTPServer, str]:
    """Listen on ``AGENT_LISTEN`` and return the server and its URL."""
    host, _, port = settings.AGENT_LISTEN.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="agent-http", daemon=True).start()
    return server, f"http://{host}:{server.server_address[1]}"
