"""Signing permits. Only the gatekeeper's task imports this module, and only its process can read the key."""

import functools
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tools.permits import ALGORITHM, PermitClaims, kid_of


@functools.lru_cache(maxsize=1)
def _key() -> Ed25519PrivateKey:
    path = Path(settings.LAM_PERMIT_KEY)
    if path.stat().st_mode & 0o077:
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
