"""Signing permits. Only the gatekeeper's task imports this module, and only its process can read the key."""

import functools
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tools.permit_keys import kid_of
from tools.permits import ALGORITHM, PermitClaims


def _key() -> Ed25519PrivateKey:
    """The key that signs now: read again when it was replaced, and never while others may read it."""
    path = Path(settings.LAM_PERMIT_KEY)
    found = path.stat()
    return _read(path, found.st_mtime_ns, found.st_mode)


@functools.lru_cache(maxsize=2)
def _read(path: Path, _modified: int, mode: int) -> Ed25519PrivateKey:
    if mode & 0o077:
        raise ImproperlyConfigured(
            f"LAM_PERMIT_KEY: {path.name} may be read by others; make it readable by one user only"
        )
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured("LAM_PERMIT_KEY: the file holds no Ed25519 key")
    return key


def kid() -> str:
    """The name of the key that signs now."""
    return kid_of(_key().public_key())


def sign(claims: PermitClaims) -> str:
    """The token for exactly these claims. Raises ImproperlyConfigured or OSError where the key is missing."""
    return jwt.encode(claims.to_jwt(), _key(), algorithm=ALGORITHM, headers={"kid": kid(), "typ": "permit+jwt"})
