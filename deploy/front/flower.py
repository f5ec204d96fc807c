"""Flower behind the front: under /flower/, for operators who are signed in."""

import base64
import hashlib

from deploy.environment import Environment

PREFIX = "flower"
USER = "admin"
# The one inline script of Flower's pages (flower/templates/workers.html) is allowed by its digest.
SCRIPT = b"\nvar autorefresh = 1;\n"
POLICY = (
    "default-src 'self'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Django sets the same on its pages. Flower itself sets X-Content-Type-Options.
PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
UPSTREAM = "    upstream flower {{ server unix:{socket}; }}\n"
# Each request asks the API whether its session may see Flower (apps/operations/admission.py). The API also answers the
# browser if it may not. Flower's password is the front's own: every account of this host can open the socket's file.
ADMITTED = """\
            auth_request /front/admission/flower;
            error_page 401 403 = @flower_refused;
            error_page 500 =503 /front/refused/503;
            {pages}
{headers}
            proxy_set_header Host $asked_host;
            proxy_set_header Connection close;
            proxy_set_header Authorization "{authorization}";
            proxy_hide_header X-Content-Type-Options;
"""
TEXT = """
        location /{prefix}/ {{
{admitted}            set $asked_method $request_method;
            proxy_pass http://flower;
        }}
        # The list of tasks, which Flower's page reads by POST.
        location = /{prefix}/tasks/datatable {{
{admitted}            set $asked_method GET;
            proxy_pass http://flower/{prefix}/tasks/datatable;
        }}
        location = /{prefix} {{ proxy_pass http://api; }}  # nginx itself would redirect to http
        location = /{prefix}/metrics {{ return 404; }}
        location = /front/admission/flower {{
            internal;
            client_max_body_size 0;
            proxy_method GET;
            proxy_pass_request_body off;
{admission}            proxy_set_header X-Front-Admission "";
            proxy_set_header X-Front-Method $asked_method;
            proxy_pass http://api/admin/flower/admission/;
        }}
        location @flower_refused {{
            proxy_pass http://api;
        }}
"""


def socket(environment: Environment) -> str:
    """Return the path of the socket where Flower listens."""
    return str(environment.state / "front" / "flower.sock")


def credentials(environment: Environment) -> str:
    """Return what Flower asks of who opens its socket: ``user:password``."""
    return f"{USER}:{environment.values.get('CELERITY_FLOWER_PASSWORD', '')}"


def policy() -> str:
    """Return the Content-Security-Policy of Flower's pages."""
    return POLICY.format(digest=base64.b64encode(hashlib.sha256(SCRIPT).digest()).decode())


def upstream(environment: Environment) -> str:
    return UPSTREAM.format(socket=socket(environment))


def locations(environment: Environment, *, pages: str, admission: str) -> str:
    """Return the locations of Flower. ``pages``: the front's own error pages; ``admission``: headers of a question."""
    headers = {"Content-Security-Policy": policy(), **PAGE_HEADERS}
    lines = [f'            add_header {name} "{value}" always;' for name, value in headers.items()]
    admitted = ADMITTED.format(
        pages=pages,
        headers="\n".join(lines),
        authorization=f"Basic {base64.b64encode(credentials(environment).encode()).decode()}",
    )
    return TEXT.format(prefix=PREFIX, admitted=admitted, admission=admission)
