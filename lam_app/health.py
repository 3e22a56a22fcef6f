"""What machines ask about the process itself: is it there, can it work, which keys are permits signed under."""

import base64

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from tools.permits import ALGORITHM, public_keys
from traces import schema
from traces.problems import problem

OLDER = "The database has not been migrated yet for this program."


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """The process answers, its database does too, and both are of one age."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        why = schema.newer() or (OLDER if schema.older() else "")
    except DatabaseError:
        return problem(503, "unavailable", "Service Unavailable", "The database does not answer.")
    if why:
        return problem(503, "unavailable", "Service Unavailable", why)
    return HttpResponse("ready\n", content_type="text/plain")


@require_safe
def jwks(_request: HttpRequest) -> HttpResponse:
    """The public keys that permits are accepted under (RFC 7517, RFC 8037), so that anybody can verify one."""
    try:
        known = public_keys()
    except OSError:
        return problem(503, "unavailable", "Service Unavailable", "There is no public key yet.")
    keys = [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": kid,
            "x": base64.urlsafe_b64encode(one.key.public_bytes(Encoding.Raw, PublicFormat.Raw)).rstrip(b"=").decode(),
        }
        for kid, one in known.items()
    ]
    return JsonResponse({"keys": keys}, headers={"Cache-Control": "public, max-age=300"})
