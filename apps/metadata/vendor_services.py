"""Asking the operator's vendor data service about a server. Without Django: hosts' metadata processes ask it, too."""

import json
from typing import Any

ANSWER_BYTES = 256 * 1024


def ask(url: str, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Return the service's answer about the server of ``documents.vendor_request``. Raises OSError, ValueError.

    ``timeout_s`` bounds each wait for the service, in seconds.
    """
    import urllib.request  # 1 MiB, which clouds without such a service spare

    asked = urllib.request.Request(  # noqa: S310 - the URL is the operator's
        url, json.dumps(request).encode(), {"Content-Type": "application/json", "Accept": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=timeout_s) as response:  # noqa: S310
        content = response.read(ANSWER_BYTES + 1)
    if len(content) > ANSWER_BYTES:
        raise ValueError("the answer is too long")
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("the answer is no JSON object")
    return document
