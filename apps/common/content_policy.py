"""The Content-Security-Policy of every page: scripts are files of this site, and no other site may frame it."""

from django.http import HttpResponse

_POLICY = (
    "default-src 'self'; script-src 'self'{more}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# The admin's menus and tabs are Alpine.js, which compiles the expressions of its attributes
# (docs/decisions/content-policy.md).
ADMIN = _POLICY.format(more=" 'unsafe-eval'")
OTHERS = _POLICY.format(more="")


def set_on(response: HttpResponse, path: str) -> None:
    """Set the header where the answer is a page."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers.setdefault("Content-Security-Policy", ADMIN if path.startswith("/admin/") else OTHERS)
