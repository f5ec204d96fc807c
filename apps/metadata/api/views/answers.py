"""What hosts' metadata processes ask: documents of the servers on their ports, and where posted passwords go.

Not for users: a request without a fresh signature by the cloud's secret key is answered 401, whatever it asks.
"""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.common.exceptions import CloudError
from apps.compute.services import server_passwords
from apps.metadata import signatures
from apps.metadata.selectors import answers
from apps.metadata.selectors.answers import Asker

MAX_ASKERS = 64


def signed(view: Callable[[dict[str, Any]], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give a view the document of a signed request."""

    def checked(request: HttpRequest) -> HttpResponse:
        signature = request.headers.get(signatures.HEADER, "")
        key, now = settings.SECRET_KEY, int(time.time())
        if not signatures.is_valid(signature, key, path=request.path_info, body=request.body, now=now):
            return JsonResponse({"error": "unsigned"}, status=401)
        try:
            return view(json.loads(request.body))
        except (ValueError, KeyError, TypeError):
            return JsonResponse({"error": "malformed"}, status=400)

    return csrf_exempt(require_POST(checked))


def _asker(document: dict[str, Any]) -> Asker:
    return Asker(port_id=uuid.UUID(document["port"]), server_id=uuid.UUID(document["server"]))


@signed
def of_askers(asked: dict[str, Any]) -> HttpResponse:
    """Return ``answers``, one for each of ``askers`` (port, server): all documents, or null for an unknown port."""
    askers = [_asker(item) for item in asked["askers"][:MAX_ASKERS]]
    bundles = answers.of(host=str(asked["host"]), askers=askers)
    return JsonResponse({"answers": [bundles.get(asker) for asker in askers]})


@signed
def password(asked: dict[str, Any]) -> HttpResponse:
    """Keep the password that a guest posted. 204; 404 for an unknown port; what the service raises."""
    asker = _asker(asked["asker"])
    if asker not in answers.bound(host=str(asked["host"]), askers=[asker]):
        return HttpResponse(status=404)
    try:
        server_passwords.post(server_id=asker.server_id, value=str(asked["password"]))
    except CloudError as error:
        return JsonResponse({"error": error.message}, status=error.code)
    return HttpResponse(status=204)
