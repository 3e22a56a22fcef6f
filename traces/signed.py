"""Messages signed as Standard Webhooks has it: the same few lines for what goes out and for what comes in. Pure.

A secret is written as ``whsec_`` and the key's bytes in Base64. Three headers go with a message: ``webhook-id``,
``webhook-timestamp`` (seconds since 1970) and ``webhook-signature``.
"""

import base64
import hashlib
import hmac
from typing import Final

PREFIX: Final = "whsec_"
MOST_SIGNATURES: Final = 10
"""A message may carry several, while its sender changes keys."""


def secret_of(key: bytes) -> str:
    """The key as people are shown it."""
    return PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """The key that a secret of ``secret_of`` stands for."""
    return base64.b64decode(secret.removeprefix(PREFIX))


def signature(key: bytes, message: str, at: str, body: bytes) -> str:
    """``v1,`` and the Base64 of HMAC-SHA256 over the id, the time as it is written, and the body, joined by dots."""
    digest = hmac.digest(key, f"{message}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def is_among(expected: str, signatures: str) -> bool:
    """Whether one of the signatures of a header is the expected one; all are looked at, each in the same time."""
    found = False
    for one in signatures.split(" ")[:MOST_SIGNATURES]:
        found |= hmac.compare_digest(one.encode(), expected.encode())
    return found
